"""Time grows as the trace does."""

import time
from collections.abc import Callable

import pytest

from clawtrace_otel.semconv.step import Call, Step, Usage
from tests.tracecard.prices import ROUND, round_compiler
from tests.tracecard.traces import START_NS, TraceBuilder

pytestmark = pytest.mark.slow


def one_agent(count: int) -> list[Step]:
    """Two tool calls a turn, a repeat every tenth, and a compaction every 200 turns."""
    trace = TraceBuilder()
    tokens = 1000
    while len(trace.steps) < count:
        turn = len(trace.steps) // 3
        tokens = 1000 if turn % 200 == 199 else tokens + 220
        calls = tuple(Call(id=f"{turn}-{n}", tool="read_file") for n in range(2))
        usage = Usage(cache_read=tokens - 500, fresh=500, output=20)
        trace.llm(model=ROUND, usage=usage, calls=calls)
        for n, call in enumerate(calls):
            path = f"{turn - turn % 10 if n else turn}.txt"
            trace.tool("read_file", {"path": path}, path, result_size=400, call_id=call.id)
    return trace.end()


def sub_agents(count: int) -> list[Step]:
    """Agents of one name, as Traceloop puts them: beside their tools, calls below a sibling."""
    trace = TraceBuilder()
    trace.root.kind = "workflow"
    lead = trace.agent_step("lead")
    while len(trace.steps) < count:
        trace.llm(model=ROUND, parent_id=lead.span_id)
        tool = trace.tool("research", {"n": len(trace.steps)}, parent_id=lead.span_id)
        agent = trace.agent_step("researcher")
        task = trace.span()
        trace.llm(model=ROUND, parent_id=task.span_id, agent="researcher", words=(1, 2))
        tool.end_ns = agent.end_ns = START_NS + len(trace.steps) * 1_000_000
    lead.end_ns = START_NS + len(trace.steps) * 1_000_000
    return trace.end()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("make", [one_agent, sub_agents])
def test_five_times_the_steps_take_less_than_eight_times_as_long(
    make: Callable[[int], list[Step]],
) -> None:
    """20,000 steps and 100,000; with 20,000 sub-agents."""
    small, large = make(20_000), make(100_000)
    assert seconds(large) < 8 * seconds(small)


def seconds(steps: list[Step]) -> float:
    begun = time.process_time()
    assert round_compiler().compile(steps) is not None
    return time.process_time() - begun
