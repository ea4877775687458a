import random
from typing import Any

import pytest

from clawtrace_otel.costcraft.gates.context import Context
from clawtrace_otel.costcraft.gates.judge import judge
from clawtrace_otel.costcraft.gates.verify import index_occurrences
from clawtrace_otel.costcraft.llm.answers import Proposal
from clawtrace_otel.costcraft.llm.propose import Names, make_patches, usable
from clawtrace_otel.costcraft.model import Action, Patch
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.skill import EMPTY, parse_skill
from clawtrace_otel.costcraft.task_facts import TaskFacts
from tests.costcraft.llm.asked import PRUNE, runs_named
from tests.costcraft.runs import RunBuilder, made

ALL: tuple[Action, ...] = ("preserve", "prune", "repair")


def proposal(**others: Any) -> Proposal:
    return Proposal(**{**PRUNE, **others})


def patches_of(runs: list[Run], *rules: str) -> list[Patch]:
    """Each run proposes one of the rules in turn."""
    found = [(run, [proposal(rule=rules[n % len(rules)])]) for n, run in enumerate(runs)]
    return make_patches(found, runs)


def judged(patches: list[Patch], runs: list[Run]) -> list[Patch]:
    harmless, harmful = index_occurrences(runs)
    context = Context(
        runs={run.trace_id: run for run in runs},
        base=parse_skill(EMPTY, "base"),
        facts=TaskFacts(runs),
        harmless=harmless,
        harmful=harmful,
    )
    return judge(patches, context)


def test_near_equal_rules_are_one_patch_in_the_most_usual_words() -> None:
    runs = runs_named("a", "b", "c")
    usual, other = "Read each of the files once.", "Read each of those files once."
    (patch,) = patches_of(runs, usual, other, usual)
    assert (patch.rule, patch.support.runs) == (usual, 3)


@pytest.mark.parametrize(
    "other",
    [
        "Call `read_file` again with the same arguments.",
        "Do not call `path` again with the same arguments.",
        "Do not call `read_file` again before the same arguments.",
    ],
)
def test_rules_that_differ_in_a_name_or_a_negation_are_two_patches(other: str) -> None:
    runs = runs_named("a", "b")
    assert len(patches_of(runs, PRUNE["rule"], other)) == 2  # type: ignore[arg-type]


def test_the_same_proposals_make_the_same_patches_with_the_same_ids() -> None:
    runs = runs_named("a", "b", "c", "d")
    rules = ["Read once.", "Write once.", "Think first."]
    first, again = patches_of(runs, *rules), patches_of(runs, *rules)
    assert first == again
    assert len({patch.id for patch in first}) == 3


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ({"action": "repair"}, "repair is not for a run with this outcome"),
        ({"tool": "send_money"}, "a tool that no run called"),
        ({"steps": [0]}, "no step numbers"),
        ({"steps": list(range(1, 100))}, "no step numbers"),
        ({"calls": ["send_money"]}, "calls that the run did not make"),
        ({"rule": "Send `send_money`."}, "no tool or argument in any run"),
        ({"rule": "Always read first."}, "forbids nothing"),
        ({"rule": "Do not call `read_file`.", "steps": [1]}, "none of its evidence is about"),
        (
            {"action": "preserve", "calls": [], "rule": "Call `read_file` first."},
            "none of its evidence is about",
        ),
    ],
)
def test_a_proposal_that_is_none_is_left_out_and_told(others: dict[str, Any], why: str) -> None:
    (run,) = runs_named("a")
    kept, problems = usable(run, [proposal(**others)], ("prune", "preserve"), Names.of([run]))
    assert not kept
    assert why in problems[0]
    assert run.trace_id in problems[0]


def test_a_rule_may_name_a_tool_that_only_another_run_called() -> None:
    (run,) = runs_named("a")
    other = RunBuilder("other")
    other.turn("cancel", {"reason": "none"})
    names = Names.of([run, other.run()])
    repair = proposal(action="repair", rule="Call `cancel` with a `reason`.")
    kept, _ = usable(run, [repair], ALL, names)
    assert kept


def test_the_gates_accept_a_prune_that_a_program_can_show_and_price_it_themselves() -> None:
    runs = runs_named("a", "b")
    (patch,) = judged(patches_of(runs, "Do not call `read_file` again."), runs)
    assert patch.rejected == ""
    assert patch.rung == "dependency"
    assert all(ref.check.startswith("harmless: equal call, equal result") for ref in patch.steps)
    assert patch.saves_usd_per_run is not None
    assert patch.saves_usd_per_run[0] > 0


