"""Agents that run, token by token: what every result costs is counted, not concluded.

A prompt is a list with the owner of each token: the span id of the tool whose result it is, or "".
"""

import itertools
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from hypothesis import strategies as st

from clawtrace_otel.pricing.rates import Rates
from clawtrace_otel.semconv.canonical import digest
from clawtrace_otel.semconv.step import Call, Step, Usage
from tests.tracecard.prices import PLAIN, ROUND, round_compiler
from tests.tracecard.traces import START_NS, TraceBuilder

ZONES = ("cache_read", "cache_write_1h", "cache_write_5m", "fresh")
MAX_DEPTH = 4
MAX_STEPS = 60


@dataclass
class Loops:
    """A run.

    Attributes:
        depth: of sub-agents below one another, at most.
        carry: tool's span id -> what its result cost in all prompts, in 1e-24 USD.
        held: LLM call's span id -> tool's span id -> tokens of its result in that prompt.
    """

    r: random.Random
    depth: int = MAX_DEPTH
    trace: TraceBuilder = field(default_factory=TraceBuilder)
    carry: Counter[str] = field(default_factory=Counter)
    held: dict[str, dict[str, Usage]] = field(default_factory=dict)

    def run(self, agent: Step, depth: int = 0) -> None:
        """Let an agent take some turns and its tools run agents in their turn."""
        r = self.r
        model = r.choice([ROUND, PLAIN])
        prompt = [""] * r.randint(10, 300)
        for turn in range(r.randint(0, 5)):
            asked = [
                (f"{agent.span_id}-{turn}-{n}", r.randint(0, 3)) for n in range(r.randint(1, 3))
            ]
            prompt += self._call(agent, model, prompt, asked)
            results = [self._tool(agent, call_id, name, depth) for call_id, name in asked]
            for tool in results:
                prompt += [tool.span_id] * (tool.result_size // 4)
            if len(self.trace.steps) > MAX_STEPS:
                break
        self._call(agent, model, prompt, [])
        agent.end_ns = START_NS + len(self.trace.steps) * 1_000_000

    def _call(
        self, agent: Step, model: str, prompt: list[str], asked: list[tuple[str, int]]
    ) -> list[str]:
        r = self.r
        cuts = [0, *sorted(r.choice([0, r.randint(0, len(prompt))]) for _ in range(3)), len(prompt)]
        sizes = dict(zip(ZONES, (b - a for a, b in itertools.pairwise(cuts)), strict=True))
        reasoning = r.choice([0, r.randint(0, 30)])
        usage = Usage(output=r.randint(0, 40) + reasoning, reasoning=reasoning, **sizes)
        calls = tuple(Call(id=call_id, tool="read_file") for call_id, _ in asked)
        step = self.trace.llm(
            parent_id=agent.span_id,
            model=model,
            usage=usage,
            calls=calls,
            does=r.choice(["tool_call", "tool_call", "plan_then_tool"]) if asked else "final_reply",
        )
        rates, start = rates_of(model), 0
        held: dict[str, Counter[str]] = {}
        for zone in ZONES:
            for owner in prompt[start : start + sizes[zone]]:
                held.setdefault(owner, Counter())[zone] += 1
                self.carry[owner] += getattr(rates, zone)
            start += sizes[zone]
        self.held[step.span_id] = {owner: Usage(**zones) for owner, zones in held.items()}
        return [""] * (usage.output - usage.reasoning)

    def _tool(self, agent: Step, call_id: str, name: int, depth: int) -> Step:
        r = self.r
        text = str(r.randint(0, 1))
        tool = self.trace.tool(
            "read_file",
            {"path": f"{name}.txt"},
            text,
            parent_id=agent.span_id,
            call_id=call_id,
            result_hash=digest(text),
            result_size=4 * r.randint(1, 60),
        )
        if depth < self.depth and r.random() < 0.2 and len(self.trace.steps) < MAX_STEPS:
            below = self.trace.agent_step(f"agent_{r.randint(0, 2)}", parent_id=tool.span_id)
            self.run(below, depth + 1)
            tool.end_ns = below.end_ns
        return tool

    def without(self, owner: str) -> list[Step]:
        """The same steps, the tokens of one result taken out of every prompt."""
        return [self._without(step, owner) for step in self.trace.steps]

    def _without(self, step: Step, owner: str) -> Step:
        taken = self.held.get(step.span_id, {}).get(owner)
        if taken is None or step.usage is None:
            return step
        left = {zone: getattr(step.usage, zone) - getattr(taken, zone) for zone in ZONES}
        return msgspec.structs.replace(step, usage=msgspec.structs.replace(step.usage, **left))


def rates_of(model: str) -> Rates:
    """The rates of a model."""
    card = round_compiler().pricer.find_card("", (model,), datetime(2026, 11, 2, tzinfo=UTC), "")
    assert card is not None
    return card.base


@st.composite
def agent_loops(draw: st.DrawFn, depth: int = MAX_DEPTH) -> Loops:
    """A run of an agent whose tools may run agents, to four below one another."""
    loops = Loops(draw(st.randoms(use_true_random=False)), depth)
    loops.run(loops.trace.root)
    return loops
