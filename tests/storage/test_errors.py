"""What is wrong with a store is found at the start, and said with what to do."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clawtrace_otel.errors import ConfigError
from clawtrace_otel.storage import calls
from clawtrace_otel.storage.open import open_store
from tests.storage.s3 import KEYS, S3

ACTIONS = ("s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket")
"""What ``docs/storage.md`` says is needed."""


def refusal(where: str) -> str:
    with pytest.raises(ConfigError) as error:
        open_store(where).check()
    assert "--cards" in str(error.value)
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in str(error.value)
    return str(error.value)


MISSING = {
    "gs://bucket": "pip install fsspec gcsfs",
    "az://container": "pip install fsspec adlfs",
    "abfs://container@account": "pip install fsspec adlfs",
    "sftp://host/cards": "pip install fsspec paramiko",
}


@pytest.mark.parametrize(("url", "told"), MISSING.items())
def test_missing_packages_are_named(url: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        open_store(url)
    assert str(error.value).endswith(told)


@pytest.mark.parametrize("package", ["fsspec", "s3fs"])
def test_without_the_extra_s3_is_an_error_of_one_line(package: str) -> None:
    program = f"import sys; sys.modules[{package!r}] = None\n"
    program += "from clawtrace_otel.cli import main; main(['cards', 'ls', 's3://bucket/cards'])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.endswith("pip install 'clawtrace-otel[s3]'\n")
    assert done.stderr.count("\n") == 1


def test_a_bucket_that_is_not_there_is_told(s3: S3) -> None:
    assert "no such bucket" in refusal(f"s3://no-{s3.bucket()}/cards")


def test_no_credentials_are_told(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name)
    assert "Unable to locate credentials" in refusal(where)


def test_the_rights_in_the_documentation_are_enough(
    s3: S3, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3.rights(ACTIONS, where) as user:
        for name, value in user.items():
            monkeypatch.setenv(name, value)
        store = open_store(where)
        store.check()
        store.write("a.yaml", "x")
        assert store.names() == ["a.yaml"]
        assert store.missing(["a.yaml", "b.yaml"]) == {"b.yaml"}
        assert store.read("a.yaml") == b"x"
        store.remove("a.yaml")
    assert list(s3.objects(where)) == [".clawtrace-cards"]


STEPS = dict(zip(ACTIONS, ("written to", "read from", "removed from", "listed in"), strict=True))


@pytest.mark.parametrize("action", ACTIONS)
def test_a_right_that_is_missing_is_told_at_the_start(
    s3: S3, where: str, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3.rights([a for a in ACTIONS if a != action], where) as user:
        for name, value in user.items():
            monkeypatch.setenv(name, value)
        told = refusal(where)
    assert told.startswith(f"cards cannot be {STEPS[action]} {where}: ")
    assert user["AWS_SECRET_ACCESS_KEY"] not in told


@pytest.mark.parametrize("name", KEYS)
def test_wrong_credentials_are_told(
    s3: S3, where: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3.rights(ACTIONS, where) as user:
        for variable, value in (user | {name: "wrong"}).items():
            monkeypatch.setenv(variable, value)
        told = refusal(where)
    assert "Key" in told or "signature" in told
    assert user["AWS_SECRET_ACCESS_KEY"] not in told


def test_a_server_that_is_away_is_told(s3: S3, where: str) -> None:
    with s3.away():
        assert "Could not connect" in refusal(where)


@contextmanager
def silence() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_never_answers_takes_bounded_time(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "TIMEOUT_SECONDS", 1.0)
    with silence() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        store = open_store(where)
        for operation in (
            lambda: store.write("a.yaml", "x"),
            lambda: store.read("a.yaml"),
            lambda: store.missing(["a.yaml", "b.yaml"]),
            lambda: store.remove("a.yaml"),
        ):
            began = time.monotonic()
            with pytest.raises(TimeoutError, match="no answer"):
                operation()
            assert time.monotonic() - began < 20


def test_a_folder_needs_no_package_of_object_storage() -> None:
    program = "import sys; from clawtrace_otel.exporters.card_folder import CardFolder\n"
    program += "from clawtrace_otel.tracecard.read import read_cards; list(read_cards('.'))\n"
    program += "CardFolder('cards'); CardFolder('file:///tmp/cards')\n"
    program += "import clawtrace_otel.collector.pipeline, clawtrace_otel.commands.cards\n"
    program += "print([name for name in ('fsspec', 's3fs', 'botocore') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"
