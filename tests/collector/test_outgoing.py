"""Headers and certificates for the receiver that spans are forwarded to."""

import gzip
import logging
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.collector.forwarding.outgoing import make_outgoing, parse_headers
from clawtrace_otel.collector.forwarding.senders import make_sender
from clawtrace_otel.errors import ConfigError
from clawtrace_otel.settings import Settings, load_settings
from tests.collector import otlp, peers
from tests.collector.certificates import Authority, Pair
from tests.collector.peers import TRACES, InProcess, export

SECRET = "s3cret-0123456789"
HEADERS = f"Authorization=Bearer%20{SECRET}, X-Team=a%2Cb"


class Sink:
    """What a receiver got: headers of each request and its body."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        self.taken: list[bytes] = []


@contextmanager
def grpc_sink(server: Pair, clients: Authority | None) -> Iterator[tuple[str, Sink]]:
    """A gRPC receiver with TLS, or with mutual TLS."""
    sink = Sink()

    def take(content: bytes, context: grpc.ServicerContext) -> bytes:
        sink.headers.append(dict(context.invocation_metadata()))
        sink.taken.append(content)
        return b""

    made = grpc.server(ThreadPoolExecutor(2))
    handler = grpc.unary_unary_rpc_method_handler(take)
    service = grpc.method_handlers_generic_handler(TRACES.split("/")[1], {"Export": handler})
    made.add_generic_rpc_handlers((service,))
    credentials = grpc.ssl_server_credentials(
        [(server.key.read_bytes(), server.cert.read_bytes())],
        clients.cert.read_bytes() if clients else None,
        require_client_auth=clients is not None,
    )
    port = made.add_secure_port("127.0.0.1:0", credentials)
    made.start()
    try:
        yield f"https://127.0.0.1:{port}", sink
    finally:
        made.stop(None).wait()


@contextmanager
def http_sink(server: Pair, clients: Authority | None) -> Iterator[tuple[str, Sink]]:
    """An HTTP receiver with TLS, or with mutual TLS."""
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sink.headers.append({key.lower(): value for key, value in self.headers.items()})
            packed = self.rfile.read(int(self.headers["Content-Length"]))
            sink.taken.append(gzip.decompress(packed))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its signature
            del format, args

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server.cert, server.key)
    if clients:
        context.load_verify_locations(clients.cert)
        context.verify_mode = ssl.CERT_REQUIRED
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.handle_error = lambda *_: None  # type: ignore[method-assign]
    made.socket = context.wrap_socket(made.socket, server_side=True, do_handshake_on_connect=False)
    made.daemon_threads = True
    thread = threading.Thread(target=made.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{made.server_port}/v1/traces", sink
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


SINKS = {"gRPC": grpc_sink, "HTTP": http_sink}


@pytest.mark.parametrize("name", SINKS)
def test_spans_go_to_a_receiver_with_mutual_tls_and_a_token(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    authority, clients = Authority(tmp_path / "a"), Authority(tmp_path / "b")
    client = clients.issue("client")
    given = {
        "forward_ca_file": str(authority.cert),
        "forward_cert_file": str(client.cert),
        "forward_key_file": str(client.key),
        "forward_headers": HEADERS,
    }
    with (
        SINKS[name](authority.issue("server"), clients) as (url, sink),
        InProcess(tmp_path, forward=url, **given) as service,
    ):
        export(service.grpc, otlp.body(*otlp.run()))
        peers.until(lambda: len(otlp.spans_of(sink.taken)) == 5)
    assert sink.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert sink.headers[0]["x-team"] == "a,b"
    assert SECRET not in caplog.text


@pytest.mark.parametrize("name", SINKS)
@pytest.mark.parametrize("wrong", ["another authority", "no certificate"])
def test_a_receiver_that_is_not_trusted_or_does_not_trust_us_gets_nothing(
    tmp_path: Path, name: str, wrong: str
) -> None:
    authority, stranger = Authority(tmp_path / "a"), Authority(tmp_path / "b")
    trusted = stranger if wrong == "another authority" else authority
    clients = authority if wrong == "no certificate" else None
    with (
        SINKS[name](authority.issue("server"), clients) as (url, sink),
        InProcess(tmp_path, forward=url, forward_ca_file=str(trusted.cert)) as service,
    ):
        export(service.grpc, otlp.body(*otlp.run()))
        peers.card(service.cards, where=peers.is_complete)
    assert not sink.taken


def test_headers_are_read_as_opentelemetrys_exporters_read_them() -> None:
    assert parse_headers(HEADERS) == {"authorization": f"Bearer {SECRET}", "x-team": "a,b"}
    assert parse_headers("") == {}
    assert parse_headers("a=b=c,,") == {"a": "b=c"}


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"={SECRET}",
        f"a b={SECRET}",
        f"a={SECRET}%0d%0aX-Evil: 1",
        f"a={SECRET}é",
        f"grpc-timeout={SECRET}",
        f"a-bin={SECRET}",
    ],
)
def test_headers_that_cannot_be_are_told_without_their_value(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_headers(f"x=1,{text}")
    assert "forward_headers, entry 2" in str(caught.value)
    assert SECRET not in str(caught.value)


@given(st.text())
def test_no_header_has_a_line_end(text: str) -> None:
    try:
        headers = parse_headers(text)
    except ConfigError:
        return
    for key, value in headers.items():
        assert key
        assert all(" " <= letter <= "~" for letter in key + value)


def outgoing(**settings: str) -> Settings:
    return load_settings(settings, environment={})


def test_certificates_without_tls_are_an_error(tmp_path: Path) -> None:
    made = make_outgoing(outgoing(forward_ca_file=str(Authority(tmp_path).cert)))
    with pytest.raises(ConfigError, match="without TLS; with forward_ca_file"):
        make_sender("http://127.0.0.1:4317", made)


@pytest.mark.parametrize("url", ["https://127.0.0.1:4318", "https://127.0.0.1:4318/v1/traces"])
def test_a_wrong_certificate_is_told(tmp_path: Path, url: str) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(ConfigError, match=f"forward_ca_file {missing} cannot be read"):
        make_sender(url, make_outgoing(outgoing(forward_ca_file=str(missing))))
    pair = Authority(tmp_path).issue("client")
    with pytest.raises(ConfigError, match="forward_key_file is not; TLS needs both"):
        make_sender(url, make_outgoing(outgoing(forward_cert_file=str(pair.cert))))


def test_a_password_in_the_url_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        make_sender(f"https://anna:{SECRET}@127.0.0.1:4318")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://127.0.0.1:4318", False),
        ("http://jaeger:4318", True),
        ("https://jaeger:4318", False),
    ],
)
def test_headers_that_go_out_unencrypted_are_warned_of(
    url: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    make_sender(url, make_outgoing(outgoing(forward_headers=HEADERS)))
    assert ("without encryption" in caplog.text) == warned
    assert SECRET not in caplog.text
