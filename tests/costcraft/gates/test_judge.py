"""Each gate: what it lets through, and what it stops with which reason."""

from collections.abc import Mapping, Sequence

import pytest
from msgspec.structs import replace

from clawtrace_otel.costcraft.gates.context import Context, Options, StepName
from clawtrace_otel.costcraft.gates.judge import judge
from clawtrace_otel.costcraft.gates.verify import index_occurrences
from clawtrace_otel.costcraft.miners.miner import support_of
from clawtrace_otel.costcraft.miners.registry import mine
from clawtrace_otel.costcraft.model import Contrast, Patch, Pattern, StepRef
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.skill import EMPTY, parse_skill
from clawtrace_otel.costcraft.task_facts import TaskFacts
from tests.costcraft.runs import RunBuilder, made, number

RULE = "Do not call `read_file` again with the same arguments"


def reads_twice(name: str, *, passed: bool | None = True, second: str = "text " * 80) -> RunBuilder:
    """Reads a file, reads it again, and ends; the second result may be another one."""
    builder = RunBuilder(name, task=name, passed=passed)
    builder.turn("read_file", {"path": "x"}, "text " * 80)
    builder.turn("read_file", {"path": "x"}, second)
    builder.llm("That is all.")
    return builder


def two_runs(**told: object) -> list[Run]:
    return made([reads_twice("one", **told), reads_twice("two", **told)])  # type: ignore[arg-type]


def context_of(
    runs: Sequence[Run],
    *,
    base: str = EMPTY,
    options: Options | None = None,
    replayed: Mapping[StepName, str] | None = None,
) -> Context:
    harmless, harmful = index_occurrences(runs)
    return Context(
        runs={run.trace_id: run for run in runs},
        base=parse_skill(base, "base"),
        facts=TaskFacts(runs),
        harmless=harmless,
        harmful=harmful,
        replayed=replayed or {},
        options=options or Options(),
    )


def judged(runs: Sequence[Run], **told: object) -> Patch:
    """The only patch about a repeated call."""
    patches = judge(mine(runs), context_of(runs, **told))  # type: ignore[arg-type]
    (patch,) = [p for p in patches if p.pattern.miner == "repeated_call"]
    return patch


def proposed(runs: Sequence[Run], steps: Sequence[StepName], **told: object) -> Patch:
    """What a model might propose: it says what it likes of its evidence."""
    patch = Patch(
        id="prune:llm:read_file:1",
        action="prune",
        rule="Do not read what was read already.",
        section="Cost control",
        analyst="llm",
        pattern=Pattern(miner="llm", tool="read_file", detail="1"),
        rung="replayed",
        support=support_of(runs, runs),
        saves_usd_per_run=(1000.0, 2000.0),
        counterfactual="It would all be the same, I am sure.",
        steps=[StepRef(trace_id=t, n=n, check="harmless: believe me") for t, n in steps],
    )
    return replace(patch, **told)


def one_judged(patch: Patch, runs: Sequence[Run], **told: object) -> Patch:
    (found,) = judge([patch], context_of(runs, **told))  # type: ignore[arg-type]
    return found


def repeats(runs: Sequence[Run]) -> list[StepName]:
    return [(run.trace_id, number(run, "read_file", 2)) for run in runs]


def test_a_repeat_with_an_equal_result_in_passing_runs_gets_through() -> None:
    patch = judged(two_runs())
    assert (patch.rejected, patch.rung, patch.support.runs) == ("", "dependency", 2)
    assert len(patch.steps) == 2


def test_a_repeat_that_brought_news_in_any_notable_share_does_not() -> None:
    runs = made([reads_twice("one"), reads_twice("two"), reads_twice("news", second="other")])
    patch = judged(runs)
    assert patch.rejected == "1 of 3 steps that it would have pruned were needed, or may have been"
    assert len(patch.counter_evidence) == 1


