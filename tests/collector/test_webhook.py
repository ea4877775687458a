"""The webhook of budgets: slow, failing, away, and what is never shown."""

import asyncio
import random
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clawtrace_otel.collector.budgets.notice import Budget, Spent, make_notice
from clawtrace_otel.collector.budgets.store import BudgetStore
from clawtrace_otel.collector.budgets.webhook import Poster, Webhook
from clawtrace_otel.collector.journal.sqlite import SqliteJournal
from clawtrace_otel.collector.telemetry.metrics import ServiceMetrics
from clawtrace_otel.collector.telemetry.table import PERCENTS
from tests.collector import otlp, peers
from tests.collector.certificates import Authority
from tests.collector.hooks import Hook
from tests.collector.peers import InProcess, Program, export
from tests.collector.sinks import free_port

BUDGET_USD = 0.0035

BUDGET = Budget.of_usd("trace", BUDGET_USD)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BudgetStore]:
    journal = SqliteJournal(tmp_path / "journal.db")
    yield BudgetStore(journal)
    journal.close()


def give(store: BudgetStore, trace: int) -> None:
    """Put a notice into the store."""
    spent = Spent(otlp.trace_id(trace), "", "agent", 0)
    notice = make_notice(BUDGET, spent, BUDGET.amount, [50, 75, 100], float(trace))
    store.give(BUDGET, spent, notice, float(trace), post=True)


def run(poster: Poster, seconds: float, metrics: ServiceMetrics, until: str = "") -> str:
    """Let a poster run, until its metrics show a line, and stop it; its metrics."""

    async def go() -> None:
        poster.start()
        deadline = time.monotonic() + seconds
        while until not in metrics.text().decode() and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        await poster.stop(5)

    asyncio.run(go())
    return metrics.text().decode()


