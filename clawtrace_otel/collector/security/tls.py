"""TLS of the receivers; certificates that are renewed on disk are picked up without a restart."""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from clawtrace_otel.collector.security.file_watch import FileWatch
from clawtrace_otel.errors import ConfigError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files in PEM. The settings of the same names, with a prefix, are named in errors.

    Attributes:
        cert_file: the certificate and those that lead to its authority.
        key_file: its private key, without a passphrase.
        ca_file: authorities that the peer's certificate must come from.
        names: of the three settings, for errors.
    """

    cert_file: str
    key_file: str
    ca_file: str
    names: tuple[str, str, str]

    def paths(self) -> list[Path]:
        """Those that are set."""
        return [Path(name) for name in (self.cert_file, self.key_file, self.ca_file) if name]

    def check_pair(self) -> None:
        """A certificate is of no use without its key.

        Raises:
            ConfigError: one is set, the other is not.
        """
        cert, key, _ = self.names
        if bool(self.cert_file) != bool(self.key_file):
            there, missing = (cert, key) if self.cert_file else (key, cert)
            msg = f"{there} is set, but {missing} is not; TLS needs both"
            raise ConfigError(msg)

    def load(self, context: ssl.SSLContext) -> tuple[bytes, bytes, bytes]:
        """Put what is set into a context, which checks it.

        Returns:
            What is in the files: certificate, key, authorities; empty where none is set.

        Raises:
            ConfigError: a file cannot be read or is not what it is said to be.
        """
        files = (self.cert_file, self.key_file, self.ca_file)
        cert, key, ca = (
            _read_pem(name, file, _MARKS[n])
            for n, (name, file) in enumerate(zip(self.names, files, strict=True))
        )
        if cert:
            self._load_pair(context)
        if ca:
            self._load_authorities(context, ca)
        return cert, key, ca

    def _load_pair(self, context: ssl.SSLContext) -> None:
        cert, key, _ = self.names
        try:
            context.load_cert_chain(self.cert_file, self.key_file, _no_passphrase)
        except _PassphraseError:
            msg = f"{key} {self.key_file} has a passphrase; it must have none"
            raise ConfigError(msg) from None
        except (ssl.SSLError, OSError) as e:
            if getattr(e, "reason", "") == "KEY_VALUES_MISMATCH":
                msg = f"{key} {self.key_file} is not the key of {cert} {self.cert_file}"
            else:
                msg = f"{cert} {self.cert_file} and {key} {self.key_file} cannot be used: {e}"
            raise ConfigError(msg) from e

    def _load_authorities(self, context: ssl.SSLContext, ca: bytes) -> None:
        try:
            context.load_verify_locations(cadata=ca.decode("ascii", "replace"))
        except ssl.SSLError as e:
            msg = f"{self.names[2]} {self.ca_file} has no certificate that can be used: {e}"
            raise ConfigError(msg) from e


class ServerTls:
    """TLS for both receivers, with the newest files.

    Args:
        files: certificate and key; with authorities clients must have a certificate as well.

    Raises:
        ConfigError: a file is missing or wrong; the message names setting and path.
    """

    def __init__(self, files: TlsFiles) -> None:
        files.check_pair()
        self._files = files
        self._context, self._grpc = self._load()
        self._watch = FileWatch(files.paths())
        self._grpc_seen = self._grpc

    @property
    def needs_client(self) -> bool:
        """Whether clients must have a certificate."""
        return bool(self._files.ca_file)

    def context(self) -> ssl.SSLContext:
        """For the next HTTP connection."""
        self._refresh()
        return self._context

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """For a gRPC port; asks for the newest files at each handshake."""
        return grpc.dynamic_ssl_server_credentials(self._grpc, self._fetch, self.needs_client)

    def _fetch(self) -> grpc.ServerCertificateConfiguration:
        self._refresh()
        return self._grpc

    def _refresh(self) -> None:
        if not self._watch.changed():
            return
        try:
            self._context, self._grpc = self._load()
        except ConfigError as e:
            _log.error("%s; the certificate read before stays in use", e)
        else:
            _log.info("new TLS files are in use: %s", self._files.cert_file)

    def _load(self) -> tuple[ssl.SSLContext, grpc.ServerCertificateConfiguration]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        cert, key, ca = self._files.load(context)
        if ca:
            context.verify_mode = ssl.CERT_REQUIRED
        return context, grpc.ssl_server_certificate_configuration([(key, cert)], ca or None)


def make_server_tls(cert_file: str, key_file: str, client_ca_file: str) -> ServerTls | None:
    """TLS as the settings want it; ``None``: plain text.

    Raises:
        ConfigError: see :class:`ServerTls`.
    """
    names = ("tls_cert_file", "tls_key_file", "tls_client_ca_file")
    if client_ca_file and not (cert_file or key_file):
        msg = f"{names[2]} is set, but {names[0]} and {names[1]} are not; TLS needs them"
        raise ConfigError(msg)
    if not (cert_file or key_file):
        return None
    return ServerTls(TlsFiles(cert_file, key_file, client_ca_file, names))


_MARKS = (b"CERTIFICATE-----", b"PRIVATE KEY-----", b"CERTIFICATE-----")
"""What stands in each of the files, if it is PEM of its kind."""


class _PassphraseError(Exception):
    pass


def _no_passphrase() -> str:
    """Otherwise OpenSSL would ask for it on the terminal."""
    raise _PassphraseError


def _read_pem(name: str, file: str, mark: bytes) -> bytes:
    if not file:
        return b""
    try:
        content = Path(file).read_bytes()
    except OSError as e:
        msg = f"{name} {file} cannot be read: {e.strerror}"
        raise ConfigError(msg) from e
    if b"-----BEGIN " not in content or mark not in content:
        kind = mark.removesuffix(b"-----").decode().lower()
        msg = f"{name} {file} is no {kind} in PEM"
        raise ConfigError(msg)
    return content
