"""The ways to another OTLP receiver: gRPC and HTTP. Source: OTLP 1.11, "Failures"."""

import asyncio
import gzip
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp
import grpc
from google.protobuf.message import DecodeError as ProtobufDecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from clawtrace_otel.errors import ClawTraceError, ConfigError

EXPORT_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
TIMEOUT_SECONDS = 30.0

_CHANNEL_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    # gRPC's own default lets a receiver that is back wait for two minutes.
    ("grpc.max_reconnect_backoff_ms", 5000),
)

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
        if secure:
            credentials = grpc.ssl_channel_credentials()
            self._channel = grpc.aio.secure_channel(target, credentials, _CHANNEL_OPTIONS)
        else:
            self._channel = grpc.aio.insecure_channel(target, _CHANNEL_OPTIONS)
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
        packed = await asyncio.to_thread(gzip.compress, body, compresslevel=1, mtime=0)
        try:
            # A redirect would turn the POST into a GET, whose 200 says nothing about our spans.
            async with self._session.post(
                self._url, data=packed, headers=headers, allow_redirects=False
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


def _grpc_delay(error: grpc.aio.AioRpcError) -> float | None:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            return _retry_delay(value)
    return None


def _retry_delay(status: bytes) -> float | None:
    info = RetryInfo()
    try:
        for detail in Status.FromString(status).details:
            if detail.Unpack(info):
                return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    except ProtobufDecodeError:
        pass  # a receiver that cannot say when is waited for as one that does not say
    return None


def _http_delay(retry_after: str) -> float | None:
    is_number = retry_after.isascii() and retry_after.isdigit()
    return float(retry_after) if is_number else None
