"""What two instrumentations put into two traces becomes one call, or one run, on one card.

It happens where nothing is above: when a library does not make its span the current one, each span
is the root of a trace of its own (``tests/fixtures/otlp``). Three shapes occur:

* LLM calls that are roots (Traceloop's ``openai.response``, all of Langfuse's);
* one LLM call that is a root, and another one below a plain root of the same library (Logfire,
  whose span of a stream ends before the stream does, and which tells of its end in a second one);
* agents or workflows that are roots (LangChain, OpenAI Agents).
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from clawtrace_otel.semconv.log_records import is_record
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.same_call import MAX_CONCURRENT, MAX_INSTRUMENTATIONS
from clawtrace_otel.tracecard.tree import time_order
from clawtrace_otel.tracecard.twins import is_same_run, is_twin, usage_keys

MAX_CALLS = 10_000

_RUNS = ("agent", "workflow")
_ROOTS = ("llm", "span", *_RUNS)


@dataclass(frozen=True, slots=True)
class Lone:
    """A call, or a run, that is a trace by itself.

    Attributes:
        around: the scope of the plain span that is around it and the root.
    """

    step: Step
    around: str = ""

    def evidence(self) -> list[Hashable]:
        """What it has in common with what may be the same: at least one of these."""
        step = self.step
        if step.kind in _RUNS:
            return [(step.service, step.agent.casefold())]
        return [*filter(None, [step.response_id]), *usage_keys(step)]

    def is_same(self, other: "Lone") -> bool:
        """Whether both are one; what a plain span is around, only with that span's own library."""
        if self.around not in ("", other.step.scope) or other.around not in ("", self.step.scope):
            return False
        if self.step.kind in _RUNS:
            return other.step.kind in _RUNS and is_same_run(self.step, other.step)
        return is_twin(self.step, other.step)


@dataclass(slots=True)
class _Trace:
    """Roots and LLM calls of a trace by span id, as many as matter."""

    roots: dict[str, Step] = field(default_factory=dict)
    calls: dict[str, Step] = field(default_factory=dict)
    lone: Lone | None = None

    def find(self) -> Lone | None:
        """The call or run that this is; of a trace with several roots none is."""
        if len(self.roots) != 1:
            return None
        root = next(iter(self.roots.values()))
        if root.kind != "span":
            return Lone(root)
        below = [call for call in self.calls.values() if call.parent_id == root.span_id]
        return Lone(below[0], root.scope) if len(below) == 1 else None


class LoneCalls:
    """Calls and runs that are traces by themselves. May be used by several threads.

    Args:
        limit: how many traces are remembered; the oldest are forgotten first.
    """

    def __init__(self, limit: int = MAX_CALLS) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._traces: OrderedDict[str, _Trace] = OrderedDict()
        # Of services without any model there are many; they must not drive out those with one.
        self._plain: OrderedDict[str, Step] = OrderedDict()
        self._by_key: dict[Hashable, deque[Lone]] = {}

    def add(self, step: Step) -> None:
        """Remember a step if it may be such a call or run."""
        if is_record(step) or step.kind not in (_ROOTS if not step.parent_id else ("llm",)):
            return
        with self._lock:
            if step.kind == "span" and step.trace_id not in self._traces:
                self._plain[step.trace_id] = step
                if len(self._plain) > self._limit:
                    self._plain.popitem(last=False)
            else:
                self._add(step)
            while len(self._traces) > self._limit:
                _, oldest = self._traces.popitem(last=False)
                self._forget(oldest.lone)

    def _add(self, step: Step) -> None:
        trace = self._traces.setdefault(step.trace_id, _Trace())
        plain = self._plain.pop(step.trace_id, None)
        if plain is not None:
            trace.roots[plain.span_id] = plain
        steps = trace.calls if step.parent_id else trace.roots
        if step.span_id in steps or len(steps) < MAX_INSTRUMENTATIONS:
            steps[step.span_id] = step
        self._forget(trace.lone)
        trace.lone = trace.find()
        if trace.lone is not None:
            for key in trace.lone.evidence():
                self._by_key.setdefault(key, deque(maxlen=MAX_CONCURRENT)).append(trace.lone)

    def traces(self, trace_id: str) -> list[str]:
        """The traces that show the call of this one, itself included; the first gets the card."""
        with self._lock:
            trace = self._traces.get(trace_id)
            if trace is None or trace.lone is None:
                return [trace_id]
            found = {trace_id: trace.lone}
            waiting = [trace.lone]
            while waiting:
                for twin in self.same(waiting.pop()):
                    if twin.step.trace_id not in found:
                        found[twin.step.trace_id] = twin
                        waiting.append(twin)
        steps = sorted((lone.step for lone in found.values()), key=time_order)
        if trace.lone.step.kind in _RUNS:
            steps = _of_one_run(steps, trace_id)
        return [step.trace_id for step in steps]

    def same(self, lone: Lone) -> Iterable[Lone]:
        """Those that are the same call or run."""
        near = (other for key in lone.evidence() for other in self._by_key.get(key, ()))
        return (other for other in near if lone.is_same(other))

    def _forget(self, lone: Lone | None) -> None:
        for key in lone.evidence() if lone is not None else ():
            left = [other for other in self._by_key.get(key, ()) if other is not lone]
            if left:
                self._by_key[key] = deque(left, maxlen=MAX_CONCURRENT)
            else:
                self._by_key.pop(key, None)


def _of_one_run(steps: list[Step], trace_id: str) -> list[Step]:
    """Of runs that began and ended together, the first that each library saw are one, and so on."""
    rank: dict[str, int] = {}
    ranked = []
    for step in steps:
        rank[step.scope] = rank.get(step.scope, -1) + 1
        ranked.append((rank[step.scope], step))
    mine = next(n for n, step in ranked if step.trace_id == trace_id)
    return [step for n, step in ranked if n == mine]
