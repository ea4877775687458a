"""The generated truth: always the same, and no call without it."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evidence.detectors import ours
from tests.evidence.generated import KNOWN, SCENES, SEED, generated, write
from tests.evidence.generated_scenes import SCENE_OF, SHARES
from tests.evidence.script import Script


def _calls(script: Script) -> list[tuple[object, ...]]:
    return [
        (span.span_id, span.parent_id, span.name, span.start_ns, *span.attributes.items())
        for span in script.spans
    ]


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_same_seed_makes_the_same_run(number: int) -> None:
    first, again = write(number), write(number)
    assert _calls(first) == _calls(again)
    assert first.truths == again.truths
    assert _calls(first) != _calls(write(number, SEED + 1))


def test_shares_are_of_a_hundred_scenes_and_each_scene_is_played() -> None:
    assert sum(SHARES.values()) == 100
    assert SHARES.keys() == SCENE_OF.keys()
    cases = {known.case for known in generated(60).truths.values()}
    assert cases == {*SHARES, "meanwhile"}


def test_every_call_on_the_cards_is_known_and_no_other() -> None:
    truth = generated(10)
    calls = {(t.trace_id, call.span_id) for t in truth.traces for call in t.calls()}
    assert calls == truth.truths.keys()
    assert len(truth.traces) == 10
    assert [trace.passed for trace in truth.traces] == [True, False] * 5


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_a_redundant_call_has_an_earlier_one_of_its_tool_and_its_scene(number: int) -> None:
    script = write(number)
    seen: Counter[tuple[str, str]] = Counter()
    for span in script.spans:
        known = script.truths.get(span.span_id)
        if known is None:
            continue
        assert not known.redundant or seen[span.name, known.case]
        seen[span.name, known.case] += 1
    assert len({known.case for known in script.truths.values()} - {"meanwhile"}) <= SCENES


def test_what_counts_as_waste_is_redundant_but_where_the_world_may_change_by_itself() -> None:
    """Of two equal answers nobody can see that what was asked about might have changed."""
    truth = generated(60)
    flagged = ours.flag(truth.traces, ours.is_waste, KNOWN)
    wrong = {truth.truths[key].case for key in flagged if not truth.truths[key].redundant}
    assert wrong == {"polling: nothing yet"}
    assert sum(truth.truths[key].redundant for key in flagged) > 100
