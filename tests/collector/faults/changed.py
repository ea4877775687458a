"""The service with a constant changed, or with a point at which it kills itself.

``python -m tests.collector.faults.changed [--set MODULE:NAME=NUMBER]
[--kill WHEN:N:MODULE:FUNCTION] -- collector …``. ``WHEN`` is ``before`` or ``after`` the N-th call
of the function; a method is named ``Class.method``. All else is the program that is installed.
"""

import functools
import importlib
import inspect
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

from clawtrace_otel.cli import main


def change(name: str, value: str) -> None:
    """Change a constant, given as ``module:NAME``."""
    module, _, attribute = name.partition(":")
    assert isinstance(getattr(importlib.import_module(module), attribute), float)
    setattr(importlib.import_module(module), attribute, float(value))


def kill_at(point: str) -> None:
    """Wrap a function, so that the process is killed at one of its calls."""
    when, nth, module, path = point.split(":")
    holder: Any = importlib.import_module(module)
    *classes, name = path.split(".")
    for one in classes:
        holder = getattr(holder, one)
    setattr(holder, name, _wrapped(getattr(holder, name), when, int(nth)))


def _wrapped(function: Callable[..., Any], when: str, nth: int) -> Callable[..., Any]:
    calls = count(1)

    def kill(call: int, now: str) -> None:
        if call == nth and now == when:
            os.kill(os.getpid(), signal.SIGKILL)

    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        call = next(calls)
        kill(call, "before")
        result = function(*args, **kwargs)
        kill(call, "after")
        return result

    @functools.wraps(function)
    async def waiting(*args: Any, **kwargs: Any) -> Any:
        call = next(calls)
        kill(call, "before")
        result = await function(*args, **kwargs)
        kill(call, "after")
        return result

    return waiting if inspect.iscoroutinefunction(function) else plain


if __name__ == "__main__":
    end = sys.argv.index("--")
    for flag, value in zip(sys.argv[1:end:2], sys.argv[2:end:2], strict=True):
        if flag == "--set":
            change(*value.split("="))
        else:
            kill_at(value)
    main(sys.argv[end + 1 :])
