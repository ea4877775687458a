"""The service as a whole: start in order, run until a signal, stop in order."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Mapping

from clawtrace_otel.collector.forwarding.senders import parse_target
from clawtrace_otel.collector.memory import set_up_malloc
from clawtrace_otel.collector.pipeline import Pipeline
from clawtrace_otel.collector.receivers.admission import Gate
from clawtrace_otel.collector.receivers.grpc_receiver import GrpcReceiver
from clawtrace_otel.collector.receivers.http_receiver import HttpReceiver
from clawtrace_otel.collector.receivers.reception import Reception
from clawtrace_otel.collector.security.access import make_access
from clawtrace_otel.collector.telemetry.health import Health
from clawtrace_otel.collector.telemetry.identity import new_identity
from clawtrace_otel.collector.telemetry.logs import set_up_logging
from clawtrace_otel.collector.telemetry.metrics import ServiceMetrics
from clawtrace_otel.collector.telemetry.own_address import leads_to_itself
from clawtrace_otel.collector.telemetry.own_traces import OwnTraces
from clawtrace_otel.collector.telemetry.servers import StatusServers
from clawtrace_otel.collector.telemetry.table import Transport
from clawtrace_otel.errors import ConfigError, JournalDamagedError
from clawtrace_otel.settings import Settings

_log = logging.getLogger(__name__)

GRACE_SECONDS = 5.0
"""For requests under way when the service stops."""


class Service:
    """Receivers, journal, cards and forwarding.

    Args:
        settings: where to listen, write and send.

    Raises:
        ConfigError: the card folder cannot be written to, or the forward URL, a certificate or a
            file of tokens is wrong.
        PriceError: the price file is wrong.
        JournalError: the journal cannot be opened.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        identity = new_identity()
        self.metrics = ServiceMetrics(identity)
        self.own_traces = OwnTraces(settings.own_traces, identity)
        self._health = Health(lambda: self.pipeline.ingest.trouble)
        self._status = StatusServers(self.metrics, settings.metrics, self._health, settings.health)
        self._gate = Gate(settings.max_memory_bytes)
        access = make_access(settings, self._gate)
        self.pipeline = Pipeline(settings, self.metrics, self.own_traces, self._fail)
        self._grpc = GrpcReceiver(self._reception("grpc"), settings.grpc, access)
        self._http = HttpReceiver(self._reception("http"), settings.http, access)
        self._hosts = [address.rpartition(":")[0] for address in (settings.grpc, settings.http)]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()
        self._failure: JournalDamagedError | None = None

    async def run(self, on_ready: Callable[[Mapping[str, str]], None]) -> None:
        """Run until SIGTERM or SIGINT.

        Args:
            on_ready: is told which address each of ``grpc``, ``http``, ``metrics`` and ``health``
                listens on, once all do.

        Raises:
            ConfigError: an address cannot be listened on, or spans would be sent to the service
                itself.
            JournalDamagedError: the journal was found to be damaged.
        """
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stopped.set)
        try:
            await self.start(on_ready)
            await self._stopped.wait()
        finally:
            await self.stop()
        if self._failure:
            raise self._failure

    async def start(self, on_ready: Callable[[Mapping[str, str]], None]) -> None:
        """Start everything. See :meth:`run`.

        Addresses are taken first: if another service has them, its journal is left alone. Requests
        are answered once the rest runs.
        """
        self._loop = asyncio.get_running_loop()
        status = await self._status.start()
        ports = [await self._grpc.start(), await self._http.start()]
        await asyncio.to_thread(self._check_targets, ports)
        await self.pipeline.start()
        self._gate.start(self.pipeline.pending_bytes, self.pipeline.sending_bytes)
        self._health.ready()
        bound = [f"{host}:{port}" for host, port in zip(self._hosts, ports, strict=True)]
        on_ready({**dict(zip(("grpc", "http"), bound, strict=True)), **status})

    async def stop(self) -> None:
        """Stop the receivers, then write what was received. Also after half a start.

        Metrics and health answer to the last.
        """
        self._health.stopping()
        await asyncio.gather(self._grpc.stop(GRACE_SECONDS), self._http.stop())
        await self._gate.stop()
        await self.pipeline.stop()
        await asyncio.to_thread(self.own_traces.close)
        await self._status.stop()

    def _check_targets(self, ports: list[int]) -> None:
        listening = [
            (host.strip("[]"), port) for host, port in zip(self._hosts, ports, strict=True)
        ]
        for setting in ("forward", "own_traces"):
            url: str = getattr(self._settings, setting)
            target = parse_target(url, setting) if url else None
            if target and leads_to_itself(target.host, target.port, listening):
                msg = f"{setting} is {url!r}, and that is this service; it would send for ever"
                raise ConfigError(msg)

    def _reception(self, transport: Transport) -> Reception:
        return Reception(self.pipeline.ingest, transport, self.metrics, self.own_traces)

    def _fail(self, reason: JournalDamagedError) -> None:
        """End with an error: the next start mends what can be mended."""
        self._failure = self._failure or reason
        if self._loop:
            self._loop.call_soon_threadsafe(self._stopped.set)


def run(settings: Settings) -> None:
    """Run the service in the foreground until SIGTERM or SIGINT.

    Raises:
        ClawTraceError: it cannot be started.
    """
    set_up_logging(settings.log_format, settings.log_level)
    announce = _log_ready if settings.log_format == "json" else _print_ready
    set_up_malloc()
    asyncio.run(_run(settings, announce))


async def _run(settings: Settings, announce: Callable[[Mapping[str, str]], None]) -> None:
    await Service(settings).run(announce)


def _print_ready(addresses: Mapping[str, str]) -> None:
    print(_ready(addresses), file=sys.stderr, flush=True)  # noqa: T201


def _log_ready(addresses: Mapping[str, str]) -> None:
    # Who asked for JSON lines wants nothing else on standard error.
    _log.info(_ready(addresses), extra=dict(addresses))


def _ready(addresses: Mapping[str, str]) -> str:
    shown = " ".join(f"{name}={address}" for name, address in addresses.items())
    return f"clawtrace collector ready: {shown}"
