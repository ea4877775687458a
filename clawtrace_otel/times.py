"""Times that were written down, as the nanoseconds of OpenTelemetry."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

MAX_NS = (1 << 63) - 1
"""In the year 2262. What is written down as later is no time."""


def iso_ns(text: str) -> int | None:
    """A time in ISO 8601 as Unix nanoseconds, UTC if it names no zone.

    ``None`` if it is no time, or one before 1970 or after ``MAX_NS``.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    ns = (aware - _EPOCH) // _MICROSECOND * 1000
    return ns if 0 <= ns <= MAX_NS else None


def time_ns(value: object) -> int:
    """Unix nanoseconds of an ISO 8601 text or of Unix milliseconds; 0 if it is no time."""
    if isinstance(value, str):
        return iso_ns(value) or 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value * 1000) * 1000 if 0 < value <= MAX_NS // 1_000_000 else 0
