"""Traces as Langfuse exports them, back into the spans that it received.

It keeps the raw attributes of a span under ``metadata.attributes``, except those that it moved to
fields of its own (messages, arguments, results), and with every value as text.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from clawtrace_otel.span import Span

_NS_PER_MS = 1_000_000


@dataclass(slots=True)
class Observation:
    """A span, and what Langfuse makes of it.

    Attributes:
        usage: token counts by kind; "input" is without those of other kinds.
        cost: USD by kind.
    """

    span: Span
    usage: Mapping[str, int]
    cost: Mapping[str, float]


def read_observations(path: Path) -> list[Observation]:
    """The observations of an exported trace."""
    return [_observation(value) for value in json.loads(path.read_bytes())["observations"]]


def _observation(value: dict[str, Any]) -> Observation:
    metadata = _parsed(value["metadata"])
    resource = metadata.get("resourceAttributes", {})
    span = Span(
        trace_id=value["traceId"],
        span_id=value["id"],
        parent_id=value["parentObservationId"] or "",
        name=value["name"],
        start_ns=_nanoseconds(value["startTime"]),
        end_ns=_nanoseconds(value["endTime"]),
        attributes={key: _parsed(v) for key, v in metadata.get("attributes", {}).items()},
        failed=value["level"] == "ERROR",
        status_message=value["statusMessage"] or "",
        scope=metadata.get("scope", {}).get("name", ""),
        service=resource.get("service.name", ""),
    )
    return Observation(span, value["usageDetails"], value["costDetails"])


def _nanoseconds(iso: str) -> int:
    return round(datetime.fromisoformat(iso).timestamp() * 1000) * _NS_PER_MS


def _parsed(value: Any) -> Any:
    """Undo the writing of lists as JSON; other text stays as it is, numbers included."""
    return json.loads(value) if isinstance(value, str) and value[:2] in ('{"', '["') else value