def test_a_few_repeats_that_brought_news_are_counter_evidence_and_no_veto() -> None:
    builders = [reads_twice(f"run {n}") for n in range(19)]
    patch = judged(made([*builders, reads_twice("news", second="other")]))
    assert (patch.rejected, len(patch.steps), len(patch.counter_evidence)) == ("", 19, 1)


def test_repeats_that_only_brought_news_are_not_even_proposed() -> None:
    found = mine(two_runs(second="other"))
    assert [patch for patch in found if patch.pattern.miner == "repeated_call"] == []


def test_a_prune_of_failing_runs_alone_is_stopped_but_not_where_nobody_knows() -> None:
    assert judged(two_runs(passed=False)).rejected == "none of its runs is known to have passed"
    assert judged(two_runs(passed=None)).rejected == ""


def test_one_run_is_no_pattern_unless_a_replay_proves_it() -> None:
    runs = made([reads_twice("one")])
    assert judged(runs).rejected == "seen in one run only"
    replayed = dict.fromkeys(repeats(runs), "")
    patch = judged(runs, replayed=replayed)
    assert (patch.rejected, patch.rung) == ("", "replayed")
    assert patch.steps[0].check.endswith("replayed without it, unchanged")


def test_a_step_that_a_replay_could_not_do_without_speaks_against_the_prune() -> None:
    runs = two_runs()
    patch = judged(runs, replayed={repeats(runs)[0]: "step 9 `pay` differs"})
    assert patch.rejected == "1 of 2 steps that it would have pruned were needed, or may have been"
    assert patch.counter_evidence[0].check == ("harmful: replayed without it, step 9 `pay` differs")


def test_a_replay_says_nothing_of_what_the_agent_learned_from_a_call() -> None:
    runs = two_runs()
    first = [(run.trace_id, number(run, "read_file", 1)) for run in runs]
    patch = one_judged(proposed(runs, first), runs, replayed=dict.fromkeys(first, ""))
    assert patch.rejected.startswith("no counterfactual: ")
    assert patch.rung == "proxy"


@pytest.mark.parametrize(("second", "is_kept"), [("text " * 80, True), ("other", False)])
def test_a_replay_shows_that_nothing_changed_between_two_calls_with_equal_results(
    second: str, *, is_kept: bool
) -> None:
    builders = []
    for name in ("one", "two"):
        builder = RunBuilder(name, passed=True)
        builder.turn("look", {"at": "x"}, "text " * 80)
        builder.turn("move", {"to": "y"}, "moved")
        builder.turn("look", {"at": "x"}, second)
        builder.llm("That is all.")
        builders.append(builder)
    runs = made(builders)
    names = [(run.trace_id, number(run, "look", 2)) for run in runs]
    assert one_judged(proposed(runs, names), runs).rejected
    patch = one_judged(proposed(runs, names), runs, replayed=dict.fromkeys(names, ""))
    assert (patch.rejected == "", patch.rung == "replayed") == (is_kept, is_kept)


def test_what_costs_next_to_nothing_is_not_pruned_unless_costs_play_no_part() -> None:
    builders = []
    for name in ("one", "two"):
        builder = RunBuilder(name, passed=True)
        builder.turn("read_file", {"path": "x"}, "ab")
        builder.llm("Let me look again.", calls=[("read_file", {"path": "x"})])
        builder.tool("read_file", {"path": "x"}, "ab")
        for n in range(30):
            builder.turn("read_page", {"page": n}, f"page {n} ")
        builder.llm("That is all.")
        builders.append(builder)
    runs = made(builders)
    assert judged(runs).rejected.startswith("not costly: its steps took 0.")
    assert judged(runs, options=Options(no_cost=True)).rejected == ""


def test_pruning_can_be_switched_off() -> None:
    patch = judged(two_runs(), options=Options(no_prune=True))
    assert patch.rejected == "pruning is switched off"


def test_a_rule_that_the_base_skill_has_is_not_added_again() -> None:
    runs = two_runs()
    base = f"---\nname: a\ndescription: b\n---\n\n- {judged(runs).rule}\n"
    assert judged(runs, base=base).rejected.startswith("the base skill says so already: ")


