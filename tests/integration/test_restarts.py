"""Each of the three is killed in the middle of a run and started again: nothing is lost."""

import signal
import time
from functools import partial
from pathlib import Path

import pytest

from tests.collector import otlp, peers
from tests.collector.faults.ledger import Ledger, number_of
from tests.collector.faults.load import Load, load
from tests.integration import chain, jaeger_api
from tests.integration.chain import Chain
from tests.integration.compare import landed_in

KILLS = 2
SPANS = 150
SENT = "otelcol_exporter_sent_spans"

SECONDS = 120.0
"""In which all is behind clawtrace after a restart: it waits at most 30 s between two attempts."""

SENDERS = 4
"""Of the load; each has one trace at a time that is not sent to its end."""

pytestmark = pytest.mark.timeout(400)


def is_busy(running: Chain, sending: Load) -> None:
    """Wait until spans come through all of them, and more are on their way."""
    before = running.clawtrace.metric(SENT)
    peers.until(lambda: running.clawtrace.metric(SENT) >= before + SPANS, SECONDS)
    sending.goes_on(SPANS)


def all_is_behind(folder: Path, ledger: Ledger) -> int:
    """Wait until every acknowledged span came out behind clawtrace; how many did so again.

    What came again is the same, to the byte.
    """

    def probe() -> list[bytes] | None:
        time.sleep(0.3)
        requests = chain.landed(folder)
        return requests if len(landed_in(requests)) >= ledger.spans() else None

    came = landed_in(peers.until(probe, SECONDS))
    numbers = {
        (bytes.fromhex(trace_id), number)
        for trace_id, trace in ledger.traces.items()
        for number in range(trace.numbers.bit_length())
        if trace.numbers >> number & 1
    }
    assert {(trace_id, number_of(span_id)) for trace_id, span_id in came} == numbers
    for copies in came.values():
        assert len({one.span.SerializeToString(deterministic=True) for one in copies}) == 1
    return sum(len(copies) - 1 for copies in came.values())


def cards_are_exact(running: Chain, ledger: Ledger) -> None:
    """Every acknowledged span is on exactly one card."""
    assert running.clawtrace.end() == 0
    ledger.check(running.clawtrace.cards, running.clawtrace.journal)


def test_a_collector_that_is_killed_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    """Its queue is on disk; what it sends twice is counted once, and sent on once."""
    with chain.to_a_file(tmp_path) as running, load(running.collector) as sending:
        for _ in range(KILLS):
            is_busy(running, sending)
            running.collector.end(signal.SIGKILL)
            running.collector.start()
        is_busy(running, sending)
        sending.finish()
        assert all_is_behind(tmp_path, sending.ledger) == 0
        cards_are_exact(running, sending.ledger)


def test_a_clawtrace_that_is_killed_loses_nothing_and_the_collector_waits(tmp_path: Path) -> None:
    with chain.to_a_file(tmp_path) as running, load(running.collector) as sending:
        for _ in range(KILLS):
            is_busy(running, sending)
            running.clawtrace.end(signal.SIGKILL)
            sending.goes_on(SPANS)  # into the queue of the Collector
            running.clawtrace.start()
        is_busy(running, sending)
        sending.finish()
        all_is_behind(tmp_path, sending.ledger)
        cards_are_exact(running, sending.ledger)
        assert running.collector.metric("otelcol_exporter_sent_spans") >= sending.ledger.spans()
        assert running.collector.metric("otelcol_exporter_send_failed_spans") == 0


def test_a_jaeger_that_is_killed_shows_all_that_was_sent_since(tmp_path: Path) -> None:
    """It has forgotten what it had; what clawtrace could not send on meanwhile arrives."""
    with chain.to_jaeger(tmp_path) as running, load(running.collector) as sending:
        first = otlp.trace_id(1)
        peers.until(lambda: jaeger_api.legacy(running.jaeger, first), SECONDS)
        is_busy(running, sending)
        running.jaeger.end(signal.SIGKILL)
        begun = max(int(trace_id, 16) for trace_id in list(sending.ledger.traces)) + SENDERS
        sending.goes_on(SPANS)
        running.jaeger.start()
        sending.goes_on(SPANS)
        sending.finish()
        late = [one for one in sending.ledger.traces.items() if int(one[0], 16) > begun]
        assert late
        for trace_id, trace in late:
            peers.until(partial(jaeger_api.legacy, running.jaeger, trace_id), SECONDS)
            jaeger_api.spans(running.jaeger, trace_id, trace.numbers.bit_count())
        assert jaeger_api.legacy(running.jaeger, first) == []
        cards_are_exact(running, sending.ledger)
