import json
import random
from pathlib import Path

from clawtrace_otel.costcraft.llm.session import LlmSession, analyse
from clawtrace_otel.costcraft.model import Rule
from clawtrace_otel.demo.model_server import ModelServer, Reply, Request
from clawtrace_otel.tracecard.read import read_card
from tests.costcraft.llm.asked import (
    CALL_USD,
    PRUNE,
    always,
    in_turn,
    looking_up,
    options,
    prompt,
    proposing,
    reply,
    runs_named,
)
from tests.costcraft.llm.slow_server import SlowServer


def test_a_proposal_of_several_runs_is_one_patch_with_all_of_them(tmp_path: Path) -> None:
    runs = runs_named("one", "two", "three")
    with ModelServer(always(proposing(PRUNE))) as server:
        found = analyse(runs, "", options(tmp_path, server.url), tmp_path)
    (patch,) = found.patches
    assert (patch.action, patch.analyst, patch.rule) == ("prune", "llm", PRUNE["rule"])
    assert (patch.support.runs, patch.support.of, patch.support.tasks) == (3, 3, 3)
    assert [(ref.trace_id, ref.n) for ref in patch.steps] == [(run.trace_id, 4) for run in runs]
    assert patch.saves_usd_per_run is None
    assert patch.rung == "proxy"
    assert not found.problems


def test_no_proposal_is_a_good_answer(tmp_path: Path) -> None:
    with ModelServer(always(proposing())) as server:
        found = analyse(runs_named("one"), "", options(tmp_path, server.url), tmp_path)
    assert (found.patches, found.problems, found.asked) == ([], [], 1)


def test_the_distillation_is_a_card_that_costs_tokens_times_price(tmp_path: Path) -> None:
    runs = [*runs_named("one"), *runs_named("two", passed=False)]
    answers = {True: proposing(PRUNE), False: looking_up({})}

    def script(request: Request) -> Reply:
        is_second = any(message["role"] == "assistant" for message in request.messages)
        return answers[is_second or "This run passed" in prompt(request)]

    with ModelServer(script) as server:
        found = analyse(runs, "", options(tmp_path, server.url), tmp_path)
    (path,) = found.cards
    assert [path] == list((tmp_path / "own-cards").iterdir())
    card = read_card(path)
    assert card["status"] == "complete"
    assert card["root"]["service"] == "clawtrace-costcraft"
    assert (card["total"]["llm_calls"], card["total"]["tool_calls"]) == (3, 1)
    assert card["total"]["cost_usd"] == found.cost_usd == 3 * CALL_USD
    agents = {step["agent"] for step in card["steps"] if "agent" in step}
    assert agents == {"success_analyst", "error_analyst"}


def test_cached_and_reasoning_tokens_are_priced_as_on_any_card(tmp_path: Path) -> None:
    answer = reply('{"proposals": []}', cache_read_tokens=600, reasoning_tokens=40)
    with ModelServer(always(answer)) as server:
        found = analyse(runs_named("one"), "", options(tmp_path, server.url), tmp_path)
    assert found.cost_usd == 0.0096
    assert read_card(found.cards[0])["total"]["cost_usd"] == 0.0096


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    runs = runs_named("one", "two")
    with ModelServer(always(proposing(PRUNE))) as server:
        first = analyse(runs, "", options(tmp_path, server.url), tmp_path)
        again = analyse(runs, "", options(tmp_path, server.url), tmp_path)
        assert len(server.requests) == 2
    assert again.patches == first.patches
    assert (again.calls, again.reused, again.cost_usd) == (0, 2, 0.0)
    assert again.earlier_usd == first.cost_usd


def test_another_skill_or_model_is_another_question(tmp_path: Path) -> None:
    with ModelServer(always(proposing())) as server:
        given = options(tmp_path, server.url)
        for skill in ("", "Be brief."):
            analyse(runs_named("one"), skill, given, tmp_path)
        assert len(server.requests) == 2


def test_patches_and_problems_do_not_hang_on_who_answers_first(tmp_path: Path) -> None:
    runs = runs_named(*"abcdefgh")
    rules = [
        {**PRUNE, "rule": text}
        for text in (
            "Do not call `read_file` again with the same arguments.",
            "Do not call `read_file` again with equal arguments.",
            "Read each file once.",
            "Follow the link to https://example.org first.",
        )
    ]

    def answer(body: str) -> str:
        name = next(name for name in "abcdefgh" if f"the text of {name}" in body)
        return json.dumps({"proposals": [rules["abcdefgh".index(name) % 4]]})

    found = []
    for seed in range(4):
        chance = random.Random(seed)
        with SlowServer(answer, lambda _: chance.random() * 0.05) as server:  # noqa: B023
            out = tmp_path / str(seed)
            given = options(tmp_path, server.url, concurrency=8)
            found.append(analyse(chance.sample(runs, len(runs)), "", given, out))
    assert all(other.patches == found[0].patches for other in found)
    assert all(other.problems == found[0].problems for other in found)
    assert len(found[0].problems) == 2


def test_no_more_calls_run_at_a_time_than_is_allowed(tmp_path: Path) -> None:
    with SlowServer(lambda _: '{"proposals": []}', lambda _: 0.05) as server:
        given = options(tmp_path, server.url, concurrency=3)
        analyse(runs_named(*"abcdefghij"), "", given, tmp_path)
        assert server.most_at_a_time == 3


def test_a_session_has_one_limit_and_one_card_for_analysis_and_rewording(tmp_path: Path) -> None:
    rules = [Rule(text="Do not ever call `read_file` twice.", section="Workflow", patches=["p"])]
    shorter = {"rules": [{"number": 1, "text": "Do not call `read_file` twice."}]}
    answers = [proposing(PRUNE), reply(json.dumps(shorter))]
    with (
        ModelServer(in_turn(answers)) as server,
        LlmSession(options(tmp_path, server.url), tmp_path) as session,
    ):
        found = session.analyse(runs_named("one"), "")
        reworded, problems = session.reword(rules)
        total = session.cost_usd
    assert not problems
    assert [(rule.text, rule.patches) for rule in reworded] == [
        ("Do not call `read_file` twice.", ["p"])
    ]
    assert total == 2 * CALL_USD
    assert read_card(found.cards[0])["total"]["cost_usd"] == total


def test_a_run_of_unknown_outcome_is_only_pruned_and_a_preserve_of_it_is_left_out(
    tmp_path: Path,
) -> None:
    preserve = {**PRUNE, "action": "preserve", "calls": ["read_file"]}
    with ModelServer(always(proposing(PRUNE, preserve))) as server:
        runs = runs_named("one", passed=None)
        found = analyse(runs, "", options(tmp_path, server.url), tmp_path)
        assert "Nobody said whether this run passed" in prompt(server.requests[0])
    assert [patch.action for patch in found.patches] == ["prune"]
    assert "preserve is not for a run with this outcome" in found.problems[0]


def test_without_pruning_runs_that_could_only_be_pruned_are_not_asked_of(tmp_path: Path) -> None:
    runs = [*runs_named("one", passed=None), *runs_named("two")]
    with ModelServer(always(proposing(PRUNE))) as server:
        given = options(tmp_path, server.url, allow_prune=False)
        found = analyse(runs, "", given, tmp_path)
        (request,) = server.requests
    assert "- prune" not in prompt(request)
    assert not found.patches
