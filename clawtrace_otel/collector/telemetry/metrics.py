"""The metrics of the service: counted where work is done, read out as Prometheus text."""

import logging
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from clawtrace_otel.collector.telemetry import table as t
from clawtrace_otel.collector.telemetry.process import ProcessMetrics
from clawtrace_otel.processors.quiet_log import QuietLog
from clawtrace_otel.tracecard.model import Card

_log = QuietLog(logging.getLogger(__name__))

_TOTAL = re.compile(rb"^((?:# (?:HELP|TYPE) )?\w+)_total(?=[ {])", re.MULTILINE)
"""What the library puts behind the name of each counter, and the Collector does not."""

_MAX_SERVICES = 100
"""That are told apart: a sender may make up names without end."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a card says in sum. USD are dollars, and 0 where no call has a price.

    Attributes:
        service: of the root.
        tokens: by :data:`table.TokenType`.
    """

    cost_usd: float = 0.0
    waste_usd: float = 0.0
    unpriced_calls: int = 0
    service: str = "unknown_service"
    tokens: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_card(cls, card: Card) -> "Amounts":
        """The amounts of a card; the waste is the least that it can be."""
        total = card["total"]
        waste = total.get("waste_usd", (0.0,))[0]
        return cls(
            total["cost_usd"] or 0.0,
            waste,
            total["unpriced_calls"],
            card["root"]["service"],
            {kind: count for kind, count in total["tokens"].items() if isinstance(count, int)},
        )


