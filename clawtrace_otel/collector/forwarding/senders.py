"""The ways to another OTLP receiver: gRPC and HTTP. Source: OTLP 1.11, "Failures"."""

import asyncio
import gzip
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp
import grpc
from google.protobuf.message import DecodeError as ProtobufDecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from clawtrace_otel.collector.forwarding.outgoing import Outgoing, check_encrypted
from clawtrace_otel.collector.receivers.addresses import is_loopback
from clawtrace_otel.errors import ClawTraceError, ConfigError

EXPORT_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
TIMEOUT_SECONDS = 30.0

MAX_ANSWER_BYTES = 4 << 20
"""What OTLP lets an answer have; what goes beyond is not read."""

_CHANNEL_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    # gRPC's own default lets a receiver that is back wait for two minutes.
    ("grpc.max_reconnect_backoff_ms", 5000),
)

_HEADERS = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}

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
        secure: with TLS.
        outgoing: headers and certificates.

    Raises:
        ConfigError: a file of certificates is wrong.
    """

    def __init__(self, target: str, outgoing: Outgoing, *, secure: bool) -> None:
        if secure:
            credentials = outgoing.grpc_credentials()
            self._channel = grpc.aio.secure_channel(target, credentials, _CHANNEL_OPTIONS)
        else:
            self._channel = grpc.aio.insecure_channel(target, _CHANNEL_OPTIONS)
        self._metadata = tuple(outgoing.headers.items())
        self._export = self._channel.unary_unary(EXPORT_METHOD)

    async def send(self, body: bytes) -> bytes:
        """See :class:`Sender`."""
        try:
            response: bytes = await self._export(
                body,
                timeout=TIMEOUT_SECONDS,
                compression=grpc.Compression.Gzip,
                metadata=self._metadata,
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
        outgoing: headers and certificates.

    Raises:
        ConfigError: a file of certificates is wrong.
    """

    def __init__(self, url: str, outgoing: Outgoing) -> None:
        self._url = url
        self._headers = outgoing.headers | _HEADERS
        self._ssl = outgoing.ssl_context() if url.startswith("https:") else True
        self._session: aiohttp.ClientSession | None = None

    async def send(self, body: bytes) -> bytes:
        """See :class:`Sender`."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout)
        packed = await asyncio.to_thread(gzip.compress, body, compresslevel=1, mtime=0)
        try:
            # A redirect would turn the POST into a GET, whose 200 says nothing about our spans.
            async with self._session.post(
                self._url,
                data=packed,
                headers=self._headers,
                ssl=self._ssl,
                allow_redirects=False,
            ) as response:
                answer = await _read(response)
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


@dataclass(frozen=True, slots=True)
class Target:
    """An OTLP receiver for traces.

    Attributes:
        url: for HTTP with the path, for gRPC without one.
        host: without brackets.
        secure: with TLS.
    """

    url: str
    host: str
    port: int
    secure: bool
    is_http: bool


def parse_target(url: str, setting: str) -> Target:
    """Read a URL: gRPC, or HTTP if the port is 4318 or the path ends in ``/v1/traces``.

    Args:
        url: of the receiver.
        setting: where it comes from, for errors.

    Raises:
        ConfigError: the URL has no host and port, or another scheme than http and https.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port:
        msg = f"{setting} is {url!r}; it must be a URL such as http://127.0.0.1:4317"
        raise ConfigError(msg)
    if "@" in parts.netloc:
        msg = f"{setting} names a user, which others may see; credentials belong into a header"
        raise ConfigError(msg)
    secure = parts.scheme == "https"
    if parts.path.endswith("/v1/traces"):
        return Target(url, parts.hostname, port, secure, is_http=True)
    if port == 4318:
        whole = url.rstrip("/") + "/v1/traces"
        return Target(whole, parts.hostname, port, secure, is_http=True)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    bare = f"{parts.scheme}://{host}:{port}"
    return Target(bare, parts.hostname, port, secure, is_http=False)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The answer, up to its bound."""
    answer = b""
    async for chunk in response.content.iter_any():
        answer += chunk
        if len(answer) > MAX_ANSWER_BYTES:
            response.close()
            break
    return answer


def make_sender(url: str, outgoing: Outgoing | None = None) -> Sender:
    """The way to ``url``; see :func:`parse_target`.

    Args:
        url: of the receiver.
        outgoing: headers and certificates for it.

    Raises:
        ConfigError: the URL has no host and port, or another scheme than http and https; or a
            certificate is wrong.
    """
    target = parse_target(url, "forward")
    given = outgoing or Outgoing()
    local = is_loopback(f"{target.host}:{target.port}")
    check_encrypted(given, url, secure=target.secure, local=local)
    if target.is_http:
        return HttpSender(target.url, given)
    return GrpcSender(urlsplit(target.url).netloc, given, secure=target.secure)


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
