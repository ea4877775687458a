"""Budgets of traces and sessions: told of once, whatever comes in between."""

import json
import logging
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from clawtrace_otel.collector.budgets.notice import Notice
from clawtrace_otel.collector.budgets.watch import webhook_of
from clawtrace_otel.errors import ConfigError
from clawtrace_otel.settings import load_settings
from clawtrace_otel.tracecard.model import Card
from tests.collector import otlp, peers
from tests.collector.hooks import Hook
from tests.collector.peers import InProcess, Program, export, post
from tests.postgres import postgres, postgres_server, postgres_url

__all__ = ["postgres", "postgres_server", "postgres_url"]

PAGE = Path(__file__).parents[2] / "docs/budgets.md"

CALL_USD = 0.0035
"""What a call of ``otlp.llm`` costs; a run has two."""

SECRETS = ("s3cret-path", "s3cret-token")


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as made:
        yield made


def has_calls(number: int, card: Card) -> bool:
    return card["total"]["llm_calls"] == number


def has_told(hook: Hook, percents: list[int]) -> bool:
    return hook.percents == percents


def has_taken(hook: Hook, number: int) -> bool:
    return len(hook.taken) == number


def told(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if "of its budget" in record.message]


def metrics(service: InProcess | Program) -> str:
    return post(service.metrics, b"", "/metrics", method="GET").body.decode()


def counted(service: InProcess | Program) -> dict[str, int]:
    """Crossings by scope and percent, those that are 0 left out."""
    found = re.findall(
        r'clawtrace_budget_crossings\{percent="(\d+)",scope="(\w+)"\} (\S+)', metrics(service)
    )
    return {f"{scope} {percent}": int(float(n)) for percent, scope, n in found if float(n)}


def posted(service: InProcess | Program) -> dict[str, int]:
    found = re.findall(r'clawtrace_budget_posts\{result="(\w+)"\} (\S+)', metrics(service))
    return {result: int(float(n)) for result, n in found}


