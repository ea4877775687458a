"""A Docker engine: the one that runs here, or one of the tests' own."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from tests.integration.programs import CACHE

_STORAGE_DRIVERS = ("overlay2", "vfs")
_START_SECONDS = 60
_STOP_SECONDS = 60
_COMMAND_SECONDS = 600
_PREFIX = "clawtrace-docker-"
_ROOM_BYTES = 3 << 30
"""For images and containers of the tests, twice."""


class DockerError(AssertionError):
    """A command failed; the message has the command and all that it said."""


def output(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> str:
    """What a command wrote to standard output.

    Raises:
        DockerError: it failed, or took longer than ten minutes.
    """
    shown = " ".join(command)
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        msg = f"no end after {_COMMAND_SECONDS} s: {shown}"
        raise DockerError(msg) from e
    if done.returncode:
        msg = f"exit {done.returncode}: {shown}\n{done.stdout}{done.stderr}"
        raise DockerError(msg)
    return done.stdout


class Engine:
    """A running engine.

    Args:
        host: ``DOCKER_HOST`` of it; "" is the one that the client finds by itself.

    Attributes:
        environment: what programs need to reach it. Images are built as a plain engine does it,
            as BuildKit is not there everywhere.
    """

    def __init__(self, host: str = "") -> None:
        self.is_own = bool(host)
        self.environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
        if host:
            self.environment.pop("DOCKER_CONTEXT", None)
            self.environment["DOCKER_HOST"] = host

    def __str__(self) -> str:
        """For people."""
        return f"Docker {self.version}, {'started by the tests' if self.is_own else 'as found'}"

    def docker(self, *arguments: str) -> str:
        """What ``docker`` writes, without white space at its ends.

        Raises:
            DockerError: it failed.
        """
        return output(["docker", *arguments], self.environment, Path("/")).strip()

    def succeeds(self, *arguments: str) -> bool:
        """Whether ``docker`` exits with 0."""
        try:
            self.docker(*arguments)
        except DockerError:
            return False
        return True

    @property
    def version(self) -> str:
        """Of the engine; "" if none answers."""
        try:
            return self.docker("version", "--format", "{{.Server.Version}}")
        except DockerError:
            return ""


@contextmanager
def engine() -> Iterator[Engine]:
    """The engine that runs here; else one of our own, which needs root and is gone at the end.

    Ports and names of images are shared by all who use an engine, so one test module of the
    machine has it at a time; the others wait.
    """
    if shutil.which("docker") is None:
        pytest.skip("no docker client is installed (Debian's docker.io)")
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "docker.lock"):
        running = Engine()
        if running.version:
            yield running
        else:
            with _own_engine() as own:
                yield own


@contextmanager
def _own_engine() -> Iterator[Engine]:
    if shutil.which("dockerd") is None:
        pytest.skip("no Docker engine runs here, and there is no dockerd (Debian's docker.io)")
    if os.geteuid() != 0:
        pytest.skip("no Docker engine runs here, and only root can start one")
    parent = _parent()
    for left in parent.glob(f"{_PREFIX}*"):  # by tests that were killed; its dockerd has ended
        if not (left / "docker.pid").exists():
            _remove(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    server = _Server(folder)
    try:
        yield server.start()
    finally:
        server.end()
        _remove(folder)


def _parent() -> Path:
    """Memory, where there is enough: of what the engine writes, nothing is kept."""
    memory, disk = Path("/dev/shm"), Path(tempfile.gettempdir())
    if not memory.is_dir() or shutil.disk_usage(memory).free < _ROOM_BYTES:
        return disk
    (available,) = re.findall(r"MemAvailable: *(\d+) kB", Path("/proc/meminfo").read_text())
    return memory if int(available) * 1024 > 2 * _ROOM_BYTES else disk


def _remove(folder: Path) -> None:
    """Remove the folder of an engine that has ended, and what is still mounted below it."""
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for point in reversed(points):
        if Path(point).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", point], check=False)
    shutil.rmtree(folder, ignore_errors=True)


class _Server:
    """``dockerd`` with all that it has in one folder.

    It has no ``docker0``: containers are on networks of compose, and builds on that of the host.
    Its chains of iptables are those of any engine, and stay.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "log.txt"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Engine:
        """Start with the first storage driver that works here; a skip if none does."""
        found = Engine(f"unix://{self._folder}/docker.sock")
        for driver in _STORAGE_DRIVERS:
            self._launch(driver)
            if self._is_ready(found):
                return found
            self.end()
        lines = self._log.read_text(errors="replace").splitlines()
        pytest.skip(f"dockerd does not start here: {lines[-1:]}")

    def _launch(self, driver: str) -> None:
        config = self._folder / "daemon.json"
        config.write_text("{}")
        flags = {
            "config-file": config,
            "data-root": self._folder / driver,
            "exec-root": self._folder / "exec",
            "pidfile": self._folder / "docker.pid",
            "host": f"unix://{self._folder}/docker.sock",
            "storage-driver": driver,
            "bridge": "none",
        }
        # Should the tests be killed, it ends with them.
        command = ["setpriv", "--pdeathsig=TERM", "dockerd"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(f"--{name}={value}" for name, value in flags.items())],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _is_ready(self, engine: Engine) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        assert self._process is not None
        while self._process.poll() is None and time.monotonic() < deadline:
            if engine.version:
                return True
            time.sleep(0.1)
        return False

    def end(self) -> None:
        """End it and its containerd."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            self._end_containerd()

    def _end_containerd(self) -> None:
        """It outlives a dockerd that was killed."""
        pidfile = self._folder / "exec" / "containerd" / "containerd.pid"
        if pidfile.exists():
            os.kill(int(pidfile.read_text()), signal.SIGKILL)
