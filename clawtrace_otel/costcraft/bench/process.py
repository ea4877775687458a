"""A program run in a process group of its own, with limits; of what it prints not all is kept."""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

Ending = Literal["exited", "time limit", "money limit", "interrupted"]
"""How a run came to its end; all but the first mean that it was killed."""

GRACE_SECONDS = 3.0
"""Between SIGTERM and SIGKILL: an agent sends its last spans then."""

HEAD_BYTES = 8 << 20
TAIL_BYTES = 256 << 10
"""What is kept of each output: its beginning, and its end."""

_POLL_SECONDS = 0.02
_CHUNK = 1 << 16


class StartError(Exception):
    """A program cannot be started; the message says why."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a program ended.

    Attributes:
        exit_code: negative: the number of the signal that ended it.
    """

    ending: Ending
    exit_code: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a program runs, and what it is told.

    Attributes:
        folder: its working folder.
        stdout, stderr: files for what it prints.
    """

    folder: Path
    environment: Mapping[str, str]
    stdout: Path
    stderr: Path


def run_program(
    command: Sequence[str],
    place: Place,
    time_limit: float | None,
    must_end: Callable[[], Ending | None],
) -> Exit:
    """Run a program until it ends, or has to.

    Args:
        command: program and arguments.
        place: where.
        time_limit: seconds.
        must_end: asked again and again; a reason ends the program.

    Raises:
        StartError: it cannot be started.
    """
    started = time.monotonic()
    process = _start(command, place)
    assert process.stdout
    assert process.stderr
    outputs = [_Output(process.stdout, place.stdout), _Output(process.stderr, place.stderr)]
    ending: Ending = "exited"
    try:
        ending = _wait(process, started, time_limit, must_end)
    finally:
        _end_group(process)
        for output in outputs:
            output.close()
    return Exit(ending, process.returncode, time.monotonic() - started)


def _start(command: Sequence[str], place: Place) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=place.folder,
            env=dict(place.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as e:
        msg = f"{command[0]!r} cannot be started: {e}"
        raise StartError(msg) from e


def _wait(
    process: subprocess.Popen[bytes],
    started: float,
    time_limit: float | None,
    must_end: Callable[[], Ending | None],
) -> Ending:
    while process.poll() is None:
        if time_limit is not None and time.monotonic() - started > time_limit:
            return "time limit"
        if reason := must_end():
            return reason
        time.sleep(_POLL_SECONDS)
    return "exited"


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the program if it runs, and in any case all that it has left behind in its group."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # the latter: only zombies, on macOS
        os.killpg(group, number)


class _Output:
    """Writes what a pipe delivers to a file, beginning and end, on a thread of its own."""

    def __init__(self, pipe: IO[bytes], path: Path) -> None:
        self._pipe = pipe
        self._path = path
        self._thread = threading.Thread(target=self._copy, name="bench-output", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait until all is written; not for ever: who left the group may still hold the pipe."""
        self._thread.join(GRACE_SECONDS)

    def _copy(self) -> None:
        written = dropped = 0
        tail: deque[bytes] = deque()
        tail_bytes = 0
        with self._pipe, self._path.open("wb", buffering=0) as file:
            while chunk := os.read(self._pipe.fileno(), _CHUNK):
                if written < HEAD_BYTES:
                    file.write(chunk)
                    written += len(chunk)
                    continue
                tail.append(chunk)
                tail_bytes += len(chunk)
                while tail_bytes - len(tail[0]) >= TAIL_BYTES:
                    tail_bytes -= len(tail[0])
                    dropped += len(tail.popleft())
            if dropped:
                file.write(f"\n[{dropped:,} bytes were dropped here]\n".encode())
            file.write(b"".join(tail))
