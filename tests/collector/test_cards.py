"""When cards are written, and that they do not depend on the way in which spans came."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import grpc
import pytest

from tests.collector import otlp, peers
from tests.collector.peers import InProcess, export, post, refused
from tests.collector.sinks import GrpcSink


def text(service: InProcess, trace: int = 1) -> bytes:
    return (service.cards / f"{otlp.trace_id(trace)}.yaml").read_bytes()


def test_a_running_trace_has_a_card_that_says_open(tmp_path: Path) -> None:
    """The card is refreshed while spans come in, and closed after the root."""
    *steps, root = otlp.run()
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(steps[0]))
        card = peers.card(service.cards)
        assert (card["status"], card["total"]["llm_calls"]) == ("open", 1)
        export(service.grpc, otlp.body(*steps[1:]))
        card = peers.card(service.cards, where=lambda c: c["total"]["llm_calls"] == 2)
        assert card["status"] == "open"
        export(service.grpc, otlp.body(root))
        card = peers.card(service.cards, where=peers.is_complete)
    assert card["revision"] == 1


def test_a_trace_that_is_never_quiet_has_a_card(tmp_path: Path) -> None:
    """News that come faster than a trace settles do not put its card off."""
    with InProcess(tmp_path, settle_seconds=0.5, refresh_seconds=0.5) as service:
        sent = iter(range(2, 10_000))

        def more() -> bool:
            export(service.grpc, otlp.body(otlp.llm(next(sent), 1, 1)))
            return any(service.cards.glob("*.yaml"))

        peers.until(more)
        first = peers.card(service.cards)["total"]["llm_calls"]

        def refreshed() -> bool:
            more()
            return peers.card(service.cards)["total"]["llm_calls"] > first

        peers.until(refreshed)


def test_a_root_that_ends_first_does_not_close_a_trace_that_is_not_quiet(tmp_path: Path) -> None:
    *steps, root = otlp.run()
    with InProcess(tmp_path, settle_seconds=1.0) as service:
        export(service.grpc, otlp.body(root))
        for step in steps:
            export(service.grpc, otlp.body(step))
        card = peers.card(service.cards, where=lambda c: c["total"]["tool_calls"] == 2)
    assert (card["status"], card["revision"]) == ("complete", 1)


def test_a_late_span_makes_a_revision(tmp_path: Path) -> None:
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(*otlp.run()))
        first = peers.card(service.cards, where=peers.is_complete)
        export(service.grpc, otlp.body(otlp.llm(6, 1, 1)))
        second = peers.card(service.cards, where=lambda c: c["revision"] == 2)
    assert first["total"]["llm_calls"] == 2
    assert second["total"]["llm_calls"] == 3


def test_a_late_span_after_a_restart_makes_a_revision(tmp_path: Path) -> None:
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(*otlp.run()))
        peers.card(service.cards, where=peers.is_complete)
        peers.until(lambda: not unfinished(service))
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(otlp.llm(6, 1, 1)))
        card = peers.card(service.cards, where=lambda c: c["revision"] == 2)
    assert card["total"]["llm_calls"] == 3


def unfinished(service: InProcess) -> list[str]:
    with closing(sqlite3.connect(service.journal)) as other:
        rows = other.execute("SELECT trace FROM traces WHERE compiled < changes OR closed = 0")
        return [trace.hex() for (trace,) in rows]


def test_a_trace_without_a_root_is_closed_when_it_is_idle(tmp_path: Path) -> None:
    """What comes after that is a revision."""
    with InProcess(tmp_path, idle_seconds=0.4) as service:
        export(service.grpc, otlp.body(otlp.llm(2, 1, 1)))
        assert peers.card(service.cards)["status"] == "open"
        peers.until(lambda: not unfinished(service))
        export(service.grpc, otlp.body(otlp.root()))
        card = peers.card(service.cards, where=peers.is_complete)
    assert card["revision"] == 2


def test_a_trace_without_calls_has_no_card(tmp_path: Path) -> None:
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(otlp.span(1)))
        peers.until(lambda: not unfinished(service))
    assert list(service.cards.iterdir()) == []


@pytest.mark.parametrize("seed", range(3))
def test_deliveries_in_any_order_and_number_give_the_same_card_and_are_sent_on_once(
    tmp_path: Path, seed: int
) -> None:
    """Across a restart, too."""
    r = random.Random(seed)
    spans = otlp.run()
    with InProcess(tmp_path / "expected") as service:
        export(service.grpc, otlp.body(*spans))
        peers.card(service.cards, where=peers.is_complete)
        expected = text(service)
    with GrpcSink() as sink:
        settings: dict[str, object] = {"forward": sink.url, "settle_seconds": 2.0}
        for _ in range(2):
            with InProcess(tmp_path, **settings) as service:
                for _ in range(3):
                    shuffled = r.sample(spans, len(spans))
                    size = r.randint(1, len(spans))
                    for n in range(0, len(shuffled), size):
                        batch = otlp.body(*shuffled[n : n + size])
                        export(service.grpc, batch)
                        assert post(service.http, batch).status == 200
        assert text(service) == expected
        sent = [span.span_id for span in otlp.spans_of(sink.taken)]
    assert sorted(sent) == sorted(span.span_id for span in spans)


def test_one_call_in_two_traces_is_one_call_on_one_card(tmp_path: Path) -> None:
    """As when two instrumentations see a call outside of any agent span."""
    inner = otlp.llm(1, 1, gen_ai__response__id="resp-1")
    outer = otlp.llm(2, 2, gen_ai__response__id="resp-1")
    outer.start_time_unix_nano = inner.start_time_unix_nano - 1000
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(inner, scope="one"))
        export(service.grpc, otlp.body(outer, scope="other"))
        card = peers.card(service.cards, 2, where=lambda c: "merged" in c["steps"][0])
        assert card["steps"][0]["merged"] == 2
        assert card["total"]["llm_calls"] == 1
        peers.until(lambda: len(list(service.cards.glob("*.yaml"))) == 1)
    assert [path.stem for path in service.cards.glob("*.yaml")] == [otlp.trace_id(2)]


def test_two_calls_of_one_scope_stay_two_cards(tmp_path: Path) -> None:
    with InProcess(tmp_path) as service:
        for n in (1, 2):
            export(service.grpc, otlp.body(otlp.llm(1, n, gen_ai__response__id="resp-1")))
        for n in (1, 2):
            peers.card(service.cards, n, where=peers.is_complete)
    assert len(list(service.cards.glob("*.yaml"))) == 2


Break = Callable[[InProcess], None]


def with_a_file(service: InProcess) -> None:
    shutil.rmtree(service.cards)
    service.cards.write_text("in the way")


def mend_file(service: InProcess) -> None:
    service.cards.unlink()
    service.cards.mkdir()


@pytest.mark.parametrize("with_root", [True, False])
def test_nothing_is_acknowledged_while_cards_cannot_be_written(
    tmp_path: Path, with_root: bool
) -> None:
    """Then everything goes on by itself, also for a trace that still runs."""
    spans = otlp.run() if with_root else otlp.run()[:-1]
    with InProcess(tmp_path, refresh_seconds=60) as service:
        with_a_file(service)
        export(service.grpc, otlp.body(*spans))

        def is_refused() -> grpc.RpcError | None:
            try:
                export(service.grpc, b"")
            except grpc.RpcError as e:
                return e
            return None

        error = peers.until(is_refused)
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert peers.retry_seconds(peers.status_of(error)) > 0
        assert "cannot be written" in str(error.details())
        answer = post(service.http, b"")
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert refused(service.grpc, b"", peers.LOGS).code() is grpc.StatusCode.UNAVAILABLE
        mend_file(service)
        card = peers.card(service.cards)
        assert card["total"]["llm_calls"] == 2
        peers.until(lambda: is_refused() is None)
        export(service.grpc, otlp.body(*otlp.run(2)))
        peers.card(service.cards, 2, where=peers.is_complete)
