"""One LLM call that two instrumentations put into two traces becomes one call on one card.

It happens outside of any agent span, when a library does not make its span the current one: then
each span is the root of a trace of its own (seen with Traceloop's ``openai.response`` and with
``anthropic.messages.stream`` beside the SDK's own span; see ``tests/fixtures/otlp``). They are told
by the same response id, different scopes and overlapping times.
"""

import threading
from collections import OrderedDict

from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.tree import time_order

MAX_CALLS = 10_000


class LoneCalls:
    """LLM calls that are roots of their traces, by response id. May be used by several threads.

    Args:
        limit: how many are remembered; the oldest are forgotten first.
    """

    def __init__(self, limit: int = MAX_CALLS) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._by_response: OrderedDict[str, dict[str, Step]] = OrderedDict()
        self._by_trace: dict[str, Step] = {}

    def add(self, step: Step) -> None:
        """Remember a step if it is such a call."""
        if step.kind != "llm" or step.parent_id or not step.response_id:
            return
        with self._lock:
            self._by_response.setdefault(step.response_id, {})[step.trace_id] = step
            self._by_trace[step.trace_id] = step
            while len(self._by_response) > self._limit:
                _, forgotten = self._by_response.popitem(last=False)
                for trace_id in forgotten:
                    self._by_trace.pop(trace_id, None)

    def traces(self, trace_id: str) -> list[str]:
        """The traces that show the call of this one, itself included; the first gets the card."""
        with self._lock:
            step = self._by_trace.get(trace_id)
            if step is None:
                return [trace_id]
            others = list(self._by_response.get(step.response_id, {}).values())
        twins = [other for other in others if other is step or _is_twin(step, other)]
        return [twin.trace_id for twin in sorted(twins, key=time_order)]


def _is_twin(one: Step, other: Step) -> bool:
    return (
        one.scope != other.scope and one.start_ns <= other.end_ns and other.start_ns <= one.end_ns
    )
