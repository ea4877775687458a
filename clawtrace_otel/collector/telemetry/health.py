"""Whether the service is there, and whether it takes requests.

The answers are those of the Collector's ``health_check`` extension (contrib v0.159,
``extension/healthcheckextension/internal/healthcheck/handler.go``).
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from aiohttp import web

_NEVER = "0001-01-01T00:00:00Z"

_Phase = Literal["starting", "running", "stopping"]


class Health:
    """The state of the service, from its start to its end.

    Args:
        obstacle: why requests cannot be taken now, "" if they can. It is asked at each request.
    """

    def __init__(self, obstacle: Callable[[], str]) -> None:
        self._obstacle = obstacle
        self._phase: _Phase = "starting"
        self._ready_at = 0.0
        self._up_since = _NEVER

    def ready(self) -> None:
        """All receivers listen."""
        self._ready_at = time.monotonic()
        self._up_since = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._phase = "running"

    def stopping(self) -> None:
        """No new requests are taken from now on."""
        self._phase = "stopping"

    @property
    def available(self) -> bool:
        """Whether a request would be taken now."""
        return self._phase == "running" and not self._obstacle()

    async def readiness(self, request: web.Request) -> web.Response:
        """``GET /``: 200, or 503 while requests are not taken. Why stands in the log."""
        del request
        if not self.available:
            return _answer(503, "Server not available", _NEVER, "")
        uptime = go_duration(time.monotonic() - self._ready_at)
        return _answer(200, "Server available", self._up_since, uptime)

    async def liveness(self, request: web.Request) -> web.Response:
        """``GET /live``: 200 while the process answers."""
        del request
        return web.json_response({"status": "Server live"})


def go_duration(seconds: float) -> str:
    """Seconds as Go writes a duration: ``1h2m3.5s``; leading zeros are left out."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{round(seconds, 3):g}s"


def _answer(code: int, status: str, up_since: str, uptime: str) -> web.Response:
    body = {"status": status, "upSince": up_since, "uptime": uptime}
    return web.json_response(body, status=code)
