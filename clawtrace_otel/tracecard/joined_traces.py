"""Traces that are one run, and so have one card.

Either two instrumentations put one call into two traces (:class:`LoneCalls`), or an agent that
another one called has a trace of its own: behind a queue, with a span link to its caller, or in
another service, with the caller's conversation id and within the time of the call.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.adoption import CALLER_KINDS, MAX_LEVELS, ROOT_KINDS, is_caller
from clawtrace_otel.tracecard.lone_calls import MAX_CALLS, LoneCalls
from clawtrace_otel.tracecard.tree import prefers, time_order

T = TypeVar("T")

MAX_OF_SESSION = 64
"""Calls and roots of one conversation that are compared with those that come in."""


@dataclass(slots=True)
class _Session:
    """What came in last of a conversation: calls by span id, and roots by trace id."""

    calls: OrderedDict[str, Step] = field(default_factory=OrderedDict)
    roots: OrderedDict[str, Step] = field(default_factory=OrderedDict)


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
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._linked: dict[str, set[str]] = {}
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._callers: dict[str, Step] = {}
        self._called: dict[str, set[str]] = {}

    def add(self, step: Step) -> None:
        """Remember what may join the step's trace to another."""
        self._lone_calls.add(step)
        with self._lock:
            _put(self._seen, step.trace_id, None, self._limit)
            if not step.parent_id:
                self._add_root(step)
            elif step.session and step.kind in CALLER_KINDS:
                self._add_call(step)

    def knows(self, trace_id: str) -> bool:
        """Whether any step of a trace was remembered."""
        return trace_id in self._seen

    def has_ended(self, trace_id: str) -> bool:
        """Whether the root of a trace was remembered, and has ended."""
        root = self._roots.get(trace_id)
        return root is not None and root.end_ns > 0

    def links(self, trace_id: str) -> set[str]:
        """The traces that the root of a trace links to."""
        with self._lock:
            root = self._roots.get(trace_id)
            return _links(root) if root is not None else set()

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
        if known is not None and not _is_root_rather(step, known):
            return
        for linked in _links(known) if known is not None else ():
            _discard(self._linked, linked, step.trace_id)
        self._roots[step.trace_id] = step
        for linked in _links(step):
            self._linked.setdefault(linked, set()).add(step.trace_id)
        if step.session and step.kind in ROOT_KINDS:
            session = self._session(step)
            _put(session.roots, step.trace_id, step, MAX_OF_SESSION)
            for call in session.calls.values():
                self._meet(call, step)
        while len(self._roots) > self._limit:
            self._forget(*self._roots.popitem(last=False))

    def _add_call(self, step: Step) -> None:
        session = self._session(step)
        known = session.calls.get(step.span_id)
        if known is not None and not prefers(step, known):
            return
        _put(session.calls, step.span_id, step, MAX_OF_SESSION)
        for root in session.roots.values():
            self._meet(step, root)

    def _session(self, step: Step) -> _Session:
        session = self._sessions.get(step.session) or _Session()
        _put(self._sessions, step.session, session, self._limit)
        return session

    def _meet(self, call: Step, root: Step) -> None:
        """Remember the call that waits for an agent; of several the one that began last."""
        known = self._callers.get(root.trace_id)
        if is_caller(call, root):
            if known is None or time_order(call) >= time_order(known):
                self._set_caller(root.trace_id, call)
        elif known is not None and known.span_id == call.span_id:
            # It was known while it was open; it ended before the agent did.
            self._set_caller(root.trace_id, None)

    def _set_caller(self, trace_id: str, call: Step | None) -> None:
        known = self._callers.pop(trace_id, None)
        if known is not None:
            _discard(self._called, known.trace_id, trace_id)
        if call is not None:
            self._callers[trace_id] = call
            self._called.setdefault(call.trace_id, set()).add(trace_id)

    def _forget(self, trace_id: str, root: Step) -> None:
        self._set_caller(trace_id, None)
        for linked in _links(root):
            _discard(self._linked, linked, trace_id)

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
        above = next(iter(linked), "")
        if len(linked) == 1 and above in self._seen:
            caller = self._roots.get(above)
            # Turns of a conversation link to one another, too; they follow, and are no sub-agents.
            is_over = caller is not None and 0 < caller.end_ns < root.start_ns
            return None if is_over else above
        call = self._callers.get(trace_id)
        return call.trace_id if call is not None and is_caller(call, root) else None

    def _below(self, trace_id: str) -> list[str]:
        near = self._called.get(trace_id, set()) | self._linked.get(trace_id, set())
        below = [other for other in near if self._above(other) == trace_id]
        return sorted(below, key=lambda other: time_order(self._roots[other]))


def _is_root_rather(step: Step, known: Step) -> bool:
    """Whether a root takes the place of the one that is known of its trace."""
    if step.span_id == known.span_id:
        return prefers(step, known)
    return time_order(step) < time_order(known)


def _put(recent: OrderedDict[str, T], key: str, value: T, limit: int) -> None:
    recent[key] = value
    recent.move_to_end(key)
    if len(recent) > limit:
        recent.popitem(last=False)


def _discard(sets: dict[str, set[str]], key: str, value: str) -> None:
    """Take a value out of one of several sets, and the set away when it is empty."""
    found = sets.get(key)
    if found is not None:
        found.discard(value)
        if not found:
            del sets[key]


def _links(step: Step) -> set[str]:
    return {trace_id for trace_id, _ in step.links} - {step.trace_id, ""}
