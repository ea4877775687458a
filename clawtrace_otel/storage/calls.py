"""Calls of fsspec's file systems that end in time, and whose every error is an ``OSError``.

Libraries of object stores have errors of their own, which say: no credentials, no answer, no such
host. To who writes a card they are what a full disk is: it is tried again.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from clawtrace_otel.semconv.masking import mask
from clawtrace_otel.storage.file_systems import Opened, open_files
from clawtrace_otel.storage.urls import RemoteUrl

TIMEOUT_SECONDS = 10.0
"""For one operation, with all that is tried again within it. Those of file systems that are not
asynchronous take what they take."""

BUSY_SECONDS = 10.0
"""More, for a loop that does not come to it: a client that is being made keeps it from all else."""

LIST_SECONDS = 600.0
"""For all pages of a list."""

AT_ONCE = 32
"""Operations under way at the same time."""

T = TypeVar("T")

_of_parents: list[Opened | None] = []


class Calls:
    """The operations of a file system, by their names in fsspec.

    It is opened at the first call; a forked child opens its own. May be used by several threads.
    """

    def __init__(self, url: RemoteUrl) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._opened: Opened | None = None
        self._pid = os.getpid()

    @property
    def folder(self) -> str:
        """The folder's path in the file system.

        Raises:
            OSError: the file system cannot be opened.
        """
        return self._open().path

    def one(self, operation: str, *args: object, **options: object) -> Any:
        """What an operation gives.

        Raises:
            OSError: it failed.
        """
        opened = self._open()
        if opened.is_async:
            method = getattr(opened.files, f"_{operation}")
            seconds = LIST_SECONDS if operation == "ls" else TIMEOUT_SECONDS
            return _wait(opened, _in_time(method(*args, **options), seconds), seconds)
        try:
            opened.files.invalidate_cache()  # another replica writes, too
            return getattr(opened.files, operation)(*args, **options)
        except Exception as e:
            raise _as_os_error(e) from e

    def each(self, operation: str, paths: Sequence[str], **options: object) -> list[Any]:
        """What an operation gives for each path, or the ``OSError`` that it raises."""
        opened = self._open()
        if opened.is_async:
            method = getattr(opened.files, f"_{operation}")
            coroutine = _gather([partial(method, path, **options) for path in paths])
            found: list[Any] = _wait(opened, coroutine, TIMEOUT_SECONDS * (1 + len(paths)))
            return found
        return [self._result(operation, path, **options) for path in paths]

    def _result(self, operation: str, path: str, **options: object) -> Any:
        try:
            return self.one(operation, path, **options)
        except OSError as e:
            return e

    def _open(self) -> Opened:
        if self._pid != os.getpid():
            self._leave_to_parent()
        with self._lock:
            if self._opened is None:
                try:
                    self._opened = open_files(self._url)
                except Exception as e:
                    raise _as_os_error(e) from e
            return self._opened

    def _leave_to_parent(self) -> None:
        """Start anew in a forked child: connections are the parent's to use and to close."""
        _of_parents.append(self._opened)
        # What a thread of the parent held when it forked is held for ever.
        self._lock, self._opened, self._pid = threading.Lock(), None, os.getpid()


async def _in_time(coroutine: Coroutine[Any, Any, T], seconds: float) -> T:
    try:
        return await asyncio.wait_for(coroutine, seconds)
    except TimeoutError as e:
        msg = f"no answer within {seconds:g} s"
        raise TimeoutError(msg) from e
    except Exception as e:
        raise _as_os_error(e) from e


async def _gather(calls: Sequence[Callable[[], Coroutine[Any, Any, Any]]]) -> list[Any]:
    free = asyncio.Semaphore(AT_ONCE)

    async def run(call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        async with free:
            try:
                return await _in_time(call(), TIMEOUT_SECONDS)
            except OSError as e:
                return e

    return await asyncio.gather(*map(run, calls))


def _wait(opened: Opened, coroutine: Coroutine[Any, Any, T], seconds: float) -> T:
    """The result of a coroutine on the file system's loop, which bounds its time itself."""
    future = asyncio.run_coroutine_threadsafe(coroutine, opened.files.loop)
    try:
        return future.result(seconds + BUSY_SECONDS)
    except TimeoutError as e:
        future.cancel()
        raise e if str(e) else TimeoutError("no answer at all") from e


def _as_os_error(error: Exception) -> OSError:
    """An error with its kind, in one line, and without secrets."""
    if isinstance(error, OSError):
        return error
    text = " ".join(str(error).split())
    return OSError(mask(f"{type(error).__name__}: {text}" if text else type(error).__name__))
