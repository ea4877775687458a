"""One LLM call that two instrumentations put into two traces becomes one call on one card.

It happens outside of any agent span, when a library does not make its span the current one: then
each span is the root of a trace of its own (seen with Traceloop's ``openai.response`` and with
``anthropic.messages.stream`` beside the SDK's own span; see ``tests/fixtures/otlp``).
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable

from clawtrace_otel.semconv.log_records import is_record
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.same_call import MAX_CONCURRENT, is_twin, usage_key
from clawtrace_otel.tracecard.tree import time_order

MAX_CALLS = 10_000


class LoneCalls:
    """LLM calls that are roots of their traces. May be used by several threads.

    Args:
        limit: how many are remembered; the oldest are forgotten first.
    """

    def __init__(self, limit: int = MAX_CALLS) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._calls: OrderedDict[str, Step | None] = OrderedDict()
        self._by_key: dict[Hashable, deque[Step]] = {}

    def add(self, step: Step) -> None:
        """Remember a step if it is such a call. Of a trace with several roots none is."""
        if step.kind != "llm" or step.parent_id or is_record(step):
            return
        with self._lock:
            known = self._calls.get(step.trace_id, step)
            if known is not None:
                self._forget(known)
            is_only = known is not None and known.span_id == step.span_id
            self._calls[step.trace_id] = step if is_only else None
            if is_only:
                for key in _keys(step):
                    self._by_key.setdefault(key, deque(maxlen=MAX_CONCURRENT)).append(step)
            while len(self._calls) > self._limit:
                _, oldest = self._calls.popitem(last=False)
                if oldest is not None:
                    self._forget(oldest)

    def traces(self, trace_id: str) -> list[str]:
        """The traces that show the call of this one, itself included; the first gets the card."""
        with self._lock:
            step = self._calls.get(trace_id)
            if step is None:
                return [trace_id]
            found = {trace_id: step}
            waiting = [step]
            while waiting:
                for twin in self._twins(waiting.pop()):
                    if twin.trace_id not in found:
                        found[twin.trace_id] = twin
                        waiting.append(twin)
        return [twin.trace_id for twin in sorted(found.values(), key=time_order)]

    def _twins(self, step: Step) -> Iterable[Step]:
        near = (other for key in _keys(step) for other in self._by_key.get(key, ()))
        return (other for other in near if is_twin(step, other))

    def _forget(self, step: Step) -> None:
        for key in _keys(step):
            left = [s for s in self._by_key.get(key, ()) if s.trace_id != step.trace_id]
            if left:
                self._by_key[key] = deque(left, maxlen=MAX_CONCURRENT)
            else:
                self._by_key.pop(key, None)


def _keys(step: Step) -> list[Hashable]:
    key = usage_key(step)
    return [step.response_id, key] if step.response_id else [key]
