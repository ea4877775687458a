"""Collector > clawtrace > Collector: nothing is lost or changed, and the cards are as ever."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.write import dump_card
from tests.collector import peers
from tests.collector.peers import LOGS, TRACES, export, post
from tests.conformance.rich import rich
from tests.conformance.sink import Landed
from tests.importers.compile_files import compile_files
from tests.integration import chain
from tests.integration.captured import Captured, captured
from tests.integration.chain import Chain
from tests.integration.compare import Key, difference, landed_in
from tests.integration.rich_requests import requests

pytestmark = pytest.mark.timeout(300)  # the first test starts all of them

CRAFTED = b"\xcc"
"""What the trace ids of spans start with that are no captures."""

CAPTURES = captured("*.jsonl", "combinations/*.jsonl")


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("round_trip")


@pytest.fixture(scope="module", name="running")
def _running(folder: Path) -> Iterator[Chain]:
    """All captures were sent, half of them by gRPC and half by HTTP."""
    with chain.to_a_file(folder, settle_seconds=3) as running:
        for n, one in enumerate(CAPTURES):
            _send(running, one, by_grpc=n % 2 == 0)
        yield running


def _send(running: Chain, one: Captured, *, by_grpc: bool) -> None:
    for body, method, path in (
        *((body, TRACES, "/v1/traces") for body in one.traces),
        *((body, LOGS, "/v1/logs") for body in one.logs),
    ):
        if by_grpc:
            export(running.collector.grpc, body, method, packed=True)
        else:
            assert post(running.collector.http, body, path).status == 200


def arrived(folder: Path, keys: set[Key]) -> dict[Key, list[Landed]]:
    """Wait until these spans have come out behind clawtrace; all that have."""

    def probe() -> dict[Key, list[Landed]] | None:
        found = landed_in(chain.landed(folder))
        return found if keys <= set(found) else None

    return peers.until(probe, chain.SECONDS)


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
def test_a_captured_span_comes_out_once_and_as_it_was_with_ours_added(
    folder: Path, capture: Captured
) -> None:
    sent = landed_in(capture.traces)
    came = arrived(folder, set(sent))
    for key, copies in sent.items():
        # Some instrumentations send a span twice: when it begins, and when it ends.
        assert len(came[key]) == len(copies)
        for one in copies:
            problems = [difference(one, other) for other in came[key]]
            assert "" in problems, problems


@pytest.mark.usefixtures("running")
def test_no_span_comes_out_that_was_not_sent(folder: Path) -> None:
    sent = {key for capture in CAPTURES for key in landed_in(capture.traces)}
    assert {key for key in arrived(folder, sent) if not is_crafted(key)} == sent


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
def test_the_cards_of_a_capture_are_those_that_its_file_gives(
    tmp_path: Path, running: Chain, capture: Captured
) -> None:
    (tmp_path / "capture.jsonl").write_bytes(b"\n".join(capture.lines))
    expected = compile_files([tmp_path], Compiler())
    assert expected.problems == []
    for card in expected.cards:
        running.card(card["trace_id"])
        path = running.clawtrace.cards / f"{card['trace_id']}.yaml"
        assert path.read_text() == dump_card(card)


def test_a_span_that_has_everything_comes_out_as_it_was(folder: Path, running: Chain) -> None:
    made = rich(int.from_bytes(CRAFTED) << 120)
    for message in (made.resource, made.scope, made.span):
        message.DiscardUnknownFields()  # the Collector drops what it does not know
    _comes_out_as_it_was(folder, running, ExportTraceServiceRequest(resource_spans=[made.resource]))


@pytest.mark.parametrize("field", [field.name for field in Span.DESCRIPTOR.fields])
def test_the_comparison_sees_any_field_that_is_lost(field: str) -> None:
    """So that the tests here could fail."""
    sent, came = rich(1), rich(1)
    assert difference(sent, came) == ""
    message: Message = came.span
    message.ClearField(field)
    assert difference(sent, came)


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(requests(CRAFTED))
def test_spans_of_any_kind_come_out_as_they_were(
    folder: Path, running: Chain, request: ExportTraceServiceRequest
) -> None:
    _comes_out_as_it_was(folder, running, request)


def _comes_out_as_it_was(folder: Path, running: Chain, request: ExportTraceServiceRequest) -> None:
    export(running.collector.grpc, body := request.SerializeToString())
    sent = landed_in([body])
    came = arrived(folder, set(sent))
    for key, copies in sent.items():
        assert [difference(one, other) for one, other in zip(copies, came[key], strict=True)] == [
            ""
        ]


def is_crafted(key: Key) -> bool:
    """Whether a span is not one of the captures."""
    return key[0].startswith(CRAFTED)
