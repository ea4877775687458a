"""Accepted patches become rules: in their order, together where they belong together."""

from msgspec.structs import replace

from clawtrace_otel.costcraft.merge import Merged, merge
from clawtrace_otel.costcraft.model import Patch, Pattern, StepRef, Support
from clawtrace_otel.costcraft.net import Reading, net_of, saved_by
from clawtrace_otel.costcraft.skill import EMPTY, parse_skill
from clawtrace_otel.costcraft.tokens import count_tokens
from tests.costcraft.runs import RunBuilder

BASE = parse_skill(EMPTY, "base")


def patch(
    action: str = "prune", tool: str = "a", miner: str = "repeated_call", **told: object
) -> Patch:
    made = Patch(
        id=f"{action}:{miner}:{tool}",
        action=action,  # type: ignore[arg-type]
        rule=f"About `{tool}` by {miner}: {action}.",
        section="Workflow",
        pattern=Pattern(miner=miner, tool=tool),
        rung="dependency",
        support=Support(runs=2, of=4, tasks=2),
        saves_usd_per_run=(0.01, 0.02),
    )
    return replace(made, **told)


def merged(*patches: Patch, reading: Reading | None = None, max_tokens: int = 1200) -> Merged:
    return merge(BASE, patches, reading, max_tokens)


def ids(found: Merged) -> list[list[str]]:
    return [rule.patches for rule in found.rules]


def test_repair_comes_before_prune_before_preserve_before_prune_without_counterfactual() -> None:
    found = merged(
        patch("prune", "w", "llm", rung="proxy"),
        patch("preserve", "x", "llm"),
        patch("prune", "y", "llm"),
        patch("repair", "z", "llm"),
    )
    assert [p[0].split(":")[0] + p[0][-1] for p in ids(found)] == [
        "repairz",
        "pruney",
        "preservex",
        "prunew",
    ]


def test_what_is_surest_saved_comes_first() -> None:
    found = merged(
        patch(tool="less", miner="llm", saves_usd_per_run=(0.01, 0.9)),
        patch(tool="more", miner="llm", saves_usd_per_run=(0.02, 0.03)),
    )
    assert ids(found) == [["prune:llm:more"], ["prune:llm:less"]]


def test_patches_of_one_pattern_share_a_rule_that_names_all_their_tools() -> None:
    found = merged(patch(tool="a"), patch(tool="b"), patch(tool="c"))
    (rule,) = found.rules
    assert rule.patches == [f"prune:repeated_call:{tool}" for tool in "abc"]
    assert all(f"`{tool}`" in rule.text for tool in "abc")
    assert found.text.count("- ") == 1


def test_rules_that_say_nearly_the_same_are_one() -> None:
    one = patch("repair", "a", "llm", rule="Check the schema before you call it.")
    other = patch("repair", "b", "llm", rule="Check the schema before you call it!")
    assert ids(merged(one, other)) == [[one.id, other.id]]


def test_of_two_that_contradict_each_other_the_earlier_stays_and_the_conflict_is_named() -> None:
    found = merged(patch("repair", "a", "llm"), patch("prune", "a", "unused_result"))
    assert ids(found) == [["repair:llm:a"]]
    assert found.conflicts == ["repair:llm:a stays, prune:unused_result:a goes: both are about `a`"]
    assert found.patches[1].rejected == "it contradicts repair:llm:a"


def test_not_to_repeat_a_call_is_no_contradiction_to_making_it() -> None:
    found = merged(patch("preserve", "a", "ordering"), patch("prune", "a", "repeated_call"))
    assert (len(found.rules), found.conflicts) == (2, [])


def test_what_has_no_room_is_left_out_and_told_and_smaller_rules_still_get_in() -> None:
    long = patch("repair", "long", "llm", rule="word " * 200)
    found = merged(long, patch("prune", "a", "llm"), max_tokens=150)
    assert ids(found) == [["prune:llm:a"]]
    told = next(p for p in found.patches if p.id == long.id)
    assert told.rejected.startswith("no room: with it the skill would have ")
    assert count_tokens(found.text) <= 150


def test_a_prune_that_costs_more_to_read_than_it_saves_is_left_out() -> None:
    reading = Reading(turns=10, rate=1e-6)
    dear = merged(patch(miner="llm", saves_usd_per_run=(0.0, 1e-5)), reading=reading)
    assert not dear.rules
    assert dear.patches[0].rejected.startswith("it does not pay: reading it costs $0.000")
    assert merged(patch(miner="llm", saves_usd_per_run=(0.0, 1e-2)), reading=reading).rules
    assert merged(patch(miner="llm", saves_usd_per_run=None), reading=reading).rules


def test_rejected_patches_stay_rejected_and_are_kept_with_their_reason() -> None:
    found = merged(patch(tool="b", rejected="why not"), patch(tool="a"))
    assert [(p.pattern.tool, p.rejected) for p in found.patches] == [("a", ""), ("b", "why not")]
    assert found.rules[0].patches == ["prune:repeated_call:a"]


def test_the_order_in_which_patches_come_says_nothing() -> None:
    patches = [patch(tool=tool, miner=miner) for tool in "abc" for miner in ("llm", "polling")]
    assert merged(*patches) == merged(*reversed(patches))


def test_the_skill_pays_for_being_read_on_every_turn() -> None:
    found = net_of(100, (0.02, 0.04), Reading(turns=20, rate=1e-6))
    assert found.costs_usd == 100 * 20 * 1e-6
    assert found.saves_usd == (0.02, 0.04)
    assert found.net_usd == (0.02 - 0.002, 0.04 - 0.002)
    assert found.break_even_turns is not None
    assert [round(turns) for turns in found.break_even_turns] == [200, 400]


def test_nothing_is_said_of_what_a_skill_costs_where_no_rate_is_known() -> None:
    found = net_of(100, None, Reading(turns=20, rate=None))
    assert (found.costs_usd, found.saves_usd, found.net_usd) == (None, None, None)


def test_a_step_that_two_patches_name_is_saved_once() -> None:
    card = RunBuilder()
    card.llm("done")
    steps = [StepRef(trace_id="0" * 32, n=n, saves_usd=(0.1, 0.2)) for n in (1, 2)]
    mined = patch(steps=steps[:1], saves_usd_per_run=(0.1, 0.2))
    read = patch(miner="llm", analyst="llm", steps=steps, saves_usd_per_run=(0.2, 0.4))
    assert saved_by([read, mined], [card.run()]) == (0.2, 0.4)
    assert saved_by([mined], [card.run()]) == (0.1, 0.2)
    assert saved_by([], [card.run()]) is None


def test_a_patch_without_known_savings_carries_none_along_that_does_not_pay() -> None:
    reading = Reading(turns=10, rate=1e-6)
    dear = patch(tool="dear", saves_usd_per_run=(0.0, 1e-5))
    unknown = patch(tool="unknown", saves_usd_per_run=None)
    found = merged(dear, unknown, reading=reading)
    assert ids(found) == [[unknown.id]]
    assert next(p for p in found.patches if p.id == dear.id).rejected.startswith("it does not pay")
