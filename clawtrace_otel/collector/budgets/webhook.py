"""Posts the notices of budgets to a URL, each until it was taken.

What is to be posted stands in the journal: a notice survives a crash, and may be posted twice if
the process is killed after the receiver took it and before the journal knows. Replicas take turns.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, RetryError, retry_if_exception_type
from tenacity.wait import wait_exponential_jitter

from clawtrace_otel.collector.budgets.store import BudgetStore, Waiting
from clawtrace_otel.collector.forwarding.outgoing import parse_headers
from clawtrace_otel.collector.telemetry.metrics import ServiceMetrics
from clawtrace_otel.errors import ClawTraceError, ConfigError, JournalError

_log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0

MAX_TRIES = 60
"""Of one notice, restarts included; if the receiver is away, they take about an hour."""

FIRST_WAIT_SECONDS = 1.0
MAX_WAIT_SECONDS = 60.0

LOOK_SECONDS = 10.0
"""Between two looks for what another replica left, or is posting now."""

_CLAIM = "budget webhook"

T = TypeVar("T")


class WebhookError(ClawTraceError):
    """The receiver did not take a notice."""


class Webhook:
    """A URL that takes notices as JSON. Redirects are not followed, certificates are checked.

    Args:
        url: ``http://`` or ``https://``; it may have secrets in it, so it is in no message.
        headers: to send along, as ``key=value,key2=value2``; values are percent-encoded.

    Attributes:
        where: scheme and host of the URL, for messages.

    Raises:
        ConfigError: the URL or the headers are wrong.
    """

    def __init__(self, url: str, headers: str = "") -> None:
        self.where = _check_url(url)
        self._url = url
        given = parse_headers(headers, "budget_webhook_headers")
        self._headers = {"content-type": "application/json"} | given
        if "@" in urlsplit(url).netloc and "authorization" in given:
            msg = "budget_webhook has a user in it and budget_webhook_headers Authorization; "
            raise ConfigError(msg + "only one of them can be sent")
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes) -> None:
        """Post one notice.

        Raises:
            WebhookError: it was not answered with 2xx within ``TIMEOUT_SECONDS``.
        """
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout)
        try:
            async with self._session.post(
                self._url, data=body, headers=self._headers, allow_redirects=False
            ) as response:
                status = response.status
        except TimeoutError as e:
            msg = f"no answer within {TIMEOUT_SECONDS:g} s"
            raise WebhookError(msg) from e
        except aiohttp.ClientError as e:
            # Of these, only errors of connections are known to quote host and port alone.
            text = str(e) if isinstance(e, aiohttp.ClientConnectorError) else type(e).__name__
            raise WebhookError(text) from None
        if not 200 <= status < 300:
            msg = f"HTTP {status}"
            raise WebhookError(msg)

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()


class Poster:
    """Posts what the store holds, one notice at a time; what was tried least comes first.

    Args:
        store: holds the notices.
        webhook: takes them.
        metrics: count the tries.
        first_wait_seconds: after the first try that failed; doubled with each further one.
        max_tries: after which a notice is given up.
    """

    def __init__(
        self,
        store: BudgetStore,
        webhook: Webhook,
        metrics: ServiceMetrics,
        *,
        first_wait_seconds: float = FIRST_WAIT_SECONDS,
        max_tries: int = MAX_TRIES,
    ) -> None:
        self._store = store
        self._webhook = webhook
        self._metrics = metrics
        self._max_tries = max_tries
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # One thread, and so one connection to the journal, that can be waited for at the end.
        self._reader = ThreadPoolExecutor(1, "clawtrace-webhook")
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(WebhookError),
            wait=wait_exponential_jitter(
                multiplier=first_wait_seconds, max=MAX_WAIT_SECONDS, jitter=first_wait_seconds / 2
            ),
            stop=lambda _: self._stopping.is_set(),
            sleep=self._pause,
            before_sleep=self._log_retry,
        )

    def start(self) -> None:
        """Start to post. To be called on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run())

    def tell(self) -> None:
        """There is something new to post. May be called by any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._news.set)

    async def stop(self, grace_seconds: float) -> None:
        """Try once more, for at most ``grace_seconds``, and let go of connections."""
        self._stopping.set()
        self._news.set()
        if self._task is not None:
            _, unfinished = await asyncio.wait([self._task], timeout=grace_seconds)
            if unfinished:
                self._task.cancel()
                await asyncio.wait(unfinished)
        await self._webhook.close()
        await asyncio.to_thread(self._reader.shutdown)

    async def _run(self) -> None:
        while True:
            self._news.clear()
            try:
                await self._post_all()
            except RetryError:
                _log.warning("budget notices that were not posted wait for the next start")
            except JournalError as e:
                _log.warning("budget notices wait for %g s: %s", LOOK_SECONDS, e)
            except Exception:
                _log.exception("budget notices wait for %g s", LOOK_SECONDS)
            if self._stopping.is_set():
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK_SECONDS)

    async def _post_all(self) -> None:
        while await self._retrying(self._post_next):
            pass

    async def _post_next(self) -> bool:
        """Post a notice; whether there was one that no other replica is at."""
        if not await self._in_thread(partial(self._store.claim, _CLAIM)):
            return False
        try:
            waiting = await self._in_thread(self._store.next_to_post)
            if waiting is not None:
                await self._post(waiting)
        finally:
            await self._in_thread(partial(self._store.release, _CLAIM))
        return waiting is not None

    async def _post(self, waiting: Waiting) -> None:
        try:
            await self._webhook.post(waiting.body)
        except WebhookError as e:
            self._metrics.budget_post("failed")
            await self._in_thread(partial(self._failed, waiting, e))
            raise
        self._metrics.budget_post("sent")
        await self._in_thread(partial(self._store.posted, waiting))

    def _failed(self, waiting: Waiting, error: WebhookError) -> None:
        if waiting.tries + 1 < self._max_tries:
            self._store.tried(waiting)
            return
        self._store.posted(waiting)
        self._metrics.budget_post("given_up")
        scope, key, _, percent = waiting.key
        _log.error(
            "the notice that %s %s has reached %d %% of its budget is given up after %d tries: %s",
            *(scope, key, percent, waiting.tries + 1, error),
        )

    def _log_retry(self, state: RetryCallState) -> None:
        if state.attempt_number in (1, 10, 100, 1000):
            error = state.outcome.exception() if state.outcome else None
            _log.warning(
                "budget notices wait, try %d to post to %s failed: %s",
                *(state.attempt_number, self._webhook.where, error),
            )

    async def _pause(self, seconds: float) -> None:
        """Wait; the stop of the service ends a pause, so that there is one more try."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, function)


def _check_url(url: str) -> str:
    """Scheme and host of a URL.

    Raises:
        ConfigError: it is none that can be posted to. It is not shown, as it may have secrets.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        msg = "budget_webhook must be a URL such as https://example.com/hooks/budget; its value "
        raise ConfigError(msg + "is not shown")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "")
