"""The service as a whole: start in order, run until a signal, stop in order."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from clawtrace_otel.collector.card_writer import CardWriter
from clawtrace_otel.collector.forward import Forwarder
from clawtrace_otel.collector.grpc_receiver import GrpcReceiver
from clawtrace_otel.collector.http_receiver import HttpReceiver
from clawtrace_otel.collector.ingest import Ingest, News
from clawtrace_otel.collector.journal import Journal
from clawtrace_otel.collector.senders import make_sender
from clawtrace_otel.exporters.card_folder import CardFolder
from clawtrace_otel.processors.enrich import Enricher
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.settings import Settings
from clawtrace_otel.tracecard.factory import make_compiler
from clawtrace_otel.tracecard.joined_traces import JoinedTraces

_log = logging.getLogger(__name__)

GRACE_SECONDS = 5.0
"""For requests under way, and for what is still to be sent on, when the service stops."""


class Service:
    """Receivers, journal, cards and forwarding.

    Args:
        settings: where to listen, write and send.

    Raises:
        ConfigError: the card folder cannot be written to, or the forward URL is wrong.
        PriceError: the price file is wrong.
        JournalError: the journal cannot be opened.
    """

    def __init__(self, settings: Settings) -> None:
        folder = CardFolder(Path(settings.cards))
        folder.check()
        compiler = make_compiler(settings)
        sender = make_sender(settings.forward) if settings.forward else None
        self._journal = Journal(Path(settings.journal))
        self._joined = joined = JoinedTraces()
        self._forwarder = Forwarder(self._journal, sender) if sender else None
        self._cards = CardWriter(
            self._journal,
            compiler,
            folder,
            joined,
            settle_seconds=settings.settle_seconds,
            idle_seconds=settings.idle_seconds,
            refresh_seconds=settings.refresh_seconds,
            on_step=self._remember,
            on_obstacle=self._set_obstacle,
        )
        self.ingest = Ingest(
            self._journal,
            Enricher(compiler),
            forwarding=self._forwarder is not None,
            max_pending_bytes=settings.max_pending_bytes,
            on_step=joined.add,
            on_news=self._tell,
        )
        self._grpc = GrpcReceiver(self.ingest, settings.grpc, settings.max_request_bytes)
        self._http = HttpReceiver(self.ingest, settings.http, settings.max_request_bytes)
        self._hosts = [address.rpartition(":")[0] for address in (settings.grpc, settings.http)]
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, on_ready: Callable[[str, str], None]) -> None:
        """Run until SIGTERM or SIGINT.

        Args:
            on_ready: is told the addresses of gRPC and HTTP once both listen.

        Raises:
            ConfigError: an address cannot be listened on.
        """
        stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, stop.set)
        try:
            await self.start(on_ready)
            await stop.wait()
        finally:
            await self.stop()

    async def start(self, on_ready: Callable[[str, str], None]) -> None:
        """Start everything. See :meth:`run`.

        Addresses are taken first: if another service has them, its journal is left alone. Requests
        are answered once the rest runs.
        """
        self._loop = asyncio.get_running_loop()
        ports = [await self._grpc.start(), await self._http.start()]
        await asyncio.to_thread(self._cards.start)
        self.ingest.start()
        if self._forwarder:
            self._forwarder.start()
        on_ready(*(f"{host}:{port}" for host, port in zip(self._hosts, ports, strict=True)))

    async def stop(self) -> None:
        """Stop the receivers, then write what was received. Also after half a start."""
        await asyncio.gather(self._grpc.stop(GRACE_SECONDS), self._http.stop())
        await asyncio.to_thread(self.ingest.stop)
        await asyncio.to_thread(self._cards.stop)
        if self._forwarder:
            await self._forwarder.stop(GRACE_SECONDS)
        self._journal.close()

    def _remember(self, step: Step) -> None:
        self._joined.add(step)
        self.ingest.remember(step)

    def _tell(self, news: News) -> None:
        self._cards.tell(news.traces)
        if news.forwards and self._forwarder and self._loop:
            self._loop.call_soon_threadsafe(self._forwarder.tell)

    def _set_obstacle(self, reason: str) -> None:
        self.ingest.obstacle = reason


def run(settings: Settings) -> None:
    """Run the service in the foreground until SIGTERM or SIGINT.

    Raises:
        ClawTraceError: it cannot be started.
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    await Service(settings).run(_announce)


def _announce(grpc: str, http: str) -> None:
    print(f"clawtrace collector ready: grpc={grpc} http={http}", file=sys.stderr, flush=True)  # noqa: T201