def test_the_gates_reject_a_prune_of_steps_that_nothing_shows_to_be_harmless() -> None:
    runs = runs_named("a", "b")
    found = [(run, [proposal(steps=[2])]) for run in runs]
    (patch,) = judged(make_patches(found, runs), runs)
    assert "no counterfactual" in patch.rejected


def test_steps_that_are_not_there_are_rejected_and_spoil_no_other_runs_proposal() -> None:
    runs = runs_named("a", "b", "c")
    steps = {runs[0].trace_id: [4], runs[1].trace_id: [99], runs[2].trace_id: [4]}
    found = [(run, [proposal(steps=steps[run.trace_id])]) for run in runs]
    patches = judged(make_patches(found, runs), runs)
    rejected = {patch.rejected: patch.support.runs for patch in patches}
    assert rejected == {"": 2, f"there is no step 99 in trace {runs[1].trace_id}": 1}


def test_a_fact_of_a_task_is_rejected() -> None:
    runs = runs_named("a", "b", "Atlantis99", "d", "e", "f")
    (patch,) = judged(patches_of(runs, "Do not read the text of Atlantis99 again."), runs)
    assert "fact of a task" in patch.rejected


def test_a_preserve_is_contrasted_with_failing_runs_of_the_same_task() -> None:
    runs = made(mixed_task())
    preserve = proposal(action="preserve", tool="check", calls=["check", "book"], steps=[])
    found = [(run, [preserve]) for run in runs if run.passed]
    (patch,) = make_patches(found, runs)
    assert patch.contrast is not None
    contrast = patch.contrast
    assert (contrast.passed_with, contrast.passed) == (3, 3)
    assert (contrast.failed_with, contrast.failed) == (0, 3)
    assert contrast.p_value == pytest.approx(0.05)
    assert judged([patch], runs)[0].rejected == ""


def mixed_task() -> list[RunBuilder]:
    """Of one task: three runs that check and then book passed, three that only book failed."""
    builders = []
    for n in range(6):
        builder = RunBuilder(f"run {n}", task="trip", passed=n < 3)
        if n < 3:
            builder.turn("check", {"n": 1})
        builder.turn("book", {"n": 1})
        if n == 5:
            builder.turn("check", {"n": 1})
        builders.append(builder)
    return builders


def test_a_repair_needs_an_evaluators_word_on_what_it_is_about() -> None:
    because = "expected, not done: book for two passengers"
    builders = [RunBuilder(f"r{n}", passed=False, because=because) for n in range(2)]
    for builder in builders:
        builder.turn("book", {"seats": 1})
        builder.turn("delete_all", {"sure": True})
    runs = made(builders)

    def repair(rule: str) -> Patch:
        one = proposal(action="repair", rule=rule, steps=[2])
        return judged(make_patches([(run, [one]) for run in runs], runs), runs)[0]

    assert repair("Call `book` with as many `seats` as there are people.").rejected == ""
    assert repair("Count the passengers whom you are expected to bring.").rejected == ""
    assert repair("Call `delete_all` first.").rejected == "no oracle evidence"


def test_a_failed_call_that_was_mended_is_evidence_as_well() -> None:
    builder = RunBuilder("mended", passed=False)
    builder.turn("book", {"day": "x"}, error="ValueError: no such day")
    builder.turn("book", {"day": "x"}, "booked")
    run = builder.run()
    assert "repaired_by" in run.by_number[2]
    one = proposal(action="repair", rule="Call `book` once more if it fails.", steps=[2])
    (patch,) = make_patches([(run, [one])], [run])
    assert patch.oracle == ["`book` failed, and a later call of it was mended"]


def test_thousands_of_proposals_are_put_together_in_seconds() -> None:
    runs = runs_named(*(f"r{n}" for n in range(50)))
    chance = random.Random(1)
    words = [f"word{'abcdefghij'[n % 10]}{'abcdefghij'[n // 10]}" for n in range(100)]
    found = [
        (run, [proposal(rule=" ".join(chance.sample(words, 12))) for _ in range(40)])
        for run in runs
    ]
    assert len(make_patches(found, runs)) > 1_000
