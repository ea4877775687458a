"""Simulations of tau2-bench and runs of tau-bench, against counts made from the files themselves.

The counts of :data:`FILES` are those of the corpora's README.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from clawtrace_otel.importers.formats.tau import tau2, tau_bench
from clawtrace_otel.importers.importer import Problem, Record, Told, TraceEnd
from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.processors.redundancy import RedundancyIndex, Repeat, Retry
from clawtrace_otel.processors.tool_effects import ToolEffects
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import check_card
from tests.corpora.folder import CORPORA, reads_corpora
from tests.importers.compile_files import compile_files

pytestmark = [*reads_corpora, pytest.mark.slow]

CASCADE = "mixed_deepseek-chat+claude-opus-4-6_airline_cascade_with_cached_tokens"
SONNET = "claude-sonnet-4-5_airline_1trial"
TUNED = "ft-gpt-4.1_telecom_1trial"
ORCHESTRA = "toolorchestra_airline_gpt-5_1trial"


@dataclass(frozen=True)
class File:
    """A row of the README: ``repeats`` are calls made again, ``same`` those with a result again.

    Attributes:
        verdicts: ours of the repeats; a repeat of a failed call is a retry.
    """

    name: str
    sims: int
    passed: int
    llm: int
    input: int
    output: int
    usd: float
    tools: int
    repeats: int
    same: int
    verdicts: dict[str, int] = field(hash=False)

    @property
    def path(self) -> Path:
        return CORPORA / "tau2" / f"{self.name}.json"


# fmt: off
FILES = [
    File(SONNET, 50, 36, 467, 3_838_336, 195_216, 14.443248, 371, 0, 0, {}),
    File("gpt-4.1_airline_1trial", 20, 10, 206, 994_898, 16_536, 0.783268, 148, 0, 0, {}),
    File("gpt-4.1_telecom_1trial", 40, 18, 620, 4_701_015, 45_153, 3.111030, 207, 0, 0, {}),
    File("gpt-5.4_airline_ironshell_run1", 50, 28, 475, 2_457_794, 46_686, 2.290631, 432, 8, 8,
         {"same": 1, "unverified": 7}),
    File(TUNED, 40, 30, 1_013, 9_749_306, 37_043, 0, 656, 420, 411,
         {"same": 389, "unverified": 22, "changed": 9}),
    File(CASCADE, 50, 49, 667, 3_574_768, 100_310, 0.504523416, 428, 4, 4,
         {"same": 1, "unverified": 3}),
    File(ORCHESTRA, 50, 28, 0, 0, 0, 0, 581, 39, 37,
         {"unverified": 36, "changed": 2, "retry": 1}),
]
# fmt: on
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


@cache
def raw(file: File) -> list[dict[str, Any]]:
    simulations: list[dict[str, Any]] = json.loads(file.path.read_bytes())["simulations"]
    return simulations


@cache
def records(file: File) -> list[Record]:
    return list(tau2.read([file.path]))


@cache
def steps(file: File) -> list[Step]:
    return [normalize(record) for record in records(file) if isinstance(record, Span)]


def of_kind(file: File, kind: str) -> list[Step]:
    return [step for step in steps(file) if step.kind == kind]


@cache
def cards(file: File) -> list[Card]:
    done = compile_files([file.path], Compiler(Pricer()))
    assert done.problems == []
    return [check_card(card, file.name) for card in done.cards]


def beside_prompt(file: File) -> int:
    """Cached tokens of calls whose ``prompt_tokens`` are without them, contrary to the rule."""
    total = 0
    for message in recorded_calls(file):
        details = ((message["raw_data"] or {}).get("usage") or {}).get("prompt_tokens_details")
        cached = (details or {}).get("cached_tokens") or 0
        total += cached if cached > message["usage"]["prompt_tokens"] else 0
    return total


def recorded_calls(file: File) -> Iterator[dict[str, Any]]:
    for simulation in raw(file):
        for message in simulation["messages"]:
            if message["role"] == "assistant" and message.get("usage"):
                yield message


def priced_calls(file: File) -> list[tuple[Step, dict[str, Any]]]:
    """Each LLM call with the message that it was."""
    return list(zip(of_kind(file, "llm"), recorded_calls(file), strict=True))


@each_file
def test_nothing_is_wrong_with_the_files(file: File) -> None:
    assert [record for record in records(file) if isinstance(record, Problem)] == []
    assert {step.invalid for step in steps(file)} == {""}


@each_file
def test_every_simulation_is_a_trace_that_ends(file: File) -> None:
    ends = [record.trace_id for record in records(file) if isinstance(record, TraceEnd)]
    assert len(ends) == len(set(ends)) == len(of_kind(file, "agent")) == file.sims
    assert {step.trace_id for step in steps(file)} == set(ends)


@each_file
def test_runs_pass_that_got_the_whole_reward(file: File) -> None:
    labels = Counter(r.evaluation.label for r in records(file) if isinstance(r, Told))
    assert labels["pass"] == file.passed
    # A simulation that broke down was not evaluated, and has neither a call nor a card.
    known = sum(bool(simulation["reward_info"]) for simulation in raw(file))
    assert labels["pass"] + labels["fail"] == known == len(cards(file))
    assert sum(card["outcome"]["passed"] is True for card in cards(file)) == file.passed


@each_file
def test_every_failed_run_says_why(file: File) -> None:
    failed = [card["outcome"] for card in cards(file) if not card["outcome"]["passed"]]
    assert all(1 <= len(outcome["evidence"]) <= 3 for outcome in failed)


@each_file
def test_the_agents_calls_and_tokens_are_those_of_the_readme(file: File) -> None:
    used = [step.usage for step in of_kind(file, "llm") if step.usage]
    assert len(used) == file.llm
    assert sum(usage.output for usage in used) == file.output
    assert sum(usage.input for usage in used) == file.input + beside_prompt(file)
    assert len(of_kind(file, "tool")) == file.tools


@each_file
def test_the_cards_add_up_to_the_same(file: File) -> None:
    totals = [card["total"] for card in cards(file)]
    assert sum(total["llm_calls"] for total in totals) == len(of_kind(file, "llm"))
    assert sum(total["tool_calls"] for total in totals) == file.tools
    assert sum(total["tokens"]["output"] for total in totals) == file.output
    tokens = sum(total["tokens"]["input"] for total in totals)
    assert tokens == file.input + beside_prompt(file)


@each_file
def test_the_recorded_cost_is_that_of_the_agent_alone(file: File) -> None:
    supplied = sum(step.supplied or 0 for step in of_kind(file, "llm")) / 1e12
    assert supplied == pytest.approx(file.usd, abs=1e-9)
    of_agent = sum(simulation.get("agent_cost") or 0 for simulation in raw(file))
    assert supplied == pytest.approx(of_agent, abs=1e-9)


@each_file
def test_a_card_costs_what_was_recorded_where_every_call_has_a_price(file: File) -> None:
    recorded = {simulation["id"]: simulation.get("agent_cost") for simulation in raw(file)}
    for card in cards(file):
        prices = card.get("prices", {})
        if prices.get("supplied") == card["total"]["llm_calls"]:
            cost = recorded[card["session"]]
            assert card["total"]["cost_usd"] == pytest.approx(cost, abs=1e-9)


def test_a_recorded_zero_with_tokens_is_unpriced_and_not_free() -> None:
    file = FILES[5]
    zeros = [(step, m) for step, m in priced_calls(file) if m["cost"] == 0]
    assert len(zeros) == 186
    assert {step.supplied for step, _ in zeros} == {None}
    tuned = FILES[4]
    assert {card["total"]["cost_usd"] for card in cards(tuned)} == {None}
    assert sum(card["total"]["unpriced_calls"] for card in cards(tuned)) == tuned.llm
    assert all(card["unpriced"][0]["reason"] == "unknown_model" for card in cards(tuned))


def test_the_recorded_cost_of_anthropics_model_is_tokens_times_rates_on_every_call() -> None:
    pricer = Pricer()
    prices = [pricer.price(step) for step in of_kind(FILES[0], "llm")]
    assert len(prices) == 467
    for price in prices:
        assert price.cost is not None
        assert price.computed is not None
        assert price.cost / 1e12 == pytest.approx(price.computed / 1e12, abs=1e-9)


def test_the_recorded_cost_of_deepseek_is_tokens_times_rates_with_the_cached_ones(
    tmp_path: Path,
) -> None:
    """In USD a million: 0.28, cached 0.028, output 0.42."""
    own = tmp_path / "prices.yaml"
    own.write_text(
        "prices: 1\nmodels:\n"
        "- {model: deepseek-chat, input: 0.28, cache_read: 0.028, output: 0.42}\n"
    )
    pricer = Pricer(own)
    priced = [
        pricer.price(step)
        for step in of_kind(FILES[5], "llm")
        if step.model == "deepseek-chat" and step.supplied
    ]
    assert len(priced) == 461
    for price in priced:
        assert price.cost is not None
        assert price.computed is not None
        assert price.cost / 1e12 == pytest.approx(price.computed / 1e12, abs=1e-9)


def test_the_model_that_answered_is_named_not_the_one_of_the_whole_file() -> None:
    models = Counter((step.model, step.request_model) for step in of_kind(FILES[5], "llm"))
    assert models == {
        ("deepseek-chat", ""): 461,
        ("claude-opus-4-6", ""): 179,
        ("claude-sonnet-4-6", ""): 27,
    }


@each_file
def test_times_never_stand_still_or_go_back(file: File) -> None:
    last: dict[str, int] = {}
    for step in steps(file):
        if step.kind == "agent":
            assert step.end_ns >= last.get(step.trace_id, 0)
            continue
        assert step.end_ns > step.start_ns >= last.get(step.trace_id, 0)
        last[step.trace_id] = step.end_ns


@each_file
def test_every_tool_call_has_the_result_of_its_own_id(file: File) -> None:
    results = {
        message["id"]: message
        for simulation in raw(file)
        for message in simulation["messages"]
        if message["role"] == "tool"
    }
    for step in of_kind(file, "tool"):
        message = results[step.call_id]
        assert message.get("requestor") == "assistant"
        assert "error" not in message or (step.error is not None) == message["error"]
        assert step.result_size == len(message["content"])


def calls_again(calls: list[Step]) -> tuple[int, int]:
    """Calls whose tool and arguments were there before, and those whose result was as well."""
    results: dict[tuple[str, str, str], list[str]] = {}
    repeats = same = 0
    for call in calls:
        key = (call.trace_id, call.tool, call.args_hash)
        if call.args_hash and key in results:
            repeats += 1
            same += call.result_hash in results[key]
        results.setdefault(key, []).append(call.result_hash)
    return repeats, same


def found_again(calls: list[Step]) -> Counter[str]:
    """What our own comparison says of these repeats, while nothing is known of the tools."""
    indexes: dict[str, RedundancyIndex] = {}
    seen: set[tuple[str, str, str]] = set()
    found: Counter[str] = Counter()
    for call in calls:
        index = indexes.setdefault(call.trace_id, RedundancyIndex(ToolEffects()))
        if call.kind != "tool":
            index.disturb()
            continue
        finding = index.observe(call)
        key = (call.trace_id, call.tool, call.args_hash)
        if call.args_hash and key in seen:
            assert isinstance(finding, Repeat | Retry)
            found[finding.verdict if isinstance(finding, Repeat) else "retry"] += 1
        seen.add(key)
    return found


@each_file
def test_repeats_are_those_of_the_readme(file: File) -> None:
    assert calls_again(of_kind(file, "tool")) == (file.repeats, file.same)


@each_file
def test_of_the_repeats_with_an_equal_result_some_are_not_called_the_same(file: File) -> None:
    """``same`` also asks that nothing between the calls may have changed state."""
    found = found_again([step for step in steps(file) if step.tool or step.read_only is False])
    assert found == file.verdicts
    assert sum(found.values()) == file.repeats
    assert file.repeats - found["changed"] == file.same >= found["same"]


def test_what_the_user_does_between_two_calls_may_have_changed_what_they_see() -> None:
    """19 repeats with an equal result follow a tool call of the user's, with nothing else between.

    The other three ``unverified`` ones follow another call of the agent's.
    """
    after_user = 0
    for simulation in raw(FILES[4]):
        last, user_acted = "", False
        for message in simulation["messages"]:
            for call in message.get("tool_calls") or ():
                if message["role"] == "user":
                    user_acted = True
                    continue
                key = json.dumps([call["name"], call["arguments"]], sort_keys=True)
                after_user += key == last and user_acted
                last, user_acted = key, False
    assert after_user == 19 == FILES[4].verdicts["unverified"] - 3


TAU_BENCH = CORPORA / "tau-bench-gpt-4o-airline" / "gpt-4o-airline.json"


def test_tau_bench_has_rewards_and_results_but_no_costs() -> None:
    done = compile_files([TAU_BENCH], Compiler())
    tasks = json.loads(TAU_BENCH.read_bytes())
    assert done.problems == []
    assert len(done.cards) == len({card["trace_id"] for card in done.cards}) == len(tasks) == 200
    passed = [card["outcome"]["passed"] for card in done.cards]
    assert passed == [task["reward"] == 1 for task in tasks]
    assert passed.count(True) == 84
    totals = [card["total"] for card in done.cards]
    assert sum(total["tool_calls"] for total in totals) == 1164
    assert sum(total["llm_calls"] for total in totals) == 2454
    assert sum(total["unpriced_calls"] for total in totals) == 2454
    assert {total["cost_usd"] for total in totals} == {None}
    assert {card["unpriced"][0]["reason"] for card in done.cards} == {"no_usage"}


def test_tau_benchs_tool_calls_have_results_and_errors() -> None:
    spans = [record for record in tau_bench.read([TAU_BENCH]) if isinstance(record, Span)]
    calls = [step for step in map(normalize, spans) if step.kind == "tool"]
    assert {call.tool for call in calls if not call.result_hash} == {"think"}  # It answers "".
    errors = [call.error for call in calls if call.error is not None]
    assert len(errors) == 73
    assert [error for error in errors if not error.startswith("Error: ")] == []
    assert calls_again(calls) == (32, 31)  # Ids occur again in a run; results follow their calls.


def test_tasks_of_tau_bench_have_mixed_outcomes() -> None:
    """26 of 50; the root's name says the task and the trial."""
    outcomes: dict[str, set[bool | None]] = {}
    for card in compile_files([TAU_BENCH], Compiler()).cards:
        task = card["root"]["name"].partition(" trial ")[0]
        outcomes.setdefault(task, set()).add(card["outcome"]["passed"])
    assert len(outcomes) == 50
    assert sum(len(found) == 2 for found in outcomes.values()) == 26