class ServiceMetrics:
    """Counters and gauges. Safe from any thread; counting spans takes about a microsecond.

    Counters stand at 0 from the start, with every value of their labels, so that an alert can tell
    "none yet" from "not there".

    Args:
        identity: of the service, for ``target_info``: name, version, instance.
    """

    def __init__(self, identity: dict[str, str] | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the Collector has none
        self._registry = CollectorRegistry(target_info=identity)
        self._registry.register(ProcessMetrics())
        self._accepted = self._by_label(t.RECEIVER_ACCEPTED_SPANS)
        self._refused = self._by_label(t.RECEIVER_REFUSED_SPANS)
        self._failed = self._by_label(t.RECEIVER_FAILED_SPANS)
        self._rejected = self._by_label(t.REJECTED_SPANS)
        self._refused_requests = self._by_label(t.REFUSED_REQUESTS)
        self._sent = self._by_label(t.EXPORTER_SENT_SPANS)["otlp"]
        self._send_failed = self._by_label(t.EXPORTER_SEND_FAILED_SPANS)["otlp"]
        self._counter(t.EXPORTER_ENQUEUE_FAILED_SPANS)
        self._closed = self._counter(t.TRACES_CLOSED)
        self._late = self._counter(t.LATE_SPANS)
        self._written = self._counter(t.CARDS_WRITTEN)
        self._revisions = self._counter(t.REVISIONS)
        self._write_seconds = self._histogram(t.CARD_WRITE_SECONDS)
        self._ack_seconds = self._histogram(t.ACK_SECONDS)
        self._unpriced = self._counter(t.UNPRICED_CALLS)
        self._cost = self._counter(t.COST_USD)
        self._service_cost = self._counter(t.SERVICE_COST_USD)
        self._services: set[str] = set()
        self._tokens = self._by_label(t.TOKENS)
        self._waste = self._counter(t.WASTE_USD)
        self._damaged = self._counter(t.DAMAGED_ROWS)
        self._budget = self._counter(t.BUDGET_CROSSINGS)
        self._budget_posts = self._counter(t.BUDGET_POSTS)

    def accepted(self, transport: t.Transport, spans: int) -> None:
        """Spans were acknowledged."""
        self._accepted[transport].inc(spans)

    def acknowledged(self, transport: t.Transport, seconds: float) -> None:
        """A request of spans was acknowledged, so long after it had been read."""
        self._ack_seconds.labels(transport).observe(seconds)

    def refused(self, transport: t.Transport, reason: t.Refusal, spans: int = 0) -> None:
        """A request was not taken up; ``spans`` are its spans if it was decoded."""
        self._refused[transport].inc(spans)
        self._refused_requests[reason].inc()

    def failed(self, transport: t.Transport, spans: int = 0) -> None:
        """A request failed by our own mistake."""
        self._failed[transport].inc(spans)

    def rejected(self, reason: t.Rejection, spans: int = 1) -> None:
        """Spans were left out of a request that was taken up."""
        self._rejected[reason].inc(spans)

    def sent(self, spans: int) -> None:
        """The receiver of forwarded spans took some."""
        self._sent.inc(spans)

    def send_failed(self, spans: int) -> None:
        """The receiver of forwarded spans refused some for good."""
        self._send_failed.inc(spans)

    def card_written(self, seconds: float, *, is_revision: bool) -> None:
        """A card was written.

        Args:
            seconds: that it took, from reading the trace on.
            is_revision: it is the next revision of the card of a closed trace.
        """
        self._written.inc()
        self._revisions.inc(is_revision)
        self._write_seconds.observe(seconds)

    def closed(self, now: Amounts, before: Amounts | None = None) -> None:
        """A trace was closed.

        Args:
            now: what its card says.
            before: what its card said when it was closed last, if it was.
        """
        self._closed.inc(before is None)
        before = before or Amounts()
        cost = max(0.0, now.cost_usd - before.cost_usd)
        self._cost.inc(cost)
        self._service_cost.labels(self._told_apart(now.service)).inc(cost)
        for kind, counter in self._tokens.items():
            counter.inc(max(0, now.tokens.get(kind, 0) - before.tokens.get(kind, 0)))
        self._waste.inc(max(0.0, now.waste_usd - before.waste_usd))
        self._unpriced.inc(max(0, now.unpriced_calls - before.unpriced_calls))

    def late(self, spans: int) -> None:
        """Spans came for a trace that was closed."""
        self._late.inc(spans)

    def damaged(self, rows: int) -> None:
        """Rows of the journal were left out."""
        self._damaged.inc(rows)

    def budget_crossed(self, scope: t.Scope, percent: int) -> None:
        """A trace or session reached a part of its budget."""
        self._budget.labels(scope, str(percent)).inc()

    def budget_post(self, result: t.Posting) -> None:
        """A notice was posted or not, or is not tried again."""
        self._budget_posts.labels(result).inc()

    def observe(self, gauge: t.Metric, callback: Callable[[], float]) -> None:
        """Show a gauge from now on.

        Args:
            gauge: of the table.
            callback: is asked at each scrape, on a thread of its own. If it raises, that is logged
                and the gauge is NaN.
        """
        values = [values[0] for values in gauge.labels.values()]
        made = Gauge(gauge.name, gauge.meaning, tuple(gauge.labels), registry=self._registry)
        (made.labels(*values) if values else made).set_function(_guarded(gauge.name, callback))

    def text(self) -> bytes:
        """All metrics in Prometheus' text format 0.0.4. Blocks while gauges are asked."""
        return _TOTAL.sub(rb"\1", generate_latest(self._registry))

    def _told_apart(self, service: str) -> str:
        if len(self._services) < _MAX_SERVICES - 1:
            self._services.add(service)
        return service if service in self._services else "other"

    def _by_label(self, metric: t.Metric) -> dict[str, Counter]:
        """A counter for each value of the last label, found once and not with each count."""
        counter = self._counter(metric)
        every = product(*metric.labels.values())
        return {values[-1]: counter.labels(*values) for values in every}

    def _counter(self, metric: t.Metric) -> Counter:
        counter = Counter(
            metric.name, metric.meaning, tuple(metric.labels), registry=self._registry
        )
        for values in product(*metric.labels.values()) if metric.labels else ():
            counter.labels(*values)
        return counter

    def _histogram(self, metric: t.Metric) -> Histogram:
        histogram = Histogram(
            metric.name,
            metric.meaning,
            tuple(metric.labels),
            buckets=metric.buckets,
            registry=self._registry,
        )
        for values in product(*metric.labels.values()) if metric.labels else ():
            histogram.labels(*values)
        return histogram


def _guarded(name: str, callback: Callable[[], float]) -> Callable[[], float]:
    def read() -> float:
        try:
            return callback()
        except Exception:
            # One gauge that cannot be read must not cost the others.
            _log.exception("the metric %s cannot be read", name)
            return math.nan

    return read
