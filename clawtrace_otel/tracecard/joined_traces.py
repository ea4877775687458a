"""Traces that are one run, and so have one card.

Either two instrumentations put one call into two traces (:class:`LoneCalls`), or an agent that
another one called has a trace of its own: behind a queue, with a span link to its caller, or in
another service, with the caller's conversation id and within the time of the call.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterator

from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.adoption import MAX_LEVELS, is_caller
from clawtrace_otel.tracecard.lone_calls import MAX_CALLS, LoneCalls
from clawtrace_otel.tracecard.tree import time_order

MAX_OF_SESSION = 64
"""Calls and roots of one conversation that are remembered."""


class JoinedTraces:
    """Finds traces that belong together. May be used by several threads.

    Args:
        limit: how many traces are remembered; the oldest are forgotten first.
    """

    def __init__(self, limit: int = MAX_CALLS) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._lone_calls = LoneCalls(limit)
        self._roots: OrderedDict[str, Step] = OrderedDict()
        self._linked: dict[str, set[str]] = {}
        self._sessions: OrderedDict[str, deque[Step]] = OrderedDict()

    def add(self, step: Step) -> None:
        """Remember what may join the step's trace to another."""
        self._lone_calls.add(step)
        with self._lock:
            if not step.parent_id:
                self._add_root(step)
            if step.session and step.kind in ("tool", "agent", "workflow"):
                self._add_to_session(step)

    def traces(self, trace_id: str) -> list[str]:
        """The traces that are one run with this one, itself included; the first gets the card."""
        with self._lock:
            top = trace_id
            for above in self._climb(trace_id):
                top = above
            found = {top: None}
            waiting = [top]
            while waiting:
                for below in self._below(waiting.pop()):
                    if below not in found:
                        found[below] = None
                        waiting.append(below)
        return list(found) if len(found) > 1 else self._lone_calls.traces(trace_id)

    def _add_root(self, step: Step) -> None:
        known = self._roots.get(step.trace_id)
        if known is None or time_order(step) < time_order(known) or step.span_id == known.span_id:
            self._roots[step.trace_id] = step
            for linked in _links(step):
                self._linked.setdefault(linked, set()).add(step.trace_id)
        while len(self._roots) > self._limit:
            trace_id, oldest = self._roots.popitem(last=False)
            for linked in _links(oldest):
                self._linked.get(linked, set()).discard(trace_id)
            self._linked.pop(trace_id, None)

    def _add_to_session(self, step: Step) -> None:
        steps = self._sessions.setdefault(step.session, deque(maxlen=MAX_OF_SESSION))
        steps.append(step)
        self._sessions.move_to_end(step.session)
        if len(self._sessions) > self._limit:
            self._sessions.popitem(last=False)

    def _climb(self, trace_id: str) -> Iterator[str]:
        """The traces above, from the nearest on."""
        seen = {trace_id}
        for _ in range(MAX_LEVELS):
            above = self._above(trace_id)
            if above is None or above in seen:
                return
            seen.add(above)
            yield above
            trace_id = above

    def _above(self, trace_id: str) -> str | None:
        root = self._roots.get(trace_id)
        if root is None:
            return None
        linked = _links(root)
        if len(linked) == 1:
            above = next(iter(linked))
            caller = self._roots.get(above)
            # Turns of a conversation link to one another, too; they follow, and are no sub-agents.
            is_over = caller is not None and 0 < caller.end_ns < root.start_ns
            return None if is_over else above
        callers = (step for step in self._sessions.get(root.session, ()) if step.parent_id)
        return next((step.trace_id for step in callers if is_caller(step, root)), None)

    def _below(self, trace_id: str) -> list[str]:
        root = self._roots.get(trace_id)
        of_session = self._sessions.get(root.session, ()) if root is not None else ()
        near = {step.trace_id for step in of_session} | self._linked.get(trace_id, set())
        below = [other for other in near if self._above(other) == trace_id]
        return sorted(below, key=lambda other: time_order(self._roots[other]))


def _links(step: Step) -> set[str]:
    return {trace_id for trace_id, _ in step.links} - {step.trace_id, ""}
