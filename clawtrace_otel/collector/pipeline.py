"""The way of a request through the service: ingest, journal, cards and forwarding."""

import asyncio
from collections.abc import Callable
from functools import partial

from clawtrace_otel.collector.budgets.watch import BudgetWatch, webhook_of
from clawtrace_otel.collector.card_writer import CardWriter, CardWritten, Listeners
from clawtrace_otel.collector.forwarding.forward import Forwarder
from clawtrace_otel.collector.forwarding.outgoing import make_outgoing
from clawtrace_otel.collector.forwarding.senders import make_sender
from clawtrace_otel.collector.ingest import Ingest, News
from clawtrace_otel.collector.journal.open import open_journal
from clawtrace_otel.collector.reader import Reader
from clawtrace_otel.collector.schedule import Schedule
from clawtrace_otel.collector.telemetry import table as t
from clawtrace_otel.collector.telemetry.card_metrics import CardMetrics
from clawtrace_otel.collector.telemetry.metrics import ServiceMetrics
from clawtrace_otel.collector.telemetry.own_traces import OwnTraces
from clawtrace_otel.collector.upkeep import Upkeep
from clawtrace_otel.errors import JournalDamagedError
from clawtrace_otel.exporters.card_folder import CardFolder
from clawtrace_otel.processors.enrich import Enricher
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.settings import Settings
from clawtrace_otel.tracecard.factory import make_compiler
from clawtrace_otel.tracecard.joined_traces import JoinedTraces

GRACE_SECONDS = 5.0
"""For what is still to be sent on when the service stops."""


class Pipeline:
    """All between the receivers and the card folder.

    Args:
        settings: where to write and send.
        metrics: count what happens.
        own_traces: get a span for each request and card.
        on_failure: is told why the service must end.

    Raises:
        ConfigError: the card folder cannot be written to, or the forward URL, the webhook or
            what goes with them is wrong.
        PriceError: the price file is wrong.
        JournalError: the journal cannot be opened.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: ServiceMetrics,
        own_traces: OwnTraces,
        on_failure: Callable[[JournalDamagedError], None],
    ) -> None:
        folder = CardFolder(settings.cards)
        folder.check()
        compiler = make_compiler(settings)
        sender = (
            make_sender(settings.forward, make_outgoing(settings)) if settings.forward else None
        )
        webhook = webhook_of(settings)
        self._metrics = metrics
        self._card_metrics = CardMetrics(metrics, own_traces, folder)
        self._journal = open_journal(settings.journal, settings.max_card_steps)
        self._budgets = BudgetWatch(
            settings, webhook, self._journal, folder, compiler.pricer, metrics
        )
        self._joined = JoinedTraces()
        self._forwarder = Forwarder(self._journal, sender, metrics) if sender else None
        self._schedule = Schedule(
            settle_seconds=settings.settle_seconds,
            idle_seconds=settings.idle_seconds,
            refresh_seconds=settings.refresh_seconds,
        )
        self._cards = CardWriter(
            self._journal,
            compiler,
            folder,
            self._joined,
            self._schedule,
            Listeners(
                on_step=self._remember,
                on_card=self._card_written,
                on_closed=self._card_metrics.closed,
                on_damage=lambda _, rows: metrics.damaged(rows),
                on_obstacle=partial(self._set_obstacle, "cards"),
                on_failure=on_failure,
            ),
        )
        self._upkeep = Upkeep(
            self._journal,
            folder,
            self._schedule,
            retention_seconds=settings.retention_seconds,
            max_forward_bytes=settings.max_forward_bytes,
            on_obstacle=partial(self._set_obstacle, "forward"),
            on_unfinished=self._cards.adopted,
        )
        forwarding = self._forwarder is not None
        enricher = Enricher(compiler, only_known=not forwarding)
        self._reader = Reader(self._journal, enricher, forwarding=forwarding)
        self.ingest = Ingest(
            self._journal,
            self._reader,
            metrics,
            max_pending_bytes=settings.max_pending_bytes,
            on_step=self._step_came,
            on_news=self._tell,
            on_failure=on_failure,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._observe(settings)

    async def start(self) -> None:
        """Take up what an earlier run left, and start all threads.

        Raises:
            JournalError: the journal cannot be read.
        """
        self._loop = asyncio.get_running_loop()
        self._budgets.start()
        await asyncio.to_thread(self._cards.start)
        self._upkeep.start()
        self.ingest.start()
        if self._forwarder:
            self._forwarder.start()

    async def stop(self) -> None:
        """Write down what was received, and send on what waits. Also after half a start."""
        await asyncio.to_thread(self.ingest.stop)
        await asyncio.to_thread(self._upkeep.stop)
        await asyncio.to_thread(self._cards.stop)
        await self._budgets.stop()
        if self._forwarder:
            await self._forwarder.stop(GRACE_SECONDS)
        self._journal.close()

    def pending_bytes(self) -> int:
        """Of requests that were read and are not taken up."""
        return self.ingest.pending_bytes

    def sending_bytes(self) -> int:
        """Of what is being sent on."""
        return self._forwarder.in_flight_bytes if self._forwarder else 0

    def _observe(self, settings: Settings) -> None:
        self._metrics.observe(t.PENDING_BYTES, self.pending_bytes)
        self._metrics.observe(t.MAX_PENDING_BYTES, lambda: settings.max_pending_bytes)
        self._metrics.observe(t.TRACES_OPEN, self._schedule.open_traces)
        self._metrics.observe(t.JOURNAL_SIZE_BYTES, self._journal.size)
        self._metrics.observe(t.JOURNAL_LAG_SECONDS, self._schedule.lag_seconds)
        if forwarder := self._forwarder:
            backlog = self._journal.forward_backlog
            self._metrics.observe(t.EXPORTER_QUEUE_SIZE, lambda: backlog()[0])
            self._metrics.observe(t.FORWARD_QUEUE_BYTES, lambda: backlog()[1])
            self._metrics.observe(t.MAX_FORWARD_BYTES, lambda: settings.max_forward_bytes)
            self._metrics.observe(
                t.EXPORTER_IN_FLIGHT_REQUESTS, lambda: forwarder.in_flight_bytes > 0
            )

    def _remember(self, step: Step) -> None:
        self._joined.add(step)
        self._reader.remember(step)

    def _step_came(self, step: Step) -> None:
        self._joined.add(step)
        self._budgets.step_came(step)

    def _card_written(self, written: CardWritten) -> None:
        self._card_metrics.written(written)
        self._budgets.card_written(written)

    def _tell(self, news: News) -> None:
        self._schedule.tell(news.traces)
        self._schedule.hurry(self._budgets.to_hurry(news.traces))
        self._metrics.late(news.late)
        if news.forwards and self._forwarder and self._loop:
            self._loop.call_soon_threadsafe(self._forwarder.tell)

    def _set_obstacle(self, what: t.Refusal, reason: str) -> None:
        self.ingest.obstacles[what] = reason
