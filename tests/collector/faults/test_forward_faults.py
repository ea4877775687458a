"""The receiver behind the service is down, slow, rude or restarted: all is sent on in the end."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from tests.collector import otlp, peers, sinks
from tests.collector.faults.expect import all_is_well, busy, ends_in_time, is_told
from tests.collector.faults.ledger import check_forwarded, count_taken
from tests.collector.faults.load import Load
from tests.collector.faults.raw_sinks import BEHAVIOURS, RawSink
from tests.collector.faults.service import Service
from tests.collector.peers import export
from tests.collector.sinks import GrpcAnswer, GrpcSink, HttpAnswer, HttpSink

pytestmark = pytest.mark.slow

Sink = GrpcSink | HttpSink

QUICK_TIMEOUT = ("--set", "clawtrace_otel.collector.forwarding.senders:TIMEOUT_SECONDS=0.4")
TRANSPORTS: list[type[Sink]] = [GrpcSink, HttpSink]


def all_is_sent_on(sending: Load, *all_sinks: Sink) -> int:
    """Once, or re-sent the same; how many requests were."""
    peers.until(lambda: count_taken(together(all_sinks)[1]) >= sending.ledger.spans(), 60)
    return check_forwarded(sending.ledger, *together(all_sinks))


def all_is_well_after(program: Service, sending: Load) -> None:
    ends_in_time(program)
    sending.ledger.check(program.cards, program.journal)


def together(all_sinks: tuple[Sink, ...]) -> tuple[list[bytes], list[bytes]]:
    requests = [data for sink in all_sinks for data in sink.requests]
    return requests, [data for sink in all_sinks for data in sink.taken]


def url_of(kind: type[Sink], port: int) -> str:
    path = "" if kind is GrpcSink else "/v1/traces"
    return f"http://127.0.0.1:{port}{path}"


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_a_receiver_that_is_slower_than_the_timeout_gets_the_same_again(
    tmp_path: Path, kind: type[Sink]
) -> None:
    """It may have taken them before: they are the same, byte by byte."""
    with (
        kind() as sink,
        Service(tmp_path, QUICK_TIMEOUT, forward=sink.url) as program,
        busy(program) as sending,
    ):
        if isinstance(sink, GrpcSink):
            sink.answer_next(*[GrpcAnswer(grpc.StatusCode.OK, after_seconds=1.0)] * 2)
        else:
            sink.answer_next(*[HttpAnswer(200, after_seconds=1.0)] * 2)
        program.says("forwarding waits, attempt 1 failed")
        sending.finish()
        assert all_is_sent_on(sending, sink) >= 1
        all_is_well_after(program, sending)


@pytest.mark.parametrize("kind", TRANSPORTS)
@pytest.mark.parametrize("behave", BEHAVIOURS.values(), ids=BEHAVIOURS)
def test_all_is_sent_on_after_a_receiver_that(
    tmp_path: Path, behave: Callable[[socket.socket], None], kind: type[Sink]
) -> None:
    port = sinks.free_port()
    with Service(tmp_path, QUICK_TIMEOUT, forward=url_of(kind, port)) as program:
        with RawSink(behave, port) as rude, busy(program) as sending:
            peers.until(rude.was_tried)
            program.says("forwarding waits", 40)
            sending.finish()
        with kind(port=port) as sink:
            all_is_sent_on(sending, sink)
            assert program.metric("otelcol_exporter_send_failed_spans") == 0
            all_is_well_after(program, sending)


def test_an_answer_that_is_cut_off_is_tried_again(tmp_path: Path) -> None:
    with (
        HttpSink(*[HttpAnswer(200, body=b"1", cut=True)] * 2) as sink,
        Service(tmp_path, forward=sink.url) as program,
    ):
        export(program.grpc, otlp.body(*otlp.run()))
        peers.until(lambda: program.metric("otelcol_exporter_sent_spans") == 5)
        assert len(sink.requests) == 3
        assert len(set(sink.requests)) == 1


@pytest.mark.parametrize("body", [b"\xff\xff", b"<html></html>", b"\0" * 100_000])
def test_an_answer_that_is_no_otlp_counts_as_taken_and_is_logged(
    tmp_path: Path, body: bytes
) -> None:
    """The status says that it was taken; sent again it would be there twice."""
    answer = GrpcAnswer(grpc.StatusCode.OK, body=body)
    with GrpcSink(answer) as sink, Service(tmp_path, forward=sink.url) as program:
        export(program.grpc, otlp.body(*otlp.run()))
        program.says("its answer is no OTLP")
        export(program.grpc, otlp.body(*otlp.run(2)))
        peers.until(lambda: program.metric("otelcol_exporter_sent_spans") == 10)
        assert len(sink.requests) == len(sink.taken) == 2


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_a_partial_success_is_counted_and_logged_and_not_sent_again(
    tmp_path: Path, kind: type[Sink]
) -> None:
    part = ExportTracePartialSuccess(rejected_spans=2, error_message="too old")
    body = ExportTraceServiceResponse(partial_success=part).SerializeToString()
    with kind() as sink, Service(tmp_path, forward=sink.url) as program:
        if isinstance(sink, GrpcSink):
            sink.answer_next(GrpcAnswer(grpc.StatusCode.OK, body=body))
        else:
            sink.answer_next(HttpAnswer(200, body=body))
        export(program.grpc, otlp.body(*otlp.run()))
        program.says("2 forwarded spans were rejected: too old")
        assert program.metric("otelcol_exporter_send_failed_spans") == 2
        assert program.metric("otelcol_exporter_sent_spans") == 3
        export(program.grpc, otlp.body(*otlp.run(2)))
        peers.until(lambda: len(sink.taken) == 2)
        assert len(sink.requests) == 2


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_all_is_sent_on_by_way_of_a_receiver_that_is_restarted_again_and_again(
    tmp_path: Path, kind: type[Sink]
) -> None:
    port = sinks.free_port()
    runs: list[Sink] = []
    with Service(tmp_path, forward=url_of(kind, port)) as program, busy(program) as sending:
        for _ in range(5):
            with kind(port=port) as sink:
                runs.append(sink)
                peers.until(lambda sink=sink: len(sink.taken) > 3)  # type: ignore[misc]
            sending.goes_on()
        with kind(port=port) as sink:
            sending.finish()
            all_is_sent_on(sending, *runs, sink)
            all_is_well_after(program, sending)


def test_a_backlog_is_sent_on_in_order_when_the_receiver_is_back(tmp_path: Path) -> None:
    """The service is restarted meanwhile, too."""
    port = sinks.free_port()
    with Service(tmp_path, forward=url_of(GrpcSink, port)) as program:
        for n in range(1, 101):
            export(program.grpc, otlp.body(*otlp.run(n)))
            if n == 50:
                ends_in_time(program)
                assert "stays in the journal for the next start" in program.log
                program.start()
        assert program.metric("otelcol_exporter_queue_size") == 100
        assert program.metric("clawtrace_forward_queue_bytes") > 0
        with GrpcSink(port=port) as sink:
            peers.until(lambda: program.metric("otelcol_exporter_queue_size") == 0, 30)
        assert sink.requests == sink.taken
        order = list(dict.fromkeys(span.trace_id.hex() for span in otlp.spans_of(sink.taken)))
        assert order == [otlp.trace_id(n) for n in range(1, 101)]


def test_a_backlog_beyond_its_bound_makes_senders_wait_until_it_is_sent_on(
    tmp_path: Path,
) -> None:
    port = sinks.free_port()
    with (
        Service(tmp_path, forward=url_of(GrpcSink, port), max_forward_bytes=100_000) as program,
        busy(program) as sending,
    ):
        is_told(program, sending, "forward", "wait to be sent on")
        queued = program.metric("clawtrace_forward_queue_bytes")
        time.sleep(1)
        assert program.metric("clawtrace_forward_queue_bytes") == queued
        with GrpcSink(port=port) as sink:
            program.says("what waits to be sent on is within its bounds again")
            all_is_well(program, sending)
            all_is_sent_on(sending, sink)


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_a_service_ends_although_the_receiver_never_answers(
    tmp_path: Path, kind: type[Sink]
) -> None:
    port = sinks.free_port()
    behave = BEHAVIOURS["never answers"]
    with (
        RawSink(behave, port),
        Service(tmp_path, forward=url_of(kind, port)) as program,
        busy(program) as sending,
    ):
        all_is_well(program, sending)
    assert "stays in the journal for the next start" in program.log
