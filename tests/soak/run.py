"""A soak: the maximum rate is measured, then half of it is held while all is killed at random."""

import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.collector.faults.ledger import Ledger
from tests.collector.peers import until
from tests.soak.result import SETTLED_SECONDS, Result, took
from tests.soak.senders import Senders
from tests.soak.sink import forwarded
from tests.soak.watched import SinkProcess, Watched
from tests.soak.worker import Sent

FIRST_RATE = 1000.0
"""Spans a second."""

KEPT_UP = 0.7
"""Part of a rate that must be acknowledged for it to be held at all."""

SETTINGS = {"settle_seconds": 5, "refresh_seconds": 30}
"""The defaults."""

STEP_SECONDS = 5.0
"""For which each rate is measured."""

FLUSH_SECONDS = 180.0
"""In which all is sent on and on cards after the last request."""


def soak(folder: Path, *, minutes: float, processes: int, seed: int) -> Result:
    """Run a soak.

    Args:
        folder: for cards, journal and log.
        minutes: for which the load is held.
        processes: that send.
        seed: says what is sent, and when what is killed.
    """
    with (
        SinkProcess(folder) as sink,
        Watched(folder, forward=sink.url, **SETTINGS) as watched,
        Senders(watched.addresses, processes, seed) as senders,
    ):
        maximum = measure_maximum(senders)
        _say(f"at most {maximum:.0f} spans/s; holding half of it for {minutes:g} min")
        senders.set_rate(maximum / 2)
        before, began = senders.acknowledged(), time.monotonic()
        cpu = watched.cpu_seconds
        harm(watched, sink, random.Random(seed), minutes * 60)
        held = (senders.acknowledged() - before) / (time.monotonic() - began)
        cpu = (watched.cpu_seconds - cpu) / (time.monotonic() - began)
        sent = senders.finish()
        all_is_sent_on(watched)
        watched.stop()
    _say("counting")
    return _result(sent, watched, sink, maximum=maximum, held=held, cpu=cpu)


def measure_maximum(senders: Senders) -> float:
    """Double the rate until the service does not keep up: acknowledged spans a second."""
    rate, best = FIRST_RATE, 0.0
    senders.set_rate(rate)
    until(senders.acknowledged, 60)
    while True:
        senders.set_rate(rate)
        time.sleep(STEP_SECONDS / 5)  # the change is not measured
        before, began = senders.acknowledged(), time.monotonic()
        time.sleep(STEP_SECONDS)
        reached = (senders.acknowledged() - before) / (time.monotonic() - began)
        _say(f"{rate:.0f} spans/s asked for, {reached:.0f} acknowledged")
        best = max(best, reached)
        if reached < KEPT_UP * rate:
            return best
        rate *= 2


def harm(watched: Watched, sink: SinkProcess, r: random.Random, seconds: float) -> None:
    """Kill and restart the service and the sink at random moments, for some time."""
    pause = min(25.0, max(4.0, seconds / 10))
    events: list[Callable[[], None]] = []
    end = time.monotonic() + seconds
    while True:
        time.sleep(max(0.0, min(r.uniform(0.3, 1.7) * pause, end - time.monotonic())))
        if time.monotonic() >= end:
            return
        if not events:
            events = _events(watched, sink, r)
            r.shuffle(events)
        events.pop()()


def _events(watched: Watched, sink: SinkProcess, r: random.Random) -> list[Callable[[], None]]:
    """Each once before any comes again; most are kills of the service."""

    def kill() -> None:
        watched.kill()
        time.sleep(r.uniform(0, 1))
        watched.start()

    def kill_at_start() -> None:
        watched.kill()
        watched.service.launch()
        time.sleep(r.uniform(0, 1))
        watched.service.end(signal.SIGKILL)
        watched.kills += 1
        watched.start()

    def restart() -> None:
        watched.stop()
        watched.start()

    def restart_sink(number: int) -> None:
        sink.end(number)
        time.sleep(r.uniform(0, 5))
        sink.start_again()

    return [
        *[kill] * 3,
        kill_at_start,
        restart,
        lambda: restart_sink(signal.SIGKILL),
        lambda: restart_sink(signal.SIGTERM),
    ]


def all_is_sent_on(watched: Watched) -> None:
    """Wait until nothing waits any more."""
    for gauge in ("otelcol_exporter_queue_size", "clawtrace_traces_open"):
        until(lambda name=gauge: watched.service.metric(name) == 0, FLUSH_SECONDS)  # type: ignore[misc]


def _result(
    sent: Sent,
    watched: Watched,
    sink: SinkProcess,
    *,
    maximum: float,
    held: float,
    cpu: float,
) -> Result:
    ledger = Ledger()
    ledger.traces = sent.acknowledged
    journal = watched.service.journal
    journal_bytes = journal.stat().st_size
    balance = ledger.balance(watched.service.cards, journal)
    up = [s for at, s in sent.took if watched.was_up(at - s, at)]
    settled = [s for at, s in sent.took if watched.was_up(at - s, at, SETTLED_SECONDS)]
    return Result(
        maximum=maximum,
        held=held,
        sent=sent,
        balance=balance,
        cards=sum(1 for _ in watched.service.cards.glob("*.yaml")),
        forwarded=forwarded(sink.file, sent.acknowledged),
        kills=watched.kills,
        stops=watched.stops,
        sink_restarts=sink.restarts,
        took=took(up),
        took_settled=took(settled),
        slowest_start=watched.slowest_start,
        slowest_stop=watched.slowest_stop,
        peak_bytes=watched.peak_bytes,
        journal_bytes=journal_bytes,
        cpu=cpu,
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
