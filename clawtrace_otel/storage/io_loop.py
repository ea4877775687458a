"""The event loop that asynchronous file systems work on, in a thread of its own.

fsspec has one as well. That one cannot look up a host name while the interpreter ends, when threads
may no longer be started, and just then an agent's process writes its last card.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}


class _Executor(ThreadPoolExecutor):
    """Calls on a thread, or here if there may be no more threads."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            return _called(fn, *args, **kwargs)


def _called(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    future: Future[T] = Future()
    try:
        future.set_result(fn(*args, **kwargs))
    except BaseException as e:
        future.set_exception(e)
    return future


def io_loop() -> asyncio.AbstractEventLoop:
    """The loop of this process; it is started if it does not run yet. A forked child has its own.

    Raises:
        RuntimeError: no thread can be started any more.
    """
    with _lock:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = _loops[os.getpid()] = _start()
        return loop


def _start() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(_Executor(thread_name_prefix="clawtrace-storage-io"))
    # Nothing waits for it at the end of the process: who writes waits for what they write.
    threading.Thread(target=loop.run_forever, name="clawtrace-storage", daemon=True).start()
    return loop


def _renew_lock() -> None:
    """Another thread may have held it when the process forked."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