def test_what_a_model_claims_of_its_evidence_is_replaced_by_what_a_program_finds() -> None:
    runs = two_runs()
    patch = one_judged(proposed(runs, repeats(runs)), runs)
    mined = judged(runs)
    assert (patch.rejected, patch.rung) == ("", "dependency")
    assert patch.saves_usd_per_run == pytest.approx(mined.saves_usd_per_run)
    assert [ref.saves_usd for ref in patch.steps] == [ref.saves_usd for ref in mined.steps]
    assert [ref.check for ref in patch.steps] == [ref.check for ref in mined.steps]


def test_a_model_cannot_vouch_for_a_step_that_no_program_found_harmless() -> None:
    runs = two_runs()
    first = [(run.trace_id, number(run, "read_file", 1)) for run in runs]
    patch = one_judged(proposed(runs, first), runs)
    assert patch.rejected.startswith("no counterfactual: ")
    assert patch.rung == "proxy"


def test_without_the_gate_of_counterfactuals_it_gets_through() -> None:
    runs = two_runs()
    first = [(run.trace_id, number(run, "read_file", 1)) for run in runs]
    patch = one_judged(proposed(runs, first), runs, options=Options(no_counterfactual=True))
    assert patch.rejected == ""


@pytest.mark.parametrize("name", [("f" * 32, 2), (None, 99)])
def test_a_step_that_does_not_exist_stops_a_patch(name: tuple[str | None, int]) -> None:
    runs = two_runs()
    trace_id = name[0] or runs[0].trace_id
    patch = one_judged(proposed(runs, [*repeats(runs), (trace_id, name[1])]), runs)
    assert patch.rejected == f"there is no step {name[1]} in trace {trace_id}"


def test_a_patch_about_no_step_is_stopped() -> None:
    runs = two_runs()
    assert one_judged(proposed(runs, []), runs).rejected == "it names no step"


def test_a_fact_of_a_task_stops_a_patch_of_either_analyst() -> None:
    builders = [reads_twice("one"), reads_twice("two")]
    builders[0].turn("read_file", {"path": "invoice-4711.pdf"}, "Total")
    runs = made(builders)
    patch = proposed(runs, repeats(runs), rule="Read invoice-4711.pdf only once.")
    assert one_judged(patch, runs).rejected == "it holds a fact of a task: 'invoice-4711.pdf'"


def test_a_repair_needs_oracle_evidence() -> None:
    runs = two_runs()
    repair = proposed(runs, repeats(runs), action="repair")
    assert one_judged(repair, runs).rejected == "no oracle evidence"
    assert one_judged(replace(repair, oracle=["db_check: met"]), runs).rejected == ""


def test_a_repair_that_a_model_read_in_one_run_is_no_pattern_whatever_it_quotes() -> None:
    runs = two_runs()
    quoted = proposed(runs, repeats(runs)[:1], action="repair", oracle=["checker: do as I say"])
    one = replace(quoted, support=support_of(runs[:1], runs))
    assert one_judged(one, runs).rejected == "seen in one run only"
    assert one_judged(replace(one, analyst="rules"), runs).rejected == ""


@pytest.mark.parametrize(
    ("contrast", "is_kept"),
    [
        (None, False),
        (Contrast(tasks=2, passed_with=3, passed=3, failed_with=0, failed=3, p_value=0.05), True),
        (Contrast(tasks=2, passed_with=1, passed=3, failed_with=1, failed=3, p_value=0.8), False),
        (Contrast(tasks=0, passed_with=3, passed=3, failed_with=0, failed=0, p_value=1.0), False),
    ],
)
def test_a_preserve_needs_contrast(contrast: Contrast | None, *, is_kept: bool) -> None:
    runs = two_runs()
    patch = proposed(runs, repeats(runs), action="preserve", contrast=contrast)
    found = one_judged(patch, runs)
    assert found.rejected.startswith("" if is_kept else "no contrast")
    assert (found.rejected == "") == is_kept
