"""A sender as OTLP clients are: what was not acknowledged is sent again, byte by byte the same."""

import gzip
import http.client
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import grpc
from google.rpc.status_pb2 import Status

from tests.collector.peers import PROTOBUF, TRACES, retry_seconds, status_of

TIMEOUT_SECONDS = 20.0
MAX_PAUSE_SECONDS = 0.2
"""Between two attempts. Real clients wait longer; the service must bear these as well."""

Address = Callable[[str], str]
"""Transport, ``grpc`` or ``http`` -> where the service listens; "" while it does not run."""

RETRYABLE = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.ABORTED,
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer of the service that is no acknowledgement.

    Attributes:
        delay_seconds: after which to try again.
    """

    transport: str
    delay_seconds: float
    message: str


class GoneError(Exception):
    """The service did not answer."""


class RefusedError(Exception):
    """The service asked to try again later."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Client:
    """Sends requests one after the other.

    Args:
        transport: ``grpc`` or ``http``.
        address: where the service is.
        packed: with gzip.
    """

    def __init__(self, transport: str, address: Address, *, packed: bool) -> None:
        self._transport = transport
        self._address = address
        self._packed = packed
        self._connected_to = ""
        self._channel: grpc.Channel | None = None
        self._connection: http.client.HTTPConnection | None = None

    def send(self, body: bytes) -> float:
        """Send once.

        Returns:
            How many seconds the acknowledgement took.

        Raises:
            GoneError: there was no answer.
            RefusedError: try again later.
            AssertionError: the service will never take it.
        """
        address = self._address(self._transport)
        if not address:
            msg = "the service does not run"
            raise GoneError(msg)
        if address != self._connected_to:
            self.close()
            self._connected_to = address
        before = time.perf_counter()
        (self._send_grpc if self._transport == "grpc" else self._send_http)(body)
        return time.perf_counter() - before

    def close(self) -> None:
        """Close the connection."""
        if self._channel is not None:
            self._channel.close()
        if self._connection is not None:
            self._connection.close()
        self._channel = self._connection = None

    def _send_grpc(self, body: bytes) -> None:
        if self._channel is None:
            self._channel = grpc.insecure_channel(
                self._connected_to,
                [("grpc.max_reconnect_backoff_ms", 200), ("grpc.use_local_subchannel_pool", 1)],
            )
        kind = grpc.Compression.Gzip if self._packed else grpc.Compression.NoCompression
        try:
            self._channel.unary_unary(TRACES)(body, timeout=TIMEOUT_SECONDS, compression=kind)
        except grpc.RpcError as e:
            if e.code() not in RETRYABLE:
                msg = f"the service must take this: {e}"
                raise AssertionError(msg) from e
            if "grpc-status-details-bin" not in dict(e.trailing_metadata() or ()):
                raise GoneError(e.details()) from e
            delay = retry_seconds(status_of(e))
            raise RefusedError(Refusal("grpc", delay, str(e.details()))) from e

    def _send_http(self, body: bytes) -> None:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                self._connected_to, timeout=TIMEOUT_SECONDS
            )
        headers = {"Content-Type": PROTOBUF}
        if self._packed:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, 1)
        try:
            self._connection.request("POST", "/v1/traces", body, headers)
            response = self._connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as e:
            self.close()
            raise GoneError(repr(e)) from e
        if response.status == 200:
            return
        assert response.status in (429, 503), (response.status, answer)
        delay = float(response.headers["Retry-After"])
        raise RefusedError(Refusal("http", delay, Status.FromString(answer).message))


def deliver(
    client: Client,
    body: bytes,
    r: random.Random,
    on_refusal: Callable[[Refusal], None],
    give_up: Callable[[], bool] = lambda: False,
) -> float | None:
    """Send until it is acknowledged.

    Returns:
        How many seconds the acknowledgement took at last; ``None`` if it was given up.
    """
    while not give_up():
        with suppress(GoneError):
            try:
                return client.send(body)
            except RefusedError as e:
                on_refusal(e.refusal)
        time.sleep(r.uniform(0.01, MAX_PAUSE_SECONDS))
    return None
