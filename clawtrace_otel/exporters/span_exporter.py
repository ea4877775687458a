"""``OTEL_TRACES_EXPORTER=tracecard``: cards from within the agent's process, without a service."""

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from clawtrace_otel.errors import ConfigError
from clawtrace_otel.exporters.card_folder import CardFolder, CardMark
from clawtrace_otel.exporters.revise import revise
from clawtrace_otel.processors.forking import call_in_forked_child
from clawtrace_otel.processors.quiet_log import QuietLog
from clawtrace_otel.processors.sdk import read_sdk_step
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.settings import load_settings
from clawtrace_otel.tracecard.factory import make_compiler
from clawtrace_otel.tracecard.joined_traces import JoinedTraces
from clawtrace_otel.tracecard.tree import prefers

_log = QuietLog(logging.getLogger(__name__))

MAX_STEPS = 20_000
"""Steps that are kept for cards that may still change."""

MAX_FORGOTTEN = 10_000


@dataclass(slots=True)
class _Trace:
    part: str
    steps: dict[str, Step] = field(default_factory=dict)
    ended: bool = False
    has_root: bool = False
    changed: bool = False
    written_at: float = -math.inf
    mark: CardMark = field(default_factory=CardMark)


class TraceCardSpanExporter(SpanExporter):
    """Writes the card of each trace whose root ends in this process.

    The card is written when the root ends, refreshed while the trace runs, and written again if
    late spans change it. A trace whose root is in another process gets a card for the part that ran
    here, named ``<trace id>-<span id>.yaml``, with ``status: open``; to see such traces whole, send
    them to the service. The work is done on the span processor's thread; this starts none.

    Args:
        settings: ``cards``, ``prices`` and so on; see :mod:`clawtrace_otel.settings`.

    Raises:
        ConfigError: a setting is unknown or wrong. A folder that cannot be written to is logged.
        PriceError: the price file is wrong.
    """

    def __init__(self, **settings: object) -> None:
        self._settings = load_settings(settings)
        self._compiler = make_compiler(self._settings)
        self._folder = CardFolder(self._settings.cards)
        self._reset()
        if not self._folder.store.is_remote:  # the agent does not wait for a network to start
            self._check()
        call_in_forked_child(self._reset)

    def _check(self) -> None:
        try:
            self._folder.check()
        except ConfigError as e:
            _log.error("%s", e)

    def _reset(self) -> None:
        """Start anew: what a forked child inherits is its parent's to write."""
        self._lock = threading.Lock()
        self._traces: OrderedDict[str, _Trace] = OrderedDict()
        self._forgotten: OrderedDict[str, None] = OrderedDict()
        self._joined = JoinedTraces()
        self._kept = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Take up ended spans and write the cards that are due. Never raises."""
        try:
            with self._lock:
                touched = dict.fromkeys(
                    trace_id for span in spans for trace_id in self._take_up(span)
                )
                now = time.monotonic()
                due = [trace_id for trace_id in touched if self._is_due(trace_id, now)]
                written = self._write(due)
                self._evict()
        except Exception:
            _log.exception(
                "%d spans did not reach their cards in %s", len(spans), self._folder.where
            )
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS if written else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Write the cards of all traces, also of those that still run."""
        try:
            with self._lock:
                return self._write(self._traces)
        except Exception:
            _log.exception("cards could not be written to %s", self._folder.where)
            return False

    def shutdown(self) -> None:
        """Write what has not been written."""
        self.force_flush()

    def _take_up(self, span: ReadableSpan) -> Iterable[str]:
        step = read_sdk_step(span, self._settings.content)
        if step.trace_id in self._forgotten:
            _log.warning("a span of trace %s came after its card was closed", step.trace_id)
            return ()
        trace = self._traces.setdefault(step.trace_id, _Trace(step.span_id))
        self._traces.move_to_end(step.trace_id)
        known = trace.steps.get(step.span_id)
        if known is not None and not prefers(step, known):
            return ()
        self._kept += known is None
        trace.steps[step.span_id] = step
        trace.changed = True
        trace.has_root |= span.parent is None
        trace.ended |= span.parent is None or span.parent.is_remote
        self._joined.add(step)
        return (step.trace_id,)

    def _is_due(self, trace_id: str, now: float) -> bool:
        trace = self._traces[trace_id]
        return trace.ended or now - trace.written_at >= self._settings.refresh_seconds

    def _write(self, trace_ids: Iterable[str]) -> bool:
        """Write the cards that have changed; one that cannot be written keeps no other back."""
        written = True
        for trace_id in trace_ids:
            together = [t for t in self._joined.traces(trace_id) if t in self._traces]
            if not any(self._traces[t].changed for t in together):
                continue
            try:
                self._write_card(together[0], together[1:])
            except OSError as e:
                _log.error("the card of a trace cannot be written to %s: %s", self._folder.where, e)
                written = False
        return written

    def _write_card(self, trace_id: str, twins: list[str]) -> None:
        trace = self._traces[trace_id]
        steps = [step for t in (trace_id, *twins) for step in self._traces[t].steps.values()]
        revised = revise(self._compiler, steps, (), trace.mark, closing=trace.ended)
        if revised is not None:
            self._folder.write(trace_id, revised.text, "" if trace.has_root else trace.part)
            if trace.has_root:
                self._folder.remove(trace_id, trace.part)
            trace.mark = revised.mark
        for twin in twins:
            self._folder.remove(twin)
            self._folder.remove(twin, self._traces[twin].part)
            self._traces[twin].changed = False
        trace.changed = False
        trace.written_at = time.monotonic()

    def _evict(self) -> None:
        """Forget the oldest traces, also if their cards cannot be written: memory has a bound."""
        while self._kept > MAX_STEPS and len(self._traces) > 1:
            trace_id = next(iter(self._traces))
            self._write([trace_id])
            self._kept -= len(self._traces.pop(trace_id).steps)
            self._forgotten[trace_id] = None
            if len(self._forgotten) > MAX_FORGOTTEN:
                self._forgotten.popitem(last=False)
