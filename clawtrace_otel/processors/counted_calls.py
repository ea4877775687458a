"""Which calls of a trace already have their cost on a span, while spans are still coming in.

The card decides this with the whole trace in hand (:mod:`clawtrace_otel.tracecard.same_call`). A
span has to be sent on at once, so here the first span of a call that comes in gets the cost: with
nested instrumentations the innermost, because inner spans end first.
"""

from dataclasses import dataclass, field

from clawtrace_otel.semconv.step import Step, Usage


@dataclass(slots=True)
class CountedCalls:
    """The LLM calls of one trace that were counted so far."""

    _by_id: dict[str, Step] = field(default_factory=dict)
    _above: set[str] = field(default_factory=set)
    _by_response: dict[str, Step] = field(default_factory=dict)

    def is_new(self, step: Step) -> bool:
        """Whether an LLM span is the first that shows its call; it is counted from then on."""
        seen = (
            step.span_id in self._above
            or self._is_inside_its_twin(step)
            or self._is_sibling_of_its_twin(step)
        )
        if not seen and step.usage is not None:
            self._by_id[step.span_id] = step
            self._above.add(step.parent_id)
            if step.response_id:
                self._by_response.setdefault(step.response_id, step)
        elif seen:
            self._above.add(step.parent_id)
        return not seen

    def pass_on(self, step: Step) -> None:
        """Let a span that is no step stand between an inner and an outer LLM span."""
        if step.kind == "span" and step.span_id in self._above:
            self._above.add(step.parent_id)

    def _is_inside_its_twin(self, step: Step) -> bool:
        outer = self._by_id.get(step.parent_id)
        return (
            outer is not None
            and outer.scope != step.scope
            and (step.usage is None or _sums(outer.usage) == _sums(step.usage))
        )

    def _is_sibling_of_its_twin(self, step: Step) -> bool:
        other = self._by_response.get(step.response_id) if step.response_id else None
        return (
            other is not None
            and other.scope != step.scope
            and other.start_ns <= step.end_ns
            and step.start_ns <= other.end_ns
        )


def _sums(usage: Usage | None) -> tuple[int, int] | None:
    """What all instrumentations of a call agree in; some leave out cached or reasoning tokens."""
    return (usage.input, usage.output) if usage else None
