"""The log of the service: text or JSON lines, without secrets, and never a flood."""

import copy
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

from pythonjsonlogger.json import JsonFormatter

from clawtrace_otel.semconv.masking import MAX_MASKED_CHARS, mask
from clawtrace_otel.settings import LogFormat, LogLevel

BURST = 10
"""How often a message is said within ``WINDOW_SECONDS``; then it is only counted."""

WINDOW_SECONDS = 60.0

_TALKATIVE = ("aiobotocore", "botocore", "fsspec", "s3fs")
"""Libraries that write all that they send at level ``debug``, session tokens included."""

_MAX_MESSAGES = 1000
"""That are kept apart. Only those of other libraries can be many."""


class TextFormatter(logging.Formatter):
    """Lines for people. A message is one line, whatever was sent to be in it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """See the base class."""
        return super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")

    def format(self, record: logging.LogRecord) -> str:
        """See the base class."""
        return _masked(super().format(record))


class JsonLinesFormatter(JsonFormatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, message, and what was added."""

    def __init__(self) -> None:
        super().__init__(
            "{levelname}{name}{message}",
            style="{",
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            timestamp="time",
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """See the base class."""
        moment = log_data.pop("time").isoformat(timespec="milliseconds").replace("+00:00", "Z")
        masked = {k: _masked(v) if isinstance(v, str) else v for k, v in log_data.items()}
        return {"time": moment, **masked}


_FORMATTERS: dict[LogFormat, Callable[[], logging.Formatter]] = {
    "text": TextFormatter,
    "json": JsonLinesFormatter,
}


@dataclass(slots=True)
class _Window:
    """How often a message was said since a time, and how often it was not."""

    record: logging.LogRecord
    since: float
    said: int = 1
    held_back: int = 0


class CalmHandler(logging.StreamHandler[TextIO]):
    """Writes each message at most ``BURST`` times a minute, and how often it was held back.

    A message is the text before its values are put in.

    Args:
        stream: to write to.
        clock: seconds that only go forward.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._windows: dict[tuple[str, int, str], _Window] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """See the base class."""
        key = (record.name, record.levelno, str(record.msg))
        now = self._clock()
        window = self._windows.get(key)
        if window is None or now - window.since >= WINDOW_SECONDS:
            self._open(key, record, now)
            super().emit(_saying(record, window.held_back if window else 0))
        elif window.said < BURST:
            window.said += 1
            super().emit(record)
        else:
            window.held_back += 1

    def close(self) -> None:
        """Say what was held back, and close."""
        self.acquire()
        try:
            self._tell_held_back()
        finally:
            self.release()
        super().close()

    def _open(self, key: tuple[str, int, str], record: logging.LogRecord, now: float) -> None:
        if len(self._windows) >= _MAX_MESSAGES:
            self._tell_held_back()
        bare = copy.copy(record)
        bare.exc_info = bare.exc_text = None  # it would keep all the variables of the traceback
        self._windows[key] = _Window(bare, now)

    def _tell_held_back(self) -> None:
        for window in self._windows.values():
            if window.held_back:
                super().emit(_saying(window.record, window.held_back))
        self._windows.clear()


def set_up_logging(log_format: LogFormat, level: LogLevel) -> None:
    """Log to standard error from now on; for the service, not for an agent's process."""
    handler = CalmHandler(sys.stderr)
    handler.setFormatter(_FORMATTERS[log_format]())
    logging.basicConfig(handlers=[handler], level=level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO if level == "debug" else logging.NOTSET)


def _saying(record: logging.LogRecord, held_back: int) -> logging.LogRecord:
    if not held_back:
        return record
    more = copy.copy(record)
    more.msg = f"{record.getMessage()} (and {held_back} times more, which were held back)"
    more.args = None
    return more


def _masked(text: str) -> str:
    parts = range(0, len(text), MAX_MASKED_CHARS)
    return "".join(mask(text[start : start + MAX_MASKED_CHARS]) for start in parts)
