"""The attributes that a span gets when it comes in: cost, repeat, and on the root the sums."""

from collections import OrderedDict
from dataclasses import dataclass, field

from clawtrace_otel.money import PER_USD
from clawtrace_otel.otlp.values import Scalar
from clawtrace_otel.processors.cost import SAME_CALL, cost_attributes
from clawtrace_otel.processors.counted_calls import CallIndex, CountedCalls
from clawtrace_otel.processors.known_waste import cost_of_asking, is_certain
from clawtrace_otel.processors.redundancy import Finding, RedundancyIndex, Repeat
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.settings import Content
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.tree import prefers

Attributes = dict[str, Scalar]

MAX_STEPS = 15_000
"""Steps of all traces together that are kept at hand."""

MAX_SUMMED_STEPS = 10_000
"""Steps of a trace whose root gets sums: a span must not wait for seconds. The card has them."""


@dataclass(slots=True)
class TraceState:
    """What is known of a trace while it runs.

    Attributes:
        asked: id of a tool call -> the LLM call that asked for it.
        place: part and number of the last delivery in the journal that this takes account of.
        summed: a root has ended and got the sums. Some traces have many roots.
    """

    index: RedundancyIndex
    counted: CountedCalls
    steps: dict[str, Step] = field(default_factory=dict)
    asked: dict[str, Step] = field(default_factory=dict)
    place: tuple[int, int] = (1, 0)
    summed: bool = False


class Enricher:
    """Says which attributes to add to a span, knowing the spans that came in before.

    Not thread-safe: one thread owns it.

    Args:
        compiler: prices calls, and knows the tools.
        max_steps: bound on what is kept; traces that were quiet the longest are forgotten first.
        only_known: say no attributes, only whether a span was known: nothing is sent on.
    """

    def __init__(
        self, compiler: Compiler, max_steps: int = MAX_STEPS, *, only_known: bool = False
    ) -> None:
        self._compiler = compiler
        self._only_known = only_known
        self._max_steps = max_steps
        self._kept = 0
        self._calls = CallIndex()
        self._states: OrderedDict[str, TraceState] = OrderedDict()

    @property
    def content(self) -> Content:
        """The policy that steps are to be read by."""
        return self._compiler.content

    def place(self, trace_id: str) -> tuple[int, int] | None:
        """Part and number of the delivery up to which a trace is at hand."""
        state = self._states.get(trace_id)
        return state.place if state else None

    def at(self, trace_id: str, part: int, number: int) -> None:
        """The trace is at hand up to a delivery."""
        self._state(trace_id).place = (part, number)

    def moved(self, trace_id: str, part: int, number: int) -> None:
        """A delivery, whose spans are known, was numbered.

        What others delivered in between is not known, nor is a new part.
        """
        state = self._states.get(trace_id)
        if state is None:
            return
        if state.place[0] != part:
            self.forget(trace_id)
        elif state.place[1] + 1 == number:
            state.place = (part, number)

    def forget(self, trace_id: str) -> None:
        """Drop a trace."""
        state = self._states.pop(trace_id, None)
        self._kept -= len(state.steps) if state else 0

    def clear(self) -> None:
        """Drop all traces."""
        self._states.clear()
        self._kept = 0

    def enrich(self, step: Step) -> Attributes | None:
        """The attributes to add to a span; ``None`` if it brings nothing that was not known."""
        state = self._state(step.trace_id)
        known = state.steps.get(step.span_id)
        if known is not None and not prefers(step, known):
            return None
        self._kept += known is None
        state.steps[step.span_id] = step
        attributes = {} if self._only_known else self._found_out(state, step)
        self._evict(step.trace_id)
        return attributes

    def _found_out(self, state: TraceState, step: Step) -> Attributes:
        attributes = self._attributes(state, step)
        if not step.parent_id and step.end_ns and not state.summed:
            state.summed = True
            if not state.counted.is_counted_elsewhere(step):
                attributes |= self._sums(state)
        return attributes

    def _attributes(self, state: TraceState, step: Step) -> Attributes:
        if step.kind == "llm":
            if not state.counted.is_new(step):
                return {a.CLAWTRACE_COST_UNPRICED_REASON: SAME_CALL}
            price = self._compiler.pricer.price(step)
            state.asked.update((call.id, step) for call in step.calls if call.id)
            finding = state.index.observe(step, step.parent_id)
            waste = price.cost if is_certain(finding) else None
            return cost_attributes(price) | _finding_attributes(finding) | _waste_attributes(waste)
        if step.kind == "tool":
            finding = state.index.observe(step, step.parent_id)
            turn = state.asked.get(step.call_id)
            waste = self._asking(turn) if turn and is_certain(finding) else None
            return _finding_attributes(finding) | _waste_attributes(waste)
        if step.kind == "span" and step.read_only is False:
            state.index.disturb()
        state.counted.pass_on(step)
        return {}

    def _asking(self, turn: Step) -> int | None:
        return cost_of_asking(turn, self._compiler.pricer.price(turn))

    def _sums(self, state: TraceState) -> Attributes:
        if len(state.steps) > MAX_SUMMED_STEPS:
            return {}
        card = self._compiler.compile(state.steps.values())
        if card is None:
            return {}
        sums: Attributes = {
            a.CLAWTRACE_TRACE_LLM_CALLS: card["total"]["llm_calls"],
            a.CLAWTRACE_TRACE_TOOL_CALLS: card["total"]["tool_calls"],
        }
        cost, waste = card["total"]["cost_usd"], card["total"].get("waste_usd")
        if cost is not None:
            sums[a.CLAWTRACE_TRACE_COST_USD] = cost
        if waste is not None:
            sums[a.CLAWTRACE_TRACE_WASTE_USD] = waste[0]
        return sums

    def _state(self, trace_id: str) -> TraceState:
        state = self._states.get(trace_id)
        if state is None:
            state = self._states[trace_id] = TraceState(
                self._compiler.new_index(), CountedCalls(self._calls)
            )
        self._states.move_to_end(trace_id)
        return state

    def _evict(self, current: str) -> None:
        while self._kept > self._max_steps and len(self._states) > 1:
            oldest = next(iter(self._states))
            if oldest == current:
                return
            self.forget(oldest)


def _waste_attributes(waste: int | None) -> Attributes:
    return {} if waste is None else {a.CLAWTRACE_WASTE_USD: waste / PER_USD}


def _finding_attributes(finding: Finding | None) -> Attributes:
    if finding is None:
        return {}
    if isinstance(finding, Repeat):
        return {
            a.CLAWTRACE_REPEAT_OF: finding.of,
            a.CLAWTRACE_REPEAT_KIND: finding.kind,
            a.CLAWTRACE_REPEAT_VERDICT: finding.verdict,
            a.CLAWTRACE_REPEAT_COUNT: finding.count,
        }
    return {a.CLAWTRACE_RETRY_OF: finding.of}
