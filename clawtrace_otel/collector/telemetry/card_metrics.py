"""What cards say, summed up in the metrics of the service."""

import time

from clawtrace_otel.collector.card_writer import CardWritten
from clawtrace_otel.collector.telemetry.metrics import Amounts, ServiceMetrics
from clawtrace_otel.collector.telemetry.own_traces import OwnTraces
from clawtrace_otel.exporters.card_folder import CardFolder


class CardMetrics:
    """Counts cards when they are written, and their amounts once their traces are closed.

    One thread owns it.

    Args:
        metrics: of the service.
        own_traces: get a span for each card.
        folder: has the cards that an earlier run wrote.
    """

    def __init__(self, metrics: ServiceMetrics, own_traces: OwnTraces, folder: CardFolder) -> None:
        self._metrics = metrics
        self._own_traces = own_traces
        self._folder = folder
        self._open: dict[str, Amounts] = {}

    def written(self, written: CardWritten) -> None:
        """A card was written."""
        before = written.before
        is_revision = before is not None and written.card["revision"] > before["revision"]
        self._metrics.card_written(written.seconds, is_revision=is_revision)
        start_ns = time.time_ns() - int(written.seconds * 1e9)
        trace_id = written.card["trace_id"]
        self._own_traces.card(trace_id, start_ns, revision=written.card["revision"])
        now = Amounts.of_card(written.card)
        if before is None:
            self._open[written.name] = now
        else:
            self._metrics.closed(now, Amounts.of_card(before))

    def closed(self, name: str, traces: int) -> None:
        """A card's traces were closed; ``traces`` of them were open before."""
        amounts = self._open.pop(name, None)
        if not traces:
            return
        if amounts is None:
            card = self._folder.read(name)
            amounts = Amounts.of_card(card) if card else Amounts()
        self._metrics.closed(amounts, None)
        for _ in range(traces - 1):
            self._metrics.closed(Amounts())
