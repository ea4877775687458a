"""All miners together."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawtrace_otel.costcraft.miners.registry import MINERS, PRUNE, SHORTEN, WORDING, mine
from clawtrace_otel.costcraft.model import Patch
from clawtrace_otel.costcraft.reprice import reprice, together
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.importers.formats.span_maker import Tokens
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.semconv.texts import Texts
from clawtrace_otel.tracecard.fit import fit
from clawtrace_otel.tracecard.lines import step_line
from tests.costcraft.miners.found import only
from tests.costcraft.runs import RunBuilder
from tests.tracecard.agent_loops import Loops, agent_loops
from tests.tracecard.prices import round_compiler
from tests.tracecard.traces import traces

slowly = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", "12.50", "x1"]), max_size=6)


def runs_of(steps: Sequence[Step], said: Sequence[Sequence[str]], max_bytes: int) -> list[Run]:
    """The recorded run of some steps, and the run of which only its card is left."""
    compiled = round_compiler().compile_items(steps)
    if compiled is None:
        return []
    card, items = compiled
    alone = fit({**card}, items, max_bytes)
    card["steps"] = [step_line(item) for item in items]
    texts = (" ".join(words) for words in said)
    by_number = {item.n: item for item in items}
    told = {
        n: _texts(item.step, text)
        for (n, item), text in zip(by_number.items(), texts, strict=False)
    }
    reading = frozenset(n for n, item in by_number.items() if item.step.tool.startswith("read"))
    return [Run(card, "", by_number, told, reading), Run(alone)]


def _texts(step: Step, text: str) -> Texts:
    return Texts(args=step.args, result=text) if step.kind == "tool" else Texts(said=text)


def check(runs: Iterable[Run]) -> None:
    """What holds of the patches of any run."""
    for run in runs:
        patches = list(mine([run]))
        assert patches == list(mine([run]))
        named = Counter(
            ref.n for patch in patches if patch.action == "prune" for ref in patch.steps
        )
        assert not [n for n, times in named.items() if times > 1]
        assert_no_more_than_leaving_all_out(run, patches)
        for patch in patches:
            assert patch.rule == WORDING[patch.pattern.miner]([patch.pattern])


def assert_no_more_than_leaving_all_out(run: Run, patches: Iterable[Patch]) -> None:
    left_out = {miner.name for miner in PRUNE}
    refs = [ref for p in patches if p.pattern.miner in left_out for ref in p.steps]
    low, high = together(reprice(run, {ref.n for ref in refs}).values())
    saved = [ref.saves_usd for ref in refs if ref.saves_usd is not None]
    assert fsum(interval[0] for interval in saved) <= low + 1e-9
    assert fsum(interval[1] for interval in saved) <= high + 1e-9


@slowly
@given(traces(), st.lists(WORDS, min_size=30, max_size=30), st.integers(1_024, 8_192))
def test_of_any_trace_no_step_is_left_out_twice(
    steps: list[Step], said: list[list[str]], max_bytes: int
) -> None:
    check(runs_of(steps, said, max_bytes))


@slowly
@given(agent_loops(), st.lists(WORDS, min_size=30, max_size=30), st.integers(1_024, 8_192))
def test_of_any_agent_no_saving_is_counted_twice(
    loops: Loops, said: list[list[str]], max_bytes: int
) -> None:
    check(runs_of(loops.trace.end(), said, max_bytes))


def test_what_an_unused_agent_did_is_left_out_with_it_alone() -> None:
    trace = RunBuilder()
    trace.llm(calls=[("delegate", {"task": "look around"})])
    call = trace.tool("delegate", {"task": "look around"}, "Lisbon")
    inner = trace.agent("scout", under=call)
    for _ in range(2):
        trace.turn("read_web", {"q": "x"}, "much", under=inner)
    trace.llm("Lisbon", under=inner)
    trace.llm("Nowhere.")
    assert only(list(mine([trace.run()]))).id == "prune:unused_agent:scout"


def test_the_repeats_of_an_agent_that_was_used_are_repeats() -> None:
    trace = RunBuilder()
    trace.llm(calls=[("delegate", {"task": "look around"})])
    call = trace.tool("delegate", {"task": "look around"}, "Lisbon")
    inner = trace.agent("scout", under=call)
    for _ in range(2):
        trace.turn("read_web", {"q": "x"}, "much", under=inner)
    trace.llm("Lisbon", under=inner)
    trace.llm("To Lisbon.")
    assert only(list(mine([trace.run()]))).id == "prune:repeated_call:read_web"


def test_two_patterns_in_one_turn_save_no_more_than_the_turn() -> None:
    trace = RunBuilder()
    for _ in range(2):
        trace.llm(calls=[("read_a", {"x": 1}), ("read_b", {"x": 1})])
        trace.tool("read_a", {"x": 1}, "a")
        trace.tool("read_b", {"x": 1}, "b")
    run = trace.run()
    patches = list(mine([run]))
    assert [patch.pattern.tool for patch in patches] == ["read_a", "read_b"]
    assert_no_more_than_leaving_all_out(run, patches)
    # Either may be rejected, and then the turn would have been made for the other one.
    assert all(ref.saves_usd and ref.saves_usd[1] < 0.0105 for p in patches for ref in p.steps)


def test_what_a_turn_in_vain_paid_to_read_another_result_in_vain_counts_once() -> None:
    trace = RunBuilder()
    for nth, name in enumerate(("read_a", "read_a", "read_b", "read_c", "read_b")):
        tokens = Tokens(fresh=1000 + 120 * nth, output=20)
        trace.turn(name, {"x": 1}, "some words of 100 tokens" * 16, tokens=tokens)
    trace.llm("some words", tokens=Tokens(fresh=1600, output=20))
    run = trace.run()
    patches = list(mine([run]))
    assert [patch.pattern.tool for patch in patches] == ["read_a", "read_b"]
    refs = [ref for patch in patches for ref in patch.steps]
    apart = [reprice(run, {ref.n})[ref.n][1] for ref in refs]
    assert fsum(apart) > together(reprice(run, {ref.n for ref in refs}).values())[1]
    assert_no_more_than_leaving_all_out(run, patches)


def test_each_miner_is_found_by_the_name_of_its_patterns() -> None:
    assert set(MINERS) == set(WORDING)
    assert {miner.name for miner in (*PRUNE, *SHORTEN)} < set(MINERS)
    assert all(name == miner.name for name, miner in MINERS.items())
