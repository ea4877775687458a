"""A PostgreSQL server of the tests' own, and a fresh database for each test."""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

PASSWORD = "s3cret-pass-word"
"""Must be in no log and no error."""

USER = "clawtrace"

_START_SECONDS = 60
_FOLDERS = "/usr/lib/postgresql"


def find_program(name: str) -> Path | None:
    """A program of PostgreSQL: in PATH, or where Debian puts it."""
    found = [Path(path)] if (path := shutil.which(name)) else []
    found += sorted(Path(_FOLDERS).glob(f"*/bin/{name}"), reverse=True)
    return next(iter(found), None)


def _owner() -> str | None:
    """PostgreSQL does not run as root."""
    return "postgres" if os.geteuid() == 0 else None


def missing() -> str:
    """Why there can be no server; "" if there can."""
    for name in ("initdb", "postgres"):
        if find_program(name) is None:
            return f"no {name} in PATH or {_FOLDERS}/*/bin"
    if (user := _owner()) and user not in {entry.pw_name for entry in pwd.getpwall()}:
        return f"it does not run as root, and there is no user {user}"
    return ""


class Postgres:
    """A server on a free port of loopback, with its data in a temporary folder.

    Args:
        fsync: ``False`` is faster, and enough where only processes are killed.
    """

    def __init__(self, *, fsync: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="clawtrace-postgres-"))
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        if user := _owner():
            shutil.chown(self._folder, user, pwd.getpwnam(user).pw_gid)
        self._initialise(fsync=fsync)

    @property
    def is_running(self) -> bool:
        """Whether it was started, and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the process that is above all others of the server; 0 if it does not run."""
        return self._process.pid if self._process is not None and self.is_running else 0

    def start(self) -> None:
        """Start, and wait until it takes connections. Does nothing if it runs.

        The port may be taken and shared memory in use for a moment after a kill: it tries again.
        """
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise AssertionError(self.log)
            if not self.is_running:
                self._launch()
            time.sleep(0.05)

    def stop(self) -> None:
        """End at once, with a checkpoint; connections are cut."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End as a crash does: SIGKILL."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """Stop, and remove its folder."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def log(self) -> str:
        """All that it wrote to standard error."""
        return (self._folder / "log").read_text()

    def url(self, database: str) -> str:
        """The address of a database, with user and password."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def fresh_database(self) -> str:
        """The address of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, with all who are connected to it."""
        name = url.rpartition("/")[2]
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def _initialise(self, *, fsync: bool) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(
            *("initdb", f"--pgdata={self._data}", f"--username={USER}", "--auth=scram-sha-256"),
            *(f"--pwfile={password}", "--encoding=UTF8", "--locale=C", "--no-sync"),
        )
        password.unlink()
        lines = [
            f"port = {self.port}",
            "listen_addresses = '127.0.0.1'",
            f"unix_socket_directories = '{self._folder}'",
            f"fsync = {'on' if fsync else 'off'}",
        ]
        with (self._data / "postgresql.conf").open("a") as config:
            config.write("\n".join(lines))

    def _run(self, name: str, *flags: str) -> None:
        done = subprocess.run(
            [str(find_program(name)), *flags],
            user=_owner(),
            group=_owner(),
            cwd="/",
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()

    def _launch(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(find_program("postgres")), "-D", str(self._data)],
                stderr=log,
                user=_owner(),
                group=_owner(),
                cwd="/",
            )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _end(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(30)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One server for all tests of a process."""
    if reason := missing():
        pytest.skip(f"PostgreSQL is not installed: {reason}")
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres(postgres_server: Postgres) -> Iterator[Postgres]:
    """The server, which a test may stop; it runs again for the next one."""
    postgres_server.start()
    yield postgres_server
    postgres_server.start()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The address of an empty database."""
    url = postgres.fresh_database()
    yield url
    postgres.start()
    postgres.drop(url)