def test_what_was_not_posted_survives_a_kill_and_is_not_logged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the line and the post; the webhook is away at first."""
    port = free_port()
    monkeypatch.setenv("CLAWTRACE_BUDGET_WEBHOOK", f"http://127.0.0.1:{port}/hooks/budget")
    with Program(tmp_path, budget_usd=BUDGET_USD) as service:
        export(service.grpc, otlp.body(*otlp.run()))
        peers.until(lambda: "try 1 to post" in service.log)
        assert service.log.count("of its budget") == 1
        service.end(signal.SIGKILL)
        with Hook(port=port) as hook:
            service.start()
            peers.until(lambda: hook.percents == [100])
            export(service.grpc, otlp.body(*otlp.run(2)))
            peers.until(lambda: len(hook.taken) == 2)
            assert service.log.count("of its budget") == 1  # of the second trace
            service.end(signal.SIGKILL)
            service.start()
            export(service.grpc, otlp.body(*otlp.run(3)))
            peers.until(lambda: len(hook.taken) == 3)
        assert [notice["trace_id"] for notice in hook.taken] == [
            otlp.trace_id(n) for n in (1, 2, 3)
        ]


def test_a_webhook_that_never_answers_holds_up_nothing(tmp_path: Path) -> None:
    """Neither cards nor lines nor, for longer than its grace, the end of the service."""
    hold = threading.Event()
    with Hook(hold=hold) as hook:
        with InProcess(tmp_path, budget_usd=BUDGET_USD, budget_webhook=hook.url) as service:
            for trace in (1, 2, 3):
                export(service.grpc, otlp.body(*otlp.run(trace)))
                peers.card(service.cards, trace, where=peers.is_complete, seconds=5)
            peers.until(lambda: hook.tries)
            began = time.monotonic()
            service.stop()
            assert time.monotonic() - began < 9
        hold.set()
    with (
        Hook() as later,
        InProcess(tmp_path, budget_usd=BUDGET_USD, budget_webhook=later.url),
    ):
        peers.until(
            lambda: {n["trace_id"] for n in later.taken} == set(map(otlp.trace_id, (1, 2, 3)))
        )


@pytest.mark.parametrize("status", [503, 429, 404])
def test_an_answer_other_than_2xx_is_tried_again(tmp_path: Path, status: int) -> None:
    with Hook(500, status) as hook:
        with InProcess(tmp_path, budget_usd=BUDGET_USD, budget_webhook=hook.url) as service:
            export(service.grpc, otlp.body(*otlp.run()))
            peers.until(lambda: hook.taken, 30)
        first, *others = hook.tries
        assert others
        assert all(other == first for other in others)


def test_a_redirect_is_not_followed(store: BudgetStore) -> None:
    give(store, 1)
    with Hook() as elsewhere, Hook(*[(307, {"Location": elsewhere.url})] * 2) as hook:
        metrics = ServiceMetrics()
        poster = Poster(store, Webhook(hook.url), metrics, first_wait_seconds=0.01)
        run(poster, 20, metrics, 'clawtrace_budget_posts{result="sent"} 1.0')
    assert len(hook.tries) == 3
    assert hook.percents == [100]
    assert not elsewhere.tries


def test_a_notice_that_is_never_taken_is_given_up_and_holds_up_no_other(
    store: BudgetStore, caplog: pytest.LogCaptureFixture
) -> None:
    give(store, 1)
    give(store, 2)
    with Hook(500, 500, 500, 200, 500) as hook:
        metrics = ServiceMetrics()
        webhook = Webhook(hook.url)
        poster = Poster(store, webhook, metrics, first_wait_seconds=0.01, max_tries=3)
        text = run(poster, 20, metrics, 'clawtrace_budget_posts{result="given_up"} 1.0')
    # Tried by turns: 1, 2, 1, 2 which is taken, and 1 for the last time.
    tried = [int(notice["trace_id"], 16) for notice in hook.tries]
    assert tried == [1, 2, 1, 2, 1]
    assert [int(notice["trace_id"], 16) for notice in hook.taken] == [2]
    assert 'clawtrace_budget_posts{result="failed"} 4.0' in text
    (record,) = (r for r in caplog.records if "given up" in r.message)
    expected = f"the notice that trace {otlp.trace_id(1)} has reached 100 % of its budget"
    assert record.message == f"{expected} is given up after 3 tries: HTTP 500"
    assert store.next_to_post() is None


def test_tries_are_counted_across_restarts(store: BudgetStore) -> None:
    """At each start there is one, and perhaps one more at the end."""
    give(store, 1)
    url = f"http://127.0.0.1:{free_port()}/"
    metrics = ServiceMetrics()
    starts = 0
    while store.next_to_post():
        starts += 1
        poster = Poster(store, Webhook(url), metrics, first_wait_seconds=60, max_tries=4)
        text = run(poster, 20, metrics, f'clawtrace_budget_posts{{result="failed"}} {starts}.0')
    assert 2 <= starts <= 4
    assert 'clawtrace_budget_posts{result="failed"} 4.0' in text
    assert 'clawtrace_budget_posts{result="given_up"} 1.0' in text


def test_secrets_are_sent_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hook(500) as hook:
        url = hook.url.replace("http://", "http://user:s3cret-pass@") + "?key=s3cret-key"
        monkeypatch.setenv("CLAWTRACE_BUDGET_WEBHOOK", url)
        monkeypatch.setenv("CLAWTRACE_BUDGET_WEBHOOK_HEADERS", "X-Token=s3cret%2Ctoken")
        with Program(tmp_path, budget_usd=BUDGET_USD, log_level="debug") as service:
            export(service.grpc, otlp.body(*otlp.run()))
            peers.until(lambda: hook.taken)
            service.end()
            assert f"to post to {hook.url.removesuffix('/hooks/budget')} failed" in service.log
            assert "s3cret" not in service.log
    assert hook.headers[0]["x-token"] == "s3cret,token"
    assert hook.headers[0]["authorization"].startswith("Basic ")
    assert hook.headers[0]["content-type"] == "application/json"


@pytest.mark.parametrize("known", [False, True])
def test_certificates_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    authority = Authority(tmp_path / "authority")
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.cert))
    with Hook(pair=authority.issue("hook")) as hook:
        monkeypatch.setenv("CLAWTRACE_BUDGET_WEBHOOK", hook.url)
        with Program(tmp_path, budget_usd=BUDGET_USD) as service:
            export(service.grpc, otlp.body(*otlp.run()))
            if known:
                peers.until(lambda: hook.percents == [100])
            else:
                peers.until(lambda: re.search("certificate.verify.failed", service.log))
                assert not hook.tries


def told_in_full(hook: Hook, scope: str) -> set[object]:
    """The traces by which a whole budget was spent, and of which that was told."""
    told = (notice for notice in hook.taken if notice["scope"] == scope)
    return {notice["trace_id"] for notice in told if 100 in notice["crossed"]}


@pytest.mark.slow
def test_kills_at_any_moment_lose_no_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each trace and the session is told of; what is told twice has the same id, once a kill."""
    chance = random.Random(4)
    kills, traces = 4, 160
    with Hook() as hook:
        monkeypatch.setenv("CLAWTRACE_BUDGET_WEBHOOK", hook.url)
        settings: dict[str, object] = {"budget_usd": BUDGET_USD, "session_budget_usd": 0.5}
        with Program(tmp_path, **settings) as service:
            for n in range(kills):
                for trace in range(n * 40 + 1, n * 40 + 41):
                    spans = [otlp.llm(n, trace, 1, gen_ai__conversation__id="conv") for n in (2, 3)]
                    export(service.grpc, otlp.body(*spans, otlp.root(trace)))
                time.sleep(chance.random() * 0.3)
                service.end(signal.SIGKILL)
                service.start()
            peers.until(lambda: len({notice["id"] for notice in hook.taken}) > traces, 60)
            peers.until(lambda: "session/conv/0.5/100" in {n["id"] for n in hook.taken})
    once = {notice["id"]: notice for notice in hook.taken}.values()
    assert len(hook.taken) - len(once) <= kills
    told = sorted((n["scope"], n["trace_id"], p) for n in once for p in n["crossed"])
    of_traces = [("trace", otlp.trace_id(n), p) for n in range(1, traces + 1) for p in PERCENTS]
    assert [entry for entry in told if entry[0] == "trace"] == of_traces
    assert sorted(percent for scope, _, percent in told if scope == "session") == [*PERCENTS]
