"""Real certificates in files, and clients that use them."""

import http.client
import ssl
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import grpc
import trustme
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.collector.peers import PROTOBUF, TRACES, Answer


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, in files."""

    cert: Path
    key: Path

    def settings(self) -> dict[str, object]:
        """For a service that shows it."""
        return {"tls_cert_file": str(self.cert), "tls_key_file": str(self.key)}


class Authority:
    """Makes certificates for 127.0.0.1 in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._made = trustme.CA()
        self._folder = folder
        self.cert = folder / "ca.pem"
        self._made.cert_pem.write_to_path(self.cert)

    def issue(self, name: str) -> Pair:
        """A certificate; one of the same name before is replaced."""
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        leaf = self._made.issue_cert("127.0.0.1", common_name=name)
        for path, content in (
            (pair.cert, b"".join(part.bytes() for part in leaf.cert_chain_pems)),
            (pair.key, leaf.private_key_pem.bytes()),
        ):
            new = path.with_suffix(".new")
            new.write_bytes(content)
            new.replace(path)
        return pair


def export_grpc(
    address: str, content: bytes, authority: Authority, pair: Pair | None = None
) -> bytes:
    """One export by gRPC with TLS, on a channel of its own.

    Raises:
        grpc.RpcError: it was not accepted.
    """
    credentials = grpc.ssl_channel_credentials(
        authority.cert.read_bytes(),
        pair.key.read_bytes() if pair else None,
        pair.cert.read_bytes() if pair else None,
    )
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.secure_channel(address, credentials, options) as channel:
        answer: bytes = channel.unary_unary(TRACES)(content, timeout=10)
    return answer


def post_https(
    address: str,
    content: bytes,
    authority: Authority,
    pair: Pair | None = None,
    version: ssl.TLSVersion | None = None,
) -> Answer:
    """One export by HTTPS, on a connection of its own.

    Raises:
        OSError: the handshake failed.
    """
    context = ssl.create_default_context(cafile=str(authority.cert))
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    if version:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
    with closing(http.client.HTTPSConnection(address, timeout=10, context=context)) as opened:
        opened.request("POST", "/v1/traces", content, {"Content-Type": PROTOBUF})
        response = opened.getresponse()
        return Answer(response.status, dict(response.headers), response.read())


def served_name(address: str, authority: Authority) -> str:
    """The common name in the certificate that a server shows."""
    host, _, port = address.rpartition(":")
    text = ssl.get_server_certificate((host, int(port)), ca_certs=str(authority.cert))
    made = x509.load_pem_x509_certificate(text.encode())
    return str(made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
