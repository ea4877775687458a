"""The HTTP servers that people and programs look at the service by: metrics and health."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from clawtrace_otel.collector.receivers.addresses import split_address
from clawtrace_otel.collector.telemetry.health import Health
from clawtrace_otel.collector.telemetry.metrics import ServiceMetrics
from clawtrace_otel.errors import ConfigError

Handler = Callable[[web.Request], Awaitable[web.Response]]


class StatusServer:
    """A small HTTP server that answers GET.

    Args:
        setting: name of the setting that its address comes from, for errors.
        address: ``host:port``; port 0 takes a free one; "" listens nowhere.
        routes: path -> what answers it.
    """

    def __init__(self, setting: str, address: str, routes: Mapping[str, Handler]) -> None:
        self._setting = setting
        self._address = address
        app = web.Application()
        for path, handler in routes.items():
            app.router.add_get(path, handler)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)

    async def start(self) -> str:
        """Listen.

        Returns:
            ``host:port``, or "" if it is off.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        if not self._address:
            return ""
        option = f"--{self._setting}"
        host, port = split_address(self._address, option)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host.strip("[]"), port, reuse_port=False).start()
        except OSError as e:
            msg = f"cannot listen on {self._address} for {self._setting}: {e}; "
            msg += f'choose another with {option}, or none with {option} ""'
            raise ConfigError(msg) from e
        return f"{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Listen no more."""
        await self._runner.cleanup()


class StatusServers:
    """Metrics on one address, health on another.

    Args:
        metrics_address: ``host:port``, "" for none.
        health_address: as well.
    """

    def __init__(
        self, metrics: ServiceMetrics, metrics_address: str, health: Health, health_address: str
    ) -> None:
        # Gauges may wait for the journal; one thread, so that scrapes do not pile up.
        self._scraper = ThreadPoolExecutor(1, "clawtrace-metrics")
        self._metrics = metrics
        health_routes = {"/": health.readiness, "/live": health.liveness}
        self._servers = {
            "metrics": StatusServer("metrics", metrics_address, {"/metrics": self._scrape}),
            "health": StatusServer("health", health_address, health_routes),
        }

    async def start(self) -> dict[str, str]:
        """Listen.

        Returns:
            ``metrics`` and ``health``, as far as they are on, -> address.

        Raises:
            ConfigError: an address cannot be listened on.
        """
        bound = {name: await server.start() for name, server in self._servers.items()}
        return {name: address for name, address in bound.items() if address}

    async def stop(self) -> None:
        """Listen no more. Also after half a start."""
        await asyncio.gather(*(server.stop() for server in self._servers.values()))
        await asyncio.to_thread(self._scraper.shutdown)

    async def _scrape(self, request: web.Request) -> web.Response:
        del request
        loop = asyncio.get_running_loop()
        text = await loop.run_in_executor(self._scraper, self._metrics.text)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
