"""Nothing that a sender sends makes the service crash, hang or forget the rest."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clawtrace_otel.collector import reader
from clawtrace_otel.otlp.traces import TraceBatch, decode_in_parts
from tests.collector import otlp, peers
from tests.collector.peers import JSON, InProcess, export, post

HUGE = (1 << 64) - 1


@pytest.fixture(scope="module", name="service")
def _service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with InProcess(tmp_path_factory.mktemp("bad")) as service:
        yield service


def times(start: int, end: int) -> Span:
    made = otlp.llm(2, 1, 1)
    made.start_time_unix_nano, made.end_time_unix_nano = start, end
    return made


def parents(*edges: tuple[int, int]) -> list[Span]:
    return [otlp.llm(n, 1, parent) for n, parent in edges]


SPANS: dict[str, list[Span]] = {
    "negative tokens": [otlp.llm(2, gen_ai__usage__input_tokens=-5)],
    "fractional tokens": [otlp.llm(2, gen_ai__usage__input_tokens=1.5)],
    "tokens in a string": [otlp.llm(2, gen_ai__usage__input_tokens="12")],
    "tokens that are no number": [otlp.llm(2, gen_ai__usage__input_tokens="many")],
    "tokens that are not finite": [otlp.llm(2, gen_ai__usage__input_tokens=float("nan"))],
    "too many tokens": [otlp.llm(2, gen_ai__usage__input_tokens=(1 << 63) - 1)],
    "a cost beyond all means": [otlp.llm(2, gen_ai__usage__cost=999_999_999.0)],
    "a negative cost": [otlp.llm(2, gen_ai__usage__cost=-1.0)],
    "a model that is a number": [otlp.llm(2, gen_ai__request__model=5)],
    "an operation that is a number": [otlp.llm(2, gen_ai__operation__name=5), otlp.llm(3)],
    "half a surrogate pair": [
        otlp.tool(2, gen_ai__tool__call__arguments='{"a": "\\ud83d"}'),
        otlp.llm(3, gen_ai__output__messages='[{"tool_calls": [{"id": "\\ud83d"}]}]'),
    ],
    "JSON nested too deeply": [otlp.tool(2, gen_ai__tool__call__arguments="[" * 100_000)],
    "control characters": [otlp.tool(2, gen_ai__tool__name="a\0b\x1b\u2028\ufeff")],
    "the end of time": [times(HUGE, HUGE)],
    "an end before the start": [times(HUGE, 1)],
    "no times": [times(0, 0)],
    "its own parent": parents((2, 2)),
    "a cycle": parents((2, 3), (3, 4), (4, 2)),
    "a cycle beside a tree": parents((2, 3), (3, 2), (4, 0), (5, 4)),
    "a parent of the wrong length": [
        Span(trace_id=b"\1" * 16, span_id=b"\2" * 8, parent_span_id=b"\3")
    ],
}


@pytest.mark.parametrize("name", SPANS)
def test_spans_that_make_no_sense_are_accepted_and_have_a_card(
    service: InProcess, name: str
) -> None:
    """Beside a call that makes sense, in the same request."""
    trace = 100 + list(SPANS).index(name)
    for n, made in enumerate(SPANS[name]):
        made.trace_id = bytes.fromhex(otlp.trace_id(trace))
        assert n < 10
    partial = export(service.grpc, otlp.body(*SPANS[name], otlp.llm(20, trace))).partial_success
    assert partial.rejected_spans == 0
    card = peers.card(service.cards, trace)
    assert card["total"]["llm_calls"] + card["total"]["tool_calls"] >= 1


def test_text_that_is_not_utf_8_costs_its_span_alone(service: InProcess) -> None:
    content = otlp.body(otlp.llm(2, 200, note="@@"), otlp.llm(3, 200))
    damaged = content.replace(b"@@", b"\xff\xfe")
    partial = export(service.grpc, damaged).partial_success
    assert partial.rejected_spans == 1
    assert "UTF-8" in partial.error_message
    assert peers.card(service.cards, 200)["total"]["llm_calls"] == 1


WRONG = [
    {"traceId": 5, "spanId": []},
    {"traceId": "xyz", "spanId": "0000000000000001"},
    {"traceId": otlp.trace_id(9), "spanId": None},
    {"traceId": otlp.trace_id(9), "spanId": "0000000000000001", "attributes": {"a": 1}},
    {"traceId": otlp.trace_id(9), "spanId": "0000000000000001", "startTimeUnixNano": "soon"},
    {"traceId": otlp.trace_id(9), "spanId": "0000000000000001", "name": "\ud800"},
    {"traceId": otlp.trace_id(9), "spanId": "0000000000000001", "kind": 10**30},
    "span",
    None,
]


@pytest.mark.parametrize("span", WRONG)
def test_json_of_the_wrong_types_is_answered(service: InProcess, span: object) -> None:
    content = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    answer = post(service.http, json.dumps(content).encode(), content_type=JSON)
    assert answer.status in (200, 400), answer
    value = json.loads(answer.body)
    assert value.get("code") == 3 or value["partialSuccess"]["rejectedSpans"] == "1"


def test_the_service_still_works(service: InProcess) -> None:
    """After all of the above."""
    export(service.grpc, otlp.body(*otlp.run(300)))
    assert len(peers.card(service.cards, 300, where=peers.is_complete)["steps"]) == 4


def test_an_attribute_of_20_megabytes_is_taken_and_its_card_stays_small(tmp_path: Path) -> None:
    note = "x" * (20 << 20)
    with InProcess(tmp_path) as service:
        made = otlp.tool(2, gen_ai__tool__call__arguments=note, gen_ai__tool__call__result=note)
        export(service.grpc, otlp.body(made), packed=True)
        peers.card(service.cards)
    assert (service.cards / f"{otlp.trace_id(1)}.yaml").stat().st_size < 4096


def test_a_request_that_we_cannot_take_by_our_own_mistake_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not to be sent again, and the requests that waited with it are accepted."""

    def decode(content: bytes, max_bytes: float) -> Iterator[TraceBatch]:
        if b"poison" in content:
            raise ZeroDivisionError
        return decode_in_parts(content, max_bytes)

    monkeypatch.setattr(reader, "decode_in_parts", decode)
    with InProcess(tmp_path) as service:
        error = peers.refused(service.grpc, otlp.body(otlp.llm(1, note="poison")))
        assert error.code().name == "INTERNAL"
        answer = post(service.http, otlp.body(otlp.llm(1, note="poison")))
        assert answer.status == 500
        export(service.grpc, otlp.body(*otlp.run()))
        peers.card(service.cards, where=peers.is_complete)
    assert "ZeroDivisionError" in caplog.text