def test_a_trace_that_grows_is_told_of_at_50_75_and_100_percent(
    tmp_path: Path, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    with InProcess(tmp_path, budget_usd=4 * CALL_USD, budget_webhook=hook.url) as service:
        for n, expected in ((2, []), (3, [50]), (4, [50, 75]), (5, [50, 75, 100])):
            export(service.grpc, otlp.body(otlp.llm(n, 1, 1)))
            peers.card(service.cards, where=partial(has_calls, n - 1))
            peers.until(partial(has_told, hook, expected))
        assert counted(service) == {"trace 50": 1, "trace 75": 1, "trace 100": 1}
        assert posted(service) == {"sent": 3, "failed": 0, "given_up": 0}
    levels = [record.levelname for record in told(caplog)]
    assert levels == ["WARNING", "WARNING", "ERROR"]


def test_a_jump_over_all_parts_is_one_line_and_one_post(
    tmp_path: Path, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"budget_usd": 0.0001, "budget_webhook": hook.url}
    with InProcess(tmp_path, **settings) as service:
        export(service.grpc, otlp.body(*otlp.run()))
        (notice,) = peers.until(lambda: hook.taken)
        assert counted(service) == {"trace 50": 1, "trace 75": 1, "trace 100": 1}
    (record,) = told(caplog)
    trace = otlp.trace_id(1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", notice.pop("time"))
    text = f"trace {trace} has reached 100 % of its budget: 0.007 of 0.0001 USD"
    assert notice == {
        "budget": 1,
        "id": f"trace/{trace}/0.0001/100",
        "scope": "trace",
        "trace_id": trace,
        "session": "",
        "percent": 100,
        "crossed": [50, 75, 100],
        "cost_usd": 0.007,
        "budget_usd": 0.0001,
        "unpriced_calls": 0,
        "service": "agent",
        "card": f"{trace}.yaml",
        "text": text,
    }
    assert record.message == text
    extras = {key: vars(record)[key] for key in ("trace_id", "session", "percent", "cost")}
    assert extras == {"trace_id": trace, "session": "", "percent": 100, "cost": 0.007}


def test_revisions_and_restarts_tell_nothing_twice(
    tmp_path: Path, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"budget_usd": 4 * CALL_USD, "budget_webhook": hook.url}
    with InProcess(tmp_path, **settings) as service:
        export(service.grpc, otlp.body(*otlp.run()))
        peers.until(lambda: hook.percents == [50])
        peers.until(lambda: "clawtrace_traces_closed 1.0" in metrics(service))
    with InProcess(tmp_path, **settings) as service:
        export(service.grpc, otlp.body(otlp.llm(6, 1, 1)))
        peers.card(service.cards, where=lambda c: c["revision"] == 2)
        peers.until(lambda: hook.percents == [50, 75])
        export(service.grpc, otlp.body(otlp.llm(7, 1, 1)))
        peers.until(lambda: hook.percents == [50, 75, 100])
        export(service.grpc, otlp.body(otlp.llm(8, 1, 1)))
        peers.card(service.cards, where=lambda c: c["total"]["llm_calls"] == 5)
    with InProcess(tmp_path, **settings) as service:
        assert counted(service) == {}
    assert len(told(caplog)) == len(hook.tries) == 3


def test_the_traces_of_a_session_share_its_budget(tmp_path: Path, hook: Hook) -> None:
    settings = {"session_budget_usd": 4 * CALL_USD, "budget_webhook": hook.url}
    with InProcess(tmp_path, **settings) as service:
        for trace in (1, 2):
            spans = [otlp.llm(n, trace, 1, gen_ai__conversation__id="conv") for n in (2, 3)]
            export(service.grpc, otlp.body(*spans, otlp.root(trace)))
            peers.until(partial(has_taken, hook, trace))
        export(service.grpc, otlp.body(*otlp.run(3)))  # no session has no budget
        peers.card(service.cards, 3, where=peers.is_complete)
    assert [(n["session"], n["trace_id"], n["crossed"]) for n in hook.taken] == [
        ("conv", otlp.trace_id(1), [50]),
        ("conv", otlp.trace_id(2), [75, 100]),
    ]
    assert hook.taken[1]["cost_usd"] == 4 * CALL_USD


def test_calls_without_a_price_are_named(tmp_path: Path, hook: Hook) -> None:
    with InProcess(tmp_path, budget_usd=CALL_USD, budget_webhook=hook.url) as service:
        unknown = otlp.llm(3, 1, 1, gen_ai__request__model="frob-1")
        export(service.grpc, otlp.body(otlp.llm(2, 1, 1), unknown, otlp.root()))
        (notice,) = peers.until(lambda: hook.taken)
    assert (notice["percent"], notice["unpriced_calls"]) == (100, 1)
    assert notice["text"].endswith("(more, if calls without a price cost something: 1)")


def test_a_crossing_does_not_wait_for_the_next_refresh(tmp_path: Path, hook: Hook) -> None:
    settings = {"budget_usd": 4 * CALL_USD, "budget_webhook": hook.url}
    with InProcess(tmp_path, **settings, refresh_seconds=3600) as service:
        export(service.grpc, otlp.body(otlp.llm(2, 1, 1)))
        peers.card(service.cards)
        sent = iter(range(3, 1000))

        def more() -> bool:
            export(service.grpc, otlp.body(otlp.tool(next(sent), 1, 1)))
            return hook.percents == [50]

        export(service.grpc, otlp.body(otlp.llm(next(sent), 1, 1)))
        peers.until(more)


def test_a_trace_in_several_parts_has_one_budget(tmp_path: Path, hook: Hook) -> None:
    settings = {"budget_usd": 200 * CALL_USD, "budget_webhook": hook.url, "max_card_steps": 100}
    with InProcess(tmp_path, **settings) as service:
        for first in (2, 102):
            calls = [otlp.llm(n, 1, 1) for n in range(first, first + 100)]
            export(service.grpc, otlp.body(*calls))
        peers.until(lambda: (service.cards / f"{otlp.trace_id(1)}-2.yaml").exists())
        peers.until(lambda: 100 in hook.percents)
    assert [p for notice in hook.taken for p in notice["crossed"]] == [50, 75, 100]


def test_what_a_killed_process_did_not_come_to_is_told_at_the_next_start(
    tmp_path: Path, hook: Hook
) -> None:
    """A card is in the journal, but the process was killed before it was held against budgets."""
    settings = {"budget_usd": CALL_USD, "budget_webhook": hook.url}
    with InProcess(tmp_path, **settings):
        pass
    with InProcess(tmp_path) as service:  # as if it had been killed just then
        export(service.grpc, otlp.body(*otlp.run()))
        peers.card(service.cards, where=peers.is_complete)
    with InProcess(tmp_path, **settings):
        peers.until(lambda: hook.percents == [100])


def test_a_new_budget_says_nothing_of_old_traces(tmp_path: Path, hook: Hook) -> None:
    with InProcess(tmp_path) as service:
        export(service.grpc, otlp.body(*otlp.run()))
        peers.card(service.cards, where=peers.is_complete)
    with InProcess(tmp_path, budget_usd=CALL_USD, budget_webhook=hook.url) as service:
        export(service.grpc, otlp.body(*otlp.run(2)))
        peers.until(lambda: hook.taken)
    assert [notice["trace_id"] for notice in hook.taken] == [otlp.trace_id(2)]


def test_a_budget_without_a_webhook_is_logged_and_counted(tmp_path: Path) -> None:
    """Each trace has its line: what is said too often is held back, but these differ."""
    with Program(tmp_path, budget_usd=2 * CALL_USD) as service:
        spans = [span for trace in range(1, 31) for span in otlp.run(trace)]
        export(service.grpc, otlp.body(*spans))
        peers.until(lambda: counted(service).get("trace 100") == 30, 30)
        service.end()
        assert len(re.findall(r"ERROR .* has reached 100 % of its budget", service.log)) == 30


def test_two_replicas_tell_of_a_session_once(tmp_path: Path, hook: Hook, postgres_url: str) -> None:
    """Both get traces of it at the same time, and write to the same folder."""
    settings: dict[str, object] = {
        "journal": postgres_url,
        "session_budget_usd": 20 * CALL_USD,
        "budget_usd": 2 * CALL_USD,
        "budget_webhook": hook.url,
    }
    with InProcess(tmp_path, **settings) as one, InProcess(tmp_path, **settings) as other:
        for trace in range(1, 11):
            replica = one if trace % 2 else other
            spans = [otlp.llm(n, trace, 1, gen_ai__conversation__id="conv") for n in (2, 3)]
            export(replica.grpc, otlp.body(*spans, otlp.root(trace)))
        peers.until(lambda: len(hook.crossed) >= 33, 60)
        both = [counted(one), counted(other)]
    assert sorted(p for scope, p in hook.crossed if scope == "session") == [50, 75, 100]
    assert sum(count.get("session 100", 0) for count in both) == 1
    assert sum(count.get("trace 100", 0) for count in both) == 10


def test_the_page_has_every_key_of_the_body() -> None:
    text = PAGE.read_text(encoding="utf-8")
    (example,) = re.findall(r"^```json\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    rows = re.findall(r"^\| `(\w+)` \|", text.partition("## The post")[2], re.MULTILINE)
    assert list(json.loads(example)) == rows == list(Notice.__struct_fields__)
    msgspec.json.decode(example, type=Notice, strict=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget_usd": -1}, "budget_usd is -1: .*>= 0"),
        ({"budget_usd": "nan"}, "budget_usd is 'nan'"),
        ({"session_budget_usd": "2e6"}, "session_budget_usd is '2e6': .*<= 1000000"),
        ({"session_budget_usd": "lots"}, "session_budget_usd is 'lots': Expected `float`"),
        ({"budget_webhook": "http://s3cret-path"}, "neither budget_usd nor session_budget_usd"),
        ({"budget_usd": 1, "budget_webhook": "ftp://h/s3cret-path"}, "must be a URL such as http"),
        ({"budget_usd": 1, "budget_webhook": "http://h:99999/s3cret-path"}, "must be a URL"),
        ({"budget_usd": 1, "budget_webhook": "https:s3cret-path"}, "must be a URL"),
        ({"budget_webhook_headers": "k=s3cret-token"}, "budget_webhook is not"),
        (
            {
                "budget_usd": 1,
                "budget_webhook": "http://h/",
                "budget_webhook_headers": "a=1,s3cret-token",
            },
            "budget_webhook_headers, entry 2",
        ),
        (
            {
                "budget_usd": 1,
                "budget_webhook": "http://u:s3cret-token@h/",
                "budget_webhook_headers": "Authorization=s3cret-token",
            },
            "only one of them",
        ),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_shown(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        webhook_of(load_settings(settings, environment={}))
    assert not any(secret in str(caught.value) for secret in SECRETS)
