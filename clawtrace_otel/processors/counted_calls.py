"""Which calls already have their cost on a span, while spans are still coming in.

The card decides this with the whole trace in hand (:mod:`clawtrace_otel.tracecard.same_call`). A
span has to be sent on at once, so here the first span of a call that comes in gets the cost: with
nested instrumentations the innermost, because inner spans end first.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.lone_calls import MAX_CALLS, Lone
from clawtrace_otel.tracecard.same_call import MAX_CONCURRENT
from clawtrace_otel.tracecard.twins import began_after, usage_keys, used_alike


@dataclass(slots=True, eq=False)
class _Call:
    """A call and the spans that showed it so far."""

    spans: list[Lone] = field(default_factory=list)

    def has_scope(self, step: Step) -> bool:
        """Whether the library that made a span made one of these already."""
        return any(span.step.scope == step.scope for span in self.spans)

    def is_shown_by(self, lone: Lone) -> bool:
        """Whether a span, neither inside nor around these, shows the call once more."""
        return not self.has_scope(lone.step) and any(lone.is_same(span) for span in self.spans)

    def began_in(self, outer: Step) -> bool:
        """Whether it began before an outer span ended, which some libraries leave the current."""
        return any(not began_after(span.step, outer) for span in self.spans)

    def has_usage(self) -> bool:
        """Whether any of the spans says what was used."""
        return any(span.step.usage is not None for span in self.spans)


class CallIndex:
    """Calls by what the spans of one have in common. The oldest are forgotten first."""

    def __init__(self, limit: int = MAX_CALLS) -> None:
        self._limit = limit
        self._calls: OrderedDict[Hashable, deque[_Call]] = OrderedDict()

    def find(self, lone: Lone, keys: list[Hashable]) -> _Call | None:
        """The call that a span shows, if it is known."""
        near = (call for key in keys for call in self._calls.get(key, ()))
        return next((call for call in near if call.is_shown_by(lone)), None)

    def add(self, call: _Call, keys: list[Hashable]) -> None:
        """Remember a call by what one of its spans says."""
        for key in keys:
            calls = self._calls.setdefault(key, deque(maxlen=MAX_CONCURRENT))
            if call not in calls:
                calls.append(call)
            self._calls.move_to_end(key)
        while len(self._calls) > self._limit:
            self._calls.popitem(last=False)


class CountedCalls:
    """The LLM calls of one trace that were counted so far.

    Args:
        everywhere: those of all traces, where two libraries put one call into two.
    """

    def __init__(self, everywhere: CallIndex | None = None) -> None:
        self._everywhere = CallIndex() if everywhere is None else everywhere
        self._here = CallIndex()
        self._calls: dict[str, _Call] = {}
        self._inside: dict[str, list[_Call]] = {}
        self._plain_root: Step | None = None

    def is_new(self, step: Step) -> bool:
        """Whether an LLM span is the first that shows its call; it is counted from then on."""
        lone = Lone(step, self._around(step))
        call = self._inner(step) or self._outer(step) or self._beside(lone)
        is_new = call is None
        if call is None:
            call = _Call()
        if is_new or not call.has_scope(step):
            call.spans.append(lone)
            for index, keys in self._places(lone):
                index.add(call, keys)
        self._calls[step.span_id] = call
        if step.parent_id:
            self._inside.setdefault(step.parent_id, []).append(call)
        return is_new

    def is_counted_elsewhere(self, step: Step) -> bool:
        """Whether the call of a span was counted in another trace."""
        call = self._calls.get(step.span_id)
        return call is not None and call.spans[0].step.trace_id != step.trace_id

    def pass_on(self, step: Step) -> None:
        """Let a span that is no step stand between an inner and an outer LLM span."""
        if step.kind != "span":
            return
        if step.span_id in self._inside:
            self._inside.setdefault(step.parent_id, []).extend(self._inside[step.span_id])
        if not step.parent_id:
            self._plain_root = step

    def _around(self, step: Step) -> str:
        root = self._plain_root
        return root.scope if root is not None and root.span_id == step.parent_id else ""

    def _inner(self, step: Step) -> _Call | None:
        """A call inside of this span; one that told no usage does not stand for one that does.

        What began when the span was over is only looked at if nothing else is inside.
        """
        inside = self._inside.get(step.span_id, ())
        during = [call for call in inside if call.began_in(step)] or inside
        return next((call for call in during if call.has_usage() or step.usage is None), None)

    def _outer(self, step: Step) -> _Call | None:
        """The call of the span around this one, which came in first."""
        call = self._calls.get(step.parent_id)
        if call is None or call.has_scope(step):
            return None
        is_same = step.usage is None or any(used_alike(step, span.step) for span in call.spans)
        return call if is_same else None

    def _beside(self, lone: Lone) -> _Call | None:
        found = (index.find(lone, keys) for index, keys in self._places(lone))
        return next((call for call in found if call is not None), None)

    def _places(self, lone: Lone) -> Iterator[tuple[CallIndex, list[Hashable]]]:
        """Where the call of a span is looked for, and by what.

        In other traces by its response id; else, if something is above it, by its output as well.
        """
        step = lone.step
        known: list[Hashable] = [step.response_id] if step.response_id else []
        used = usage_keys(step)
        above = step.parent_id if step.usage is None else ""
        yield self._here, [*known, *((above, key) for key in used)]
        if step.output_hash and step.usage is not None:
            known += [(step.output_hash, key) for key in used]
        is_lone = not step.parent_id or lone.around
        yield self._everywhere, [*known, *(used if is_lone else ())]
