"""How the service shows who it is to the receiver that it forwards to."""

import logging
import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote

import grpc

from clawtrace_otel.collector.security.tls import TlsFiles
from clawtrace_otel.errors import ConfigError
from clawtrace_otel.settings import Settings

_log = logging.getLogger(__name__)

_KEY = re.compile(r"[a-z0-9_.-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")
"""What both HTTP and gRPC take for a header."""

_NAMES = ("forward_cert_file", "forward_key_file", "forward_ca_file")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Credentials for a receiver.

    Attributes:
        headers: sent with each request; never shown.
        files: certificate, key and authorities; the system's authorities if none are set.
    """

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    files: TlsFiles = field(default_factory=lambda: TlsFiles("", "", "", _NAMES))

    def ssl_context(self) -> ssl.SSLContext:
        """For HTTPS.

        Raises:
            ConfigError: a file is missing or wrong.
        """
        return self._load()[0]

    def grpc_credentials(self) -> grpc.ChannelCredentials:
        """For gRPC.

        Raises:
            ConfigError: a file is missing or wrong.
        """
        _, cert, key, ca = self._load()
        return grpc.ssl_channel_credentials(ca or None, key or None, cert or None)

    def _load(self) -> tuple[ssl.SSLContext, bytes, bytes, bytes]:
        self.files.check_pair()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        cert, key, ca = self.files.load(context)
        if not ca:
            context.load_default_certs()
        return context, cert, key, ca


def make_outgoing(settings: Settings) -> Outgoing:
    """The credentials of the settings.

    Raises:
        ConfigError: the headers cannot be read; the message does not show them.
    """
    files = (settings.forward_cert_file, settings.forward_key_file, settings.forward_ca_file)
    return Outgoing(parse_headers(settings.forward_headers), TlsFiles(*files, _NAMES))


def parse_headers(text: str, setting: str = "forward_headers") -> dict[str, str]:
    """Headers written as in ``OTEL_EXPORTER_OTLP_HEADERS``: ``key=value,key2=value2``.

    ``opentelemetry.util.re.parse_env_headers`` logs what it cannot read, which may be a secret.

    Raises:
        ConfigError: an entry has no ``=``, or a header cannot be so.
    """
    headers: dict[str, str] = {}
    for n, entry in enumerate(text.split(","), 1):
        if not entry.strip():
            continue
        key, equals, value = entry.partition("=")
        key, value = unquote(key.strip()).lower(), unquote(value.strip())
        reserved = key.startswith("grpc-") or key.endswith("-bin")
        if not equals or not _KEY.fullmatch(key) or not _VALUE.fullmatch(value) or reserved:
            msg = f"{setting}, entry {n}: it must be key=value, percent-encoded in ASCII"
            raise ConfigError(msg)
        headers[key] = value
    return headers


def check_encrypted(outgoing: Outgoing, url: str, *, secure: bool, local: bool) -> None:
    """Look at credentials for a receiver that is reached without TLS.

    Raises:
        ConfigError: there are certificates, which would be of no use.
    """
    if secure:
        return
    if outgoing.files.paths():
        names = " and ".join(name for name in _NAMES if _is_set(outgoing.files, name))
        msg = f"forward is {url!r}, without TLS; with {names} it must begin with https://"
        raise ConfigError(msg)
    if outgoing.headers and not local:
        _log.warning("forward_headers go to %s without encryption; use https://", url)


def _is_set(files: TlsFiles, name: str) -> bool:
    values = (files.cert_file, files.key_file, files.ca_file)
    return bool(dict(zip(_NAMES, values, strict=True))[name])
