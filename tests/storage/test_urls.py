"""What counts as a URL, and which are refused."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.cli import main
from clawtrace_otel.errors import ConfigError
from clawtrace_otel.storage.open import open_store
from clawtrace_otel.storage.urls import RemoteUrl, parse_where

SECRET = "hunter2hunter2"


@given(st.text(st.characters(exclude_characters=":\0", exclude_categories=["Cs"]), min_size=1))
def test_what_has_no_scheme_is_a_path(text: str) -> None:
    assert parse_where(text) == Path(text)


@pytest.mark.parametrize("path", ["C:\\cards", "c:/cards", "a:b/c", "2026-11-22T05:00"])
def test_a_colon_alone_makes_no_url(path: str) -> None:
    assert parse_where(path) == Path(path)


@pytest.mark.parametrize("url", ["file:///tmp/cards", "FILE:///tmp/cards", "local:///tmp/cards"])
def test_a_url_of_this_machine_is_a_path(url: str) -> None:
    assert parse_where(url) == Path("/tmp/cards")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("s3://b", RemoteUrl("s3", "s3://b")),
        ("S3://b/Prefix/", RemoteUrl("s3", "s3://b/Prefix")),
        (
            "abfs://c@a.dfs.core.windows.net/p",
            RemoteUrl("abfs", "abfs://c@a.dfs.core.windows.net/p"),
        ),
        ("memory://x", RemoteUrl("memory", "memory://x")),
    ],
)
def test_a_url_is_known_by_its_scheme(text: str, url: RemoteUrl) -> None:
    assert parse_where(text) == url


WRONG = {
    "s3://": "names no bucket",
    "s3:///prefix": "names no bucket",
    "s3:/bucket/prefix": "begins with s3://",
    "gcs:/bucket": "begins with gcs://",
    "simplecache::s3://bucket": "neither a path nor a URL",
    "://bucket": "neither a path nor a URL",
    "s3://[bucket": "'s3'",
    f"simplecache::s3://key:{SECRET}@bucket": "neither a path nor a URL",
    "file://host/cards": "on another machine",
    "nonsense://bucket": "does not know",
    f"s3://key:{SECRET}@bucket/prefix": "credentials come from the environment",
    f"sftp://me:{SECRET}@host/cards": "credentials come from the environment",
    f"az://cards/x?sig={SECRET}": "credentials come from the environment",
    f"az://cards/x#{SECRET}": "credentials come from the environment",
}


@pytest.mark.parametrize(("url", "reason"), WRONG.items())
def test_a_wrong_url_is_an_error_that_shows_no_password(url: str, reason: str) -> None:
    with pytest.raises(ConfigError, match="cards is ") as error:
        open_store(url)
    assert reason in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("command", [["cards", "ls"], ["compile", __file__, "-o"]])
@pytest.mark.parametrize("url", ["s3://", f"s3://key:{SECRET}@bucket/prefix"])
def test_commands_say_so(command: list[str], url: str) -> None:
    result = CliRunner().invoke(main, [*command, url])
    assert result.exit_code == 2
    assert "cards is " in result.output
    assert SECRET not in result.output


def test_a_settings_file_is_checked_without_asking_a_network(tmp_path: Path) -> None:
    file = tmp_path / "clawtrace.yaml"
    for cards, told in (("s3://bucket/cards", "is valid"), ("nonsense://bucket", "does not know")):
        file.write_text(f"cards: {cards}\n")
        result = CliRunner().invoke(main, ["collector", "validate", "--config", str(file)])
        assert told in result.output


def test_a_path_that_was_a_url_is_not_made_a_folder() -> None:
    """``Path`` takes one of the slashes away."""
    with pytest.raises(ConfigError, match="begins with s3://"):
        open_store(Path("s3://bucket/prefix"))
