"""The real Collector shares spans out among replicas that come, go and are killed."""

import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.tracecard.read import card_paths, read_card
from tests.collector import otlp, peers
from tests.collector.faults import load as load_module
from tests.collector.faults.ledger import Ledger, check_forwarded
from tests.collector.faults.load import load
from tests.integration.scaled import Scaled, scaled
from tests.postgres import postgres, postgres_server, postgres_url

__all__ = ["postgres", "postgres_server", "postgres_url"]

pytestmark = pytest.mark.timeout(300)

PAUSE_SECONDS = 0.1
"""After each request of each of four senders: the machine has others to serve."""

CARDS_SECONDS = 90
"""For all that is in the Collector's queue to be on cards."""

OPEN_TRACES = range(1_000_001, 1_000_061)
"""They are begun before the replicas change, and end after it."""


def check_all(running: Scaled, ledger: Ledger) -> None:
    """Each acknowledged span is on the one card of its trace, and was sent on in one request."""
    deadline = time.monotonic() + CARDS_SECONDS
    while ledger.balance(running.cards).problems and time.monotonic() < deadline:
        time.sleep(1)
    running.end()
    ledger.check(running.cards)
    assert {path.stem for path in card_paths(running.cards)} <= ledger.traces.keys()
    check_forwarded(ledger, running.sink.requests, running.sink.taken)


def stages(trace: int) -> list[list[Span]]:
    """A run in three: a tool call, a model call, the same tool call with the same result."""
    return [
        [otlp.llm(2, trace, 1), otlp.tool(3, trace, 1)],
        [otlp.llm(4, trace, 1, gen_ai__usage__input_tokens=2000 + trace % 1000)],
        [otlp.llm(5, trace, 1), otlp.tool(6, trace, 1), otlp.root(trace)],
    ]


def send(running: Scaled, ledger: Ledger, stage: int) -> None:
    """Send what is due of the open traces, and note it once the Collector has it."""
    for trace in OPEN_TRACES:
        spans = stages(trace)[stage]
        peers.export(running.collector.grpc, otlp.body(*spans))
        ledger.acknowledged(spans)


def has_taken(running: Scaled, spans: int) -> None:
    """Wait until the replicas have committed so many spans."""
    peers.until(lambda: sum(r.accepted() for r in running.replicas if r.is_running) >= spans, 60)


def test_no_span_is_lost_or_doubled_when_a_replica_is_killed_under_load(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_module, "PAUSE_SECONDS", PAUSE_SECONDS)
    with scaled(tmp_path, postgres_url, 3) as running, load() as sending:
        sending.send_to(running.collector)
        sending.goes_on(200)
        killed, *others = running.replicas
        peers.until(lambda: killed.accepted() > 50, 60)
        killed.end(signal.SIGKILL)
        time.sleep(1)  # its address still has the name
        running.name(*others)
        sending.goes_on(200)
        sending.finish()
        check_all(running, sending.ledger)


def test_traces_that_are_open_while_replicas_come_and_go_have_one_card_each(
    tmp_path: Path, postgres_url: str
) -> None:
    """A third of each run is sent to 2 replicas, a third to 3, and a third to other 2."""
    ledger = Ledger()
    with scaled(tmp_path, postgres_url, 2) as running:
        send(running, ledger, 0)
        has_taken(running, ledger.spans())
        running.start()
        running.name(*running.replicas)
        send(running, ledger, 1)
        has_taken(running, ledger.spans())
        first, second, third = running.replicas
        assert third.accepted() > 0, "no trace went on at the new replica"
        running.name(second, third)
        assert first.end() == 0
        send(running, ledger, 2)
        check_all(running, ledger)
        check_repeats(running.cards, running.sink.taken)


def check_repeats(cards: Path, taken: Sequence[bytes]) -> None:
    """Each run has the repeat, whichever replicas took the first call, the second and the rest."""
    for trace in OPEN_TRACES:
        card = read_card(cards / f"{otlp.trace_id(trace)}.yaml")
        verdicts = [(one["tool"], one["kind"], one["verdict"]) for one in card["redundant"]]
        assert verdicts == [("read_file", "equal", "same")]
    found = [otlp.attributes_of(span) for span in otlp.spans_of(taken) if span.name == "span 6"]
    repeats = [
        (one.get(a.CLAWTRACE_REPEAT_OF), one.get(a.CLAWTRACE_REPEAT_VERDICT)) for one in found
    ]
    assert repeats == [(f"{3:016x}", "same")] * len(OPEN_TRACES)
