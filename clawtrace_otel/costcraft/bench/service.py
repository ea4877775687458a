"""The service that takes the agents' spans, on a thread of the bench itself: it ends with it."""

import asyncio
import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from clawtrace_otel.collector.service import Service
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.settings import Settings, load_settings

SETTLE_SECONDS = 0.5
"""An agent that has ended sends nothing more; one that waits for long gets its card again."""

REFRESH_SECONDS = 1.0
"""How old the cost of a running agent may be that the limits look at."""

_LOGGER = logging.getLogger("clawtrace_otel")

_POST_SECONDS = 10.0
_START_SECONDS = 30.0

_INHERITED = frozenset(
    f"CLAWTRACE_{name}"
    for name in (
        "CONTENT",
        "FORWARD",
        "FORWARD_HEADERS",
        "LITELLM_PRICES",
        "MAX_CARD_BYTES",
        "NEAR_THRESHOLD",
        "PRICES",
        "READ_ONLY_TOOLS",
        "STATE_CHANGING_TOOLS",
    )
)
"""Settings that a user may make by variables. Addresses, tokens, journal are the bench's own."""


def service_settings(cards: Path, journal: Path, flags: Mapping[str, object]) -> Settings:
    """The service's settings: those of cards as the user has them, the rest the bench's own.

    Args:
        cards: folder for cards.
        journal: file for what was acknowledged.
        flags: settings that the command line names; ``None`` values are not given.

    Raises:
        ConfigError: one is impossible.
    """
    inherited = {name: value for name, value in os.environ.items() if name in _INHERITED}
    own = {
        "cards": cards,
        "journal": str(journal),
        "grpc": "127.0.0.1:0",
        "http": "127.0.0.1:0",
        "metrics": "",
        "health": "",
        "settle_seconds": SETTLE_SECONDS,
        "refresh_seconds": REFRESH_SECONDS,
    }
    return load_settings({**flags, **own}, environment=inherited)


class BackgroundService:
    """A running service, to be used in a ``with`` statement.

    Attributes:
        grpc, http: URLs to send to.

    Raises:
        ClawTraceError: it cannot be started.
    """

    def __init__(self, settings: Settings, log: Path) -> None:
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._addresses: Mapping[str, str] = {}
        self._propagated = _LOGGER.propagate
        self._handler = logging.FileHandler(log, encoding="utf-8", delay=True)
        self._thread = threading.Thread(target=self._run, name="bench-service")

    def __enter__(self) -> Self:
        self._log_to_file()
        self._thread.start()
        started = self._ready.wait(_START_SECONDS)
        if self._failure is not None:
            self.close()
            raise self._failure
        if not started:
            self.close()
            msg = f"the service did not start within {_START_SECONDS:g} s"
            raise CostCraftError(msg)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def http(self) -> str:
        """For OTLP over HTTP."""
        return f"http://{self._addresses['http']}"

    @property
    def grpc(self) -> str:
        """For OTLP over gRPC."""
        return f"http://{self._addresses['grpc']}"

    def close(self) -> None:
        """Write down what came in, and stop; a second call does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        _LOGGER.removeHandler(self._handler)
        _LOGGER.propagate = self._propagated
        self._handler.close()

    def post(self, signal: str, body: bytes) -> None:
        """Send a request of the bench's own.

        Args:
            signal: ``traces`` or ``logs``.
            body: in protobuf.

        Raises:
            CostCraftError: it was not accepted.
        """
        headers = {"Content-Type": "application/x-protobuf"}
        request = Request(f"{self.http}/v1/{signal}", body, headers)
        try:
            # No proxy: the service is on this machine.
            build_opener(ProxyHandler({})).open(request, timeout=_POST_SECONDS).close()
        except (URLError, OSError) as e:
            msg = f"the service did not take what the bench sent: {e}"
            raise CostCraftError(msg) from e

    def _log_to_file(self) -> None:
        """What the service logs is not for the terminal of a bench."""
        _LOGGER.addHandler(self._handler)
        _LOGGER.propagate = False

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except BaseException as e:  # for the thread that waits
            self._failure = e
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        service = Service(self._settings)
        try:
            await service.start(self._on_ready)
            await self._stop.wait()
        finally:
            await service.stop()

    def _on_ready(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses
        self._ready.set()
