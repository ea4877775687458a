"""A span as every way in delivers it: the little that the normaliser looks at.

``otlp.decode`` makes it from protobuf, ``processors.sdk`` from the SDK's ``ReadableSpan``. Ids are
lower-case hex, times are Unix nanoseconds, as in OTLP's ``Span`` message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Event:
    """A span event: its name and attributes."""

    name: str
    attributes: Mapping[str, object]


@dataclass(slots=True)
class Span:
    """One ended span with the attributes that some dialect table names.

    Attributes:
        trace_id: 32 hex digits.
        span_id: 16 hex digits.
        parent_id: 16 hex digits, empty for a root.
        start_ns: Unix nanoseconds.
        end_ns: Unix nanoseconds, 0 while the span has not ended.
        failed: the span's status is ERROR.
        scope: name of the instrumentation scope.
        service: ``service.name`` of the resource.
        links: (trace id, span id) of the spans that it is linked to.
    """

    trace_id: str
    span_id: str
    parent_id: str = ""
    name: str = ""
    start_ns: int = 0
    end_ns: int = 0
    attributes: Mapping[str, object] = field(default_factory=dict)
    events: Sequence[Event] = ()
    failed: bool = False
    status_message: str = ""
    scope: str = ""
    service: str = ""
    links: Sequence[tuple[str, str]] = ()
