"""Numbers as people read them: the unknown is said to be so, and intervals have two ends."""

import re
from collections.abc import Sequence
from math import floor, isfinite, log10

from clawtrace_otel.tracecard.lines import clean

UNKNOWN = "unknown"
MAX_CHARS = 600
"""Of a text in a report; patches.yaml has the whole."""

_DIGITS = 3
"""Of an amount below a dollar: as many as there are reasons to believe."""
_SMALLEST = 1e-12
"""USD; what a cost is counted in."""
_MILLION = 1_000_000
_MANY = 100
_NUMBER = re.compile(r"\b[0-9a-f]{32}\b|\d[\d,.]*")


def usd(value: float | None) -> str:
    """An amount: to the cent from a dollar on, to three digits below."""
    if value is None or not isfinite(value):
        return UNKNOWN
    size = abs(value)
    if size < _SMALLEST:
        return "$0"
    text = f"{size:,.2f}" if size >= 1 else _small(size)
    return f"-${text}" if value < 0 else f"${text}"


def _small(size: float) -> str:
    places = _DIGITS - 1 - floor(log10(size))
    return f"{size:.{places}f}".rstrip("0").ljust(len("0.00"), "0")


def usd_interval(interval: tuple[float, float] | None) -> str:
    """Both ends, or one amount where they are the same."""
    if interval is None:
        return UNKNOWN
    low, high = usd(interval[0]), usd(interval[1])
    return low if low == high else f"{low} to {high}"


def rate(value: float | None) -> str:
    """USD of a token."""
    return UNKNOWN if value is None else f"{usd(value * _MILLION)} a million tokens"


def share(part: int, whole: int, noun: str, interval: tuple[float, float] | None) -> str:
    """``14 of 40 runs (Wilson 95 % 22..50 %)``."""
    text = f"{part:,} of {whole:,} {noun}"
    if interval is None:
        return text
    low, high = (f"{100 * end:.0f}" for end in interval)
    return f"{text} (Wilson 95 % {low}..{high} %)"


def number(value: float) -> str:
    """A count that may be a mean: with a decimal only where one says something."""
    return f"{value:,.1f}".removesuffix(".0") if value < _MANY else f"{value:,.0f}"


def line(text: str, limit: int = MAX_CHARS) -> str:
    """A text from elsewhere as one printable line."""
    return clean(" ".join(text.split()), limit)


def likeness(text: str) -> str:
    """A text with its numbers and ids left open: those that differ in them alone are of a kind."""
    return _NUMBER.sub("…", text)


def bar(low: float, high: float, most: float) -> tuple[float, float]:
    """Where a bar of an interval begins and how long it is, where 100 stands for ``most``."""
    if most <= 0:
        return 0.0, 0.0
    start = 100 * low / most
    return round(start, 2), round(100 * high / most - start, 2)


def code_spans(text: str) -> Sequence[tuple[bool, str]]:
    """The parts of a line, each with whether it stands between backquotes."""
    parts = text.split("`")
    if len(parts) % 2 == 0 or not all(parts[1::2]):
        return [(False, text)]
    return [(n % 2 == 1, part) for n, part in enumerate(parts) if part]
