"""Sends the enriched spans on, to Jaeger or any other OTLP receiver.

What is to be sent stands in the journal until the receiver has taken it: after a crash it is sent
again, byte by byte the same. Retries follow OTLP 1.11, "Failures": only the listed codes, with the
receiver's delay or exponential back-off with jitter.
"""

import asyncio
import gzip
import logging
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp
import grpc
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_exponential_jitter

from clawtrace_otel.collector.journal import Journal
from clawtrace_otel.errors import ClawTraceError, ConfigError

_log = logging.getLogger(__name__)

EXPORT_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
TIMEOUT_SECONDS = 30.0
MAX_WAIT_SECONDS = 30.0

_GRPC_RETRYABLE = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
_HTTP_RETRYABLE = frozenset({429, 502, 503, 504})


class RetryableError(ClawTraceError):
    """The receiver could not take a request now.

    Attributes:
        delay_seconds: that it asked for; ``None`` if it named none.
    """

    def __init__(self, reason: str, delay_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.delay_seconds = delay_seconds


class RefusedError(ClawTraceError):
    """The receiver will never take this request."""


class Sender(Protocol):
    """A way to a receiver."""

    async def send(self, body: bytes) -> bytes:
        """Send one encoded request, and return the encoded response.

        Raises:
            RetryableError: try again later.
            RefusedError: do not.
        """

    async def close(self) -> None:
        """Let go of connections."""


class GrpcSender:
    """Sends by OTLP/gRPC.

    Args:
        target: ``host:port``.
        secure: with TLS and the system's certificates.
    """

    def __init__(self, target: str, *, secure: bool) -> None:
        options = [("grpc.max_send_message_length", -1)]
        if secure:
            credentials = grpc.ssl_channel_credentials()
            self._channel = grpc.aio.secure_channel(target, credentials, options)
        else:
            self._channel = grpc.aio.insecure_channel(target, options)
        self._export = self._channel.unary_unary(EXPORT_METHOD)

    async def send(self, body: bytes) -> bytes:
        """See :class:`Sender`."""
        try:
            response: bytes = await self._export(
                body, timeout=TIMEOUT_SECONDS, compression=grpc.Compression.Gzip
            )
        except grpc.aio.AioRpcError as e:
            reason = f"{e.code().name}: {e.details()}"
            delay = _grpc_delay(e)
            exhausted = e.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and delay is not None
            if exhausted or e.code() in _GRPC_RETRYABLE:
                raise RetryableError(reason, delay) from e
            raise RefusedError(reason) from e
        return response

    async def close(self) -> None:
        """See :class:`Sender`."""
        await self._channel.close()


class HttpSender:
    """Sends by OTLP/HTTP with protobuf bodies.

    Args:
        url: the full URL of the receiver's traces.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def send(self, body: bytes) -> bytes:
        """See :class:`Sender`."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout)
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
        try:
            async with self._session.post(
                self._url, data=gzip.compress(body, compresslevel=1), headers=headers
            ) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError) as e:
            raise RetryableError(repr(e)) from e
        if response.status in _HTTP_RETRYABLE:
            msg = f"HTTP {response.status}"
            raise RetryableError(msg, _http_delay(response.headers.get("Retry-After", "")))
        if response.status >= 300:
            msg = f"HTTP {response.status}"
            raise RefusedError(msg)
        return answer

    async def close(self) -> None:
        """See :class:`Sender`."""
        if self._session is not None:
            await self._session.close()


def make_sender(url: str) -> Sender:
    """The way to ``url``: gRPC, or HTTP if the port is 4318 or the path ends in ``/v1/traces``.

    Raises:
        ConfigError: the URL has no host and port, or another scheme than http and https.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port:
        msg = f"forward is {url!r}; it must be a URL such as http://127.0.0.1:4317"
        raise ConfigError(msg)
    if parts.path.endswith("/v1/traces"):
        return HttpSender(url)
    if port == 4318:
        return HttpSender(url.rstrip("/") + "/v1/traces")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return GrpcSender(f"{host}:{port}", secure=parts.scheme == "https")


class Forwarder:
    """Sends what the journal holds, oldest first, one request at a time.

    Args:
        journal: holds what is to be sent.
        sender: sends it. What the receiver will never take is logged, counted and dropped.
    """

    def __init__(self, journal: Journal, sender: Sender) -> None:
        self.journal = journal
        self.sender = sender
        self.refused = 0
        self._news = asyncio.Event()
        self._news.set()

    def tell(self) -> None:
        """There is something new in the journal. To be called on the event loop."""
        self._news.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self.send_all()

    async def send_all(self) -> None:
        """Send all that the journal holds now."""
        while waiting := await asyncio.to_thread(self.journal.next_forwards):
            for forward_id, body in waiting:
                await self._send(body)
                await asyncio.to_thread(self.journal.forwarded, forward_id)

    async def _send(self, body: bytes) -> None:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(RetryableError), wait=_wait, before_sleep=_log_retry
        )
        try:
            async for attempt in retrying:
                with attempt:
                    answer = await self.sender.send(body)
        except RefusedError as e:
            self.refused += 1
            _log.error("a request of %d bytes was refused and is not sent on: %s", len(body), e)
            return
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
        if partial.rejected_spans:
            _log.warning(
                "%d forwarded spans were rejected: %s",
                partial.rejected_spans,
                partial.error_message,
            )


_back_off = wait_exponential_jitter(initial=0.5, max=MAX_WAIT_SECONDS, jitter=0.5)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.delay_seconds if isinstance(error, RetryableError) else None
    return _back_off(state) if asked is None else asked


def _log_retry(state: RetryCallState) -> None:
    if state.attempt_number in (1, 10, 100, 1000):
        error = state.outcome.exception() if state.outcome else None
        _log.warning("forwarding waits, attempt %d failed: %s", state.attempt_number, error)


def _grpc_delay(error: grpc.aio.AioRpcError) -> float | None:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            for detail in Status.FromString(value).details:
                info = RetryInfo()
                if detail.Unpack(info):
                    return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    return None


def _http_delay(retry_after: str) -> float | None:
    return float(retry_after) if retry_after.isdigit() else None
