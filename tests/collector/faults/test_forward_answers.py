"""Each answer that a receiver behind the service can give. Source: OTLP 1.11, "Failures"."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from itertools import count

import grpc
import pytest

from tests.collector import otlp, peers
from tests.collector.faults.service import Service
from tests.collector.peers import export
from tests.collector.sinks import GrpcAnswer, GrpcSink, HttpAnswer, HttpSink

pytestmark = pytest.mark.slow

GRPC_RETRYABLE = {
    "CANCELLED",
    "DEADLINE_EXCEEDED",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNAVAILABLE",
    "DATA_LOSS",
}
HTTP_RETRYABLE = {429, 502, 503, 504}

GRPC_CODES = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
HTTP_STATUSES = [int(status) for status in HTTPStatus if status >= 300]

FAILED = "otelcol_exporter_send_failed_spans"
SENT = "otelcol_exporter_sent_spans"

numbers = count(1)


class Peers:
    """A service and the sink behind it, which takes part in several tests."""

    def __init__(self, service: Service, sink: GrpcSink | HttpSink) -> None:
        self.service = service
        self.sink = sink

    def send(self) -> bytes:
        """Have a span of a trace of its own sent on; its trace id."""
        span = otlp.llm(1, next(numbers))
        export(self.service.grpc, otlp.body(span))
        return span.trace_id

    def requests_of(self, trace_id: bytes) -> list[bytes]:
        return [data for data in self.sink.requests if trace_id in data]

    def is_tried_again(self) -> None:
        """With the same bytes, before anything else is sent."""
        sent = self.service.metric(SENT)
        first, second = self.send(), self.send()
        peers.until(lambda: self.service.metric(SENT) == sent + 2)
        one, same = self.requests_of(first)
        assert one == same
        assert self.sink.requests[-3:] == [one, one, *self.requests_of(second)]

    def is_given_up(self) -> None:
        """It is counted and logged, not sent again, and the next is sent."""
        failed, sent = self.service.metric(FAILED), self.service.metric(SENT)
        first, second = self.send(), self.send()
        peers.until(lambda: self.service.metric(SENT) == sent + 1)
        assert self.service.metric(FAILED) == failed + 1
        assert (len(self.requests_of(first)), len(self.requests_of(second))) == (1, 1)
        assert "was refused and is not sent on" in self.service.log


def _peers(
    sink: Callable[[], GrpcSink | HttpSink], factory: pytest.TempPathFactory
) -> Iterator[Peers]:
    with sink() as opened, Service(factory.mktemp("service"), forward=opened.url) as service:
        yield Peers(service, opened)


@pytest.fixture(name="over_grpc", scope="module")
def _over_grpc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    yield from _peers(GrpcSink, tmp_path_factory)


@pytest.fixture(name="over_http", scope="module")
def _over_http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    yield from _peers(HttpSink, tmp_path_factory)


@pytest.mark.parametrize("code", GRPC_CODES, ids=lambda code: str(code.name))
def test_a_grpc_code_is_tried_again_or_given_up_as_otlp_says(
    over_grpc: Peers, code: grpc.StatusCode
) -> None:
    assert isinstance(over_grpc.sink, GrpcSink)
    over_grpc.sink.answer_next(GrpcAnswer(code))
    if code.name in GRPC_RETRYABLE:
        over_grpc.is_tried_again()
    else:
        over_grpc.is_given_up()


def test_resource_exhausted_is_tried_again_if_it_comes_with_a_delay(over_grpc: Peers) -> None:
    assert isinstance(over_grpc.sink, GrpcSink)
    over_grpc.sink.answer_next(GrpcAnswer(grpc.StatusCode.RESOURCE_EXHAUSTED, 0.1))
    over_grpc.is_tried_again()


@pytest.mark.parametrize("status", HTTP_STATUSES)
def test_an_http_status_is_tried_again_or_given_up_as_otlp_says(
    over_http: Peers, status: int
) -> None:
    assert isinstance(over_http.sink, HttpSink)
    over_http.sink.answer_next(HttpAnswer(status))
    if status in HTTP_RETRYABLE:
        over_http.is_tried_again()
    else:
        over_http.is_given_up()
