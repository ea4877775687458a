"""What Jaeger's HTTP APIs say of a trace."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from tests.collector import peers

Json = dict[str, Any]
Query = Mapping[str, str | int]

SECONDS = 60.0
"""In which a span that was sent is shown."""


class Jaeger(Protocol):
    """One that runs, as a process or in a container."""

    @property
    def query(self) -> str:
        """``host:port`` of its page and its HTTP API."""


_NUMBERS = {"int64": int, "float64": float}


@dataclass(frozen=True, slots=True)
class Shown:
    """A span as Jaeger shows it.

    Attributes:
        span_id: in hex.
        parent_id: in hex; "" of a root.
        service: of its process, or resource.
        attributes: name to value; a value that is no scalar is as the API has it.
    """

    span_id: str
    parent_id: str
    name: str
    service: str
    attributes: Mapping[str, object]


def get(jaeger: Jaeger, path: str, query: Query | None = None) -> Json | None:
    """What the API answers; ``None`` if it says that there is no such thing."""
    with closing(http.client.HTTPConnection(jaeger.query, timeout=30)) as connection:
        connection.request("GET", f"{path}?{urlencode(query or {})}")
        response = connection.getresponse()
        body = response.read()
    if response.status == http.HTTPStatus.NOT_FOUND:
        return None
    assert response.status == http.HTTPStatus.OK, body
    answer: Json = json.loads(body)
    return answer


def legacy(jaeger: Jaeger, trace_id: str) -> list[Shown]:
    """The spans of a trace by ``/api/traces``, which Jaeger's page reads."""
    answer = get(jaeger, f"/api/traces/{trace_id}")
    return [shown for trace in answer["data"] for shown in _of_legacy(trace)] if answer else []


def otlp(jaeger: Jaeger, trace_id: str) -> list[Shown]:
    """The spans of a trace by ``/api/v3/traces``, which answers in OTLP."""
    answer = get(jaeger, f"/api/v3/traces/{trace_id}")
    return list(_of_otlp(answer["result"])) if answer else []


Reader = Callable[[Jaeger, str], list[Shown]]

READERS: dict[str, Reader] = {"legacy": legacy, "v3": otlp}
"""The two HTTP APIs."""


def spans(
    jaeger: Jaeger,
    trace_id: str,
    count: int,
    read: Reader = legacy,
) -> dict[str, Shown]:
    """Wait for ``count`` spans of a trace; span id -> span. None is shown twice."""
    found = peers.until(
        lambda: found if len(found := read(jaeger, trace_id)) >= count else None, SECONDS
    )
    by_id = {span.span_id: span for span in found}
    assert len(found) == len(by_id) == count
    return by_id


def search(jaeger: Jaeger, service: str, **tags: str) -> set[str]:
    """The ids of the traces of the last hour that a search by tags finds."""
    start, end = (int(seconds * 1e6) for seconds in _last_hour())
    query: Query = {"service": service, "tags": json.dumps(tags), "start": start, "end": end}
    answer = get(jaeger, "/api/traces", {**query, "limit": 100})
    assert answer is not None
    return {trace["traceID"] for trace in answer["data"]}


def search_otlp(jaeger: Jaeger, service: str) -> set[str]:
    """The ids of the traces of the last hour by ``/api/v3``, which knows no tags over HTTP."""
    start, end = (datetime.fromtimestamp(t, UTC).isoformat() for t in _last_hour())
    query: Query = {
        "query.service_name": service,
        "query.start_time_min": start,
        "query.start_time_max": end,
        "query.num_traces": 100,
    }
    answer = get(jaeger, "/api/v3/traces", query)
    found = answer["result"]["resourceSpans"] if answer else []
    return {span["traceId"] for _, span in _spans_in(found)}


def _last_hour() -> tuple[float, float]:
    return time.time() - 3600, time.time() + 3600


def _of_legacy(trace: Json) -> Iterator[Shown]:
    for span in trace["spans"]:
        parents = [ref["spanID"] for ref in span["references"] if ref["refType"] == "CHILD_OF"]
        yield Shown(
            span["spanID"],
            next(iter(parents), ""),
            span["operationName"],
            trace["processes"][span["processID"]]["serviceName"],
            {tag["key"]: _NUMBERS.get(tag["type"], _same)(tag["value"]) for tag in span["tags"]},
        )


def _of_otlp(result: Json) -> Iterator[Shown]:
    for resource, span in _spans_in(result["resourceSpans"]):
        service = _attributes(resource["resource"])["service.name"]
        yield Shown(
            span["spanId"],
            span.get("parentSpanId", ""),
            span["name"],
            str(service),
            _attributes(span),
        )


def _spans_in(resources: list[Json]) -> Iterator[tuple[Json, Json]]:
    for resource in resources:
        for scope in resource["scopeSpans"]:
            for span in scope.get("spans", ()):  # there are none where all were there already
                yield resource, span


def _attributes(holder: Json) -> dict[str, object]:
    return {item["key"]: _value(item["value"]) for item in holder.get("attributes", ())}


def _value(value: Json) -> object:
    """OTLP's JSON writes 64-bit integers as texts."""
    ((kind, held),) = value.items()
    return int(held) if kind == "intValue" else held


def _same(value: object) -> object:
    return value
