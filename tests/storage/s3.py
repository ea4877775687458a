"""A server that speaks S3, on loopback: moto's, which checks signatures and rights if asked to."""

import json
import logging
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count

import pytest
from moto import settings as moto_settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
"""Of nobody; until rights are enforced, the server takes any."""

_SETTINGS = ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION")

_numbers = count(1)


class S3:
    """The server. What was put there outlives that it is stopped and started again.

    Attributes:
        port: stays the same.
    """

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """For clients. The name makes them look it up, as that of a real server does."""
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Listen."""
        self._server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._server.start()
        self.port = self._server.get_host_and_port()[1]

    def stop(self) -> None:
        """Listen no more."""
        self._server.stop()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nothing listens within."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def bucket(self) -> str:
        """The name of a new bucket."""
        name = f"cards-{next(_numbers)}"
        request = urllib.request.Request(f"{self.url}/{name}", method="PUT")
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.status == 200
        return name

    def objects(self, where: str) -> dict[str, bytes]:
        """What is below a URL, as the server itself has it, by name."""
        bucket, prefix = _split(where)
        keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_bucket(bucket).keys
        found = {name: key.value for name, key in keys.items() if name.startswith(prefix)}
        return {name.removeprefix(prefix): content for name, content in found.items()}

    def put(self, where: str, contents: dict[str, bytes]) -> None:
        """Have objects below a URL."""
        bucket, prefix = _split(where)
        for name, content in contents.items():
            s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(bucket, prefix + name, content)

    def times(self, where: str) -> dict[str, object]:
        """When each object below a URL was written."""
        bucket, prefix = _split(where)
        keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_bucket(bucket).keys
        return {name.removeprefix(prefix): key.last_modified for name, key in keys.items()}

    def remove(self, where: str, name: str) -> None:
        """Take an object away."""
        bucket, prefix = _split(where)
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].delete_object(bucket, prefix + name)

    @contextmanager
    def rights(self, actions: Sequence[str], where: str) -> Iterator[dict[str, str]]:
        """Enforce rights within; gives the variables of a user who has those for one bucket."""
        bucket, _ = _split(where)
        backend = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
        name = f"user-{next(_numbers)}"
        backend.create_user("us-east-1", name)
        resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": resources}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        if actions:
            backend.put_user_policy(name, "cards", json.dumps(policy))
        key = backend.create_access_key(name)
        before = moto_settings.INITIAL_NO_AUTH_ACTION_COUNT
        moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
        ActionAuthenticatorMixin.request_count = 0
        try:
            yield {
                "AWS_ACCESS_KEY_ID": key.access_key_id,
                "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
            }
        finally:
            moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = before


@pytest.fixture(scope="session", name="s3_server")
def _s3_server() -> Iterator[S3]:
    server = S3()
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """The server, and the environment of its clients."""
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def where(s3: S3) -> str:
    """URL of a folder in a bucket of its own."""
    return f"s3://{s3.bucket()}/team/cards"


def _split(where: str) -> tuple[str, str]:
    bucket, _, prefix = where.removeprefix("s3://").partition("/")
    return bucket, f"{prefix}/" if prefix else ""
