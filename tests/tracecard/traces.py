"""Steps for tests, made by hand or drawn by hypothesis. Times and ids are fixed."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from clawtrace_otel.semconv.canonical import digest
from clawtrace_otel.semconv.messages import make_call
from clawtrace_otel.semconv.step import Call, Step, Usage

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
START_NS = 1_793_613_600_000_000_000  # 2026-11-02T10:00:00Z


@dataclass
class TraceBuilder:
    """Puts one step behind another, a millisecond apart, under one agent span."""

    steps: list[Step] = field(default_factory=list)
    agent: str = "planner"

    def __post_init__(self) -> None:
        self.root = self._add(kind="agent", agent=self.agent, name=f"invoke_agent {self.agent}")

    def llm(self, **fields: Any) -> Step:
        """An LLM call of gpt-5.4 with 1,000 input and 10 output tokens."""
        defaults = {
            "model": "gpt-5.4",
            "provider": "openai",
            "usage": Usage(fresh=1000, output=10),
            "does": "tool_call",
        }
        return self._child("llm", {**defaults, **fields})

    def tool(
        self, name: str, arguments: object = None, result: str | None = "done", **fields: Any
    ) -> Step:
        """A tool call; arguments and result are made comparable as the normaliser does."""
        call = make_call("", name, arguments)
        if result is not None:
            fields = {"result_hash": digest(result), "result_size": len(result), **fields}
        return self._child(
            "tool", {"tool": name, "args": call.args, "args_hash": call.args_hash, **fields}
        )

    def agent_step(self, name: str, **fields: Any) -> Step:
        """A sub-agent."""
        return self._child("agent", {"agent": name, **fields})

    def span(self, **fields: Any) -> Step:
        """A span that is no step."""
        return self._child("span", fields)

    def end(self) -> list[Step]:
        """All steps, the root ended last."""
        self.root.end_ns = START_NS + (len(self.steps) + 1) * 1_000_000
        return self.steps

    def _child(self, kind: str, fields: dict[str, Any]) -> Step:
        return self._add(kind=kind, **{"parent_id": self.root.span_id, **fields})

    def _add(self, **fields: Any) -> Step:
        n = len(self.steps)
        start = START_NS + n * 1_000_000
        defaults = {
            "trace_id": TRACE_ID,
            "span_id": f"{n + 1:016x}",
            "service": "test",
            "scope": "test",
            "start_ns": start,
            "end_ns": start + 500_000,
        }
        step = Step(**{**defaults, **fields})
        self.steps.append(step)
        return step


TEXT = st.text(st.characters(codec="utf-8"), max_size=300)
TOKENS = st.integers(0, 10**7)
MODELS = st.sampled_from(["gpt-5.4", "claude-sonnet-4-5", "gemini-2.5-pro", "nobody-knows-this"])
USAGES = st.none() | st.builds(
    Usage,
    fresh=TOKENS,
    cache_read=TOKENS,
    cache_write_5m=TOKENS,
    cache_write_1h=TOKENS,
    output=TOKENS,
)


CALL_IDS = st.sampled_from(["c1", "c2", "c3"])


@st.composite
def traces(draw: st.DrawFn, max_steps: int = 30) -> list[Step]:
    """A trace of any shape: any parents, missing ones and cycles included, any times and texts."""
    count = draw(st.integers(1, max_steps))
    ids = [f"{n + 1:016x}" for n in range(count)]
    return [draw(_steps(span_id, ids)) for span_id in ids]


@st.composite
def _steps(draw: st.DrawFn, span_id: str, ids: list[str]) -> Step:
    kind = draw(st.sampled_from(["llm", "llm", "tool", "tool", "agent", "workflow", "span"]))
    start = START_NS + draw(st.integers(0, 50)) * 1_000_000
    fields: dict[str, Any] = {
        "trace_id": TRACE_ID,
        "span_id": span_id,
        "parent_id": draw(st.sampled_from(["", *ids, "f" * 16])),
        "kind": kind,
        "name": draw(TEXT),
        "service": draw(st.sampled_from(["", "a", "b"])),
        "scope": draw(st.sampled_from(["one", "two", "three"])),
        "start_ns": start,
        "end_ns": start + draw(st.integers(-5, 50)) * 1_000_000,
        "error": draw(st.none() | TEXT),
        "session": draw(st.just("") | TEXT),
        "agent": draw(st.sampled_from(["", "planner", "researcher"])),
        "words": draw(st.sampled_from([(), (1, 2), (2, 3), tuple(range(64))])),
        "links": draw(st.just(()) | st.tuples(st.tuples(st.just(TRACE_ID), st.sampled_from(ids)))),
    }
    if kind in ("llm", "agent", "workflow"):
        fields["usage"] = draw(USAGES)
        fields["model"] = draw(MODELS)
        fields["supplied"] = draw(st.none() | st.integers(1, 10**13))
        fields["response_id"] = draw(st.sampled_from(["", "r1", "r2"]))
        fields["request_hash"] = draw(st.sampled_from(["", "h1", "h2"]))
        fields["output_hash"] = draw(st.sampled_from(["", "o1", "o2"]))
        fields["does"] = draw(st.sampled_from(["tool_call", "plan_then_tool", "final_reply"]))
        fields["calls"] = tuple(Call(id=n, tool="read") for n in draw(st.sets(CALL_IDS)))
        fields["compacted"] = draw(st.booleans())
    if kind == "agent":
        fields["unrecorded"] = draw(st.booleans())
    if kind == "tool":
        call = make_call("", "", draw(st.sampled_from(["", '{"a": 1}', '{"a": 2}']) | TEXT))
        fields["tool"] = draw(st.sampled_from(["read", "write"]) | TEXT)
        fields["args"], fields["args_hash"] = call.args, call.args_hash
        fields["result_hash"] = draw(st.sampled_from(["", "x", "y"]))
        fields["result_size"] = draw(st.sampled_from([0, 5, 10**3, 10**7]))
        fields["call_id"] = draw(st.just("") | CALL_IDS)
        fields["read_only"] = draw(st.sampled_from([None, True, False]))
    return Step(**fields)
