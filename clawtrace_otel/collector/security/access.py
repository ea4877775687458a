"""What both receivers need to know of who may send, and how much."""

import logging
from dataclasses import dataclass, field

from clawtrace_otel.collector.receivers.addresses import is_loopback
from clawtrace_otel.collector.receivers.admission import Gate
from clawtrace_otel.collector.security.guard import Guard
from clawtrace_otel.collector.security.rate_limit import RateLimiter
from clawtrace_otel.collector.security.tls import ServerTls, make_server_tls
from clawtrace_otel.collector.security.tokens import make_tokens
from clawtrace_otel.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Access:
    """Shared by the receivers.

    Attributes:
        max_request_bytes: of a request, also after decompression.
        max_connections: of each receiver at a time.
        tls: ``None``: plain text.
        guard: says who may send.
        gate: is passed before a request is read.
    """

    max_request_bytes: int
    max_connections: int
    tls: ServerTls | None = None
    guard: Guard = field(default_factory=Guard)
    gate: Gate = field(default_factory=Gate)


def make_access(settings: Settings, gate: Gate) -> Access:
    """The access that the settings allow.

    Raises:
        ConfigError: a file of certificates or tokens is wrong; the message names setting and path.
    """
    tls = make_server_tls(
        settings.tls_cert_file, settings.tls_key_file, settings.tls_client_ca_file
    )
    tokens = make_tokens(settings.tokens_file, settings.tokens)
    limiter = RateLimiter(settings.max_token_bytes_per_second)
    if tokens is None and not (tls and tls.needs_client):
        _warn_of_open_addresses(settings)
    return Access(
        max_request_bytes=settings.max_request_bytes,
        max_connections=settings.max_connections,
        tls=tls,
        guard=Guard(tokens, limiter),
        gate=gate,
    )


def _warn_of_open_addresses(settings: Settings) -> None:
    for name, address in (("grpc", settings.grpc), ("http", settings.http)):
        if not is_loopback(address):
            _log.warning(
                "%s listens on %s, and whoever reaches it can send: set tokens_file, or "
                "tls_cert_file, tls_key_file and tls_client_ca_file",
                name,
                address,
            )
