"""Many connections, idle ones and slow ones."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import pytest

from tests.collector import otlp, peers
from tests.collector.certificates import Authority, post_https
from tests.collector.peers import PROTOBUF, InProcess, export, post

CONTENT = otlp.body(*otlp.run())

HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
"""A client's preface and its empty settings. Source: RFC 9113, section 3.4."""

SLOW_HTTP = (
    b"POST /v1/traces HT",
    b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nX-A: ",
    f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\n".encode()
    + b"Content-Length: 1000000\r\n\r\nslow",
)
SLOW_GRPC = (HTTP2[:10], HTTP2, HTTP2 + b"\0\1\0\1\0\0\0\0\1half of the headers")


@contextmanager
def opened(address: str, count: int, *beginnings: bytes) -> Iterator[list[socket.socket]]:
    """Connections, each with the beginning of a request, in turn."""
    host, _, port = address.rpartition(":")
    with ExitStack() as stack:
        made = []
        for n in range(count):
            one = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
            if beginnings:
                one.sendall(beginnings[n % len(beginnings)])
            made.append(one)
        yield made


def is_closed(one: socket.socket) -> bool:
    """Whether the service closed a connection."""
    one.settimeout(0.01)
    try:
        while one.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def test_idle_and_slow_connections_hold_up_nobody(tmp_path: Path) -> None:
    with (
        InProcess(tmp_path) as service,
        opened(service.http, 150),
        opened(service.grpc, 150),
        opened(service.http, 50, *SLOW_HTTP),
        opened(service.grpc, 50, *SLOW_GRPC),
    ):
        started = time.monotonic()
        export(service.grpc, CONTENT)
        assert post(service.http, CONTENT).status == 200
        assert time.monotonic() - started < 2
        peers.card(service.cards, where=peers.is_complete)


def test_http_connections_over_the_limit_are_told_so_and_later_ones_served(
    tmp_path: Path,
) -> None:
    with InProcess(tmp_path, max_connections=5) as service:
        with opened(service.http, 5):
            peers.until(lambda: post(service.http, CONTENT).status == 503)
            answer = post(service.http, CONTENT)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
            assert answer.body == b"too many connections\n"
            export(service.grpc, CONTENT)
        peers.until(lambda: post(service.http, CONTENT).status == 200)


def test_grpc_connections_over_the_limit_are_closed_and_later_ones_served(tmp_path: Path) -> None:
    with InProcess(tmp_path, max_connections=5) as service:
        with opened(service.grpc, 5, HTTP2) as made:
            time.sleep(0.2)
            with opened(service.grpc, 1, HTTP2) as more:
                peers.until(lambda: is_closed(more[0]))
            assert not any(is_closed(one) for one in made)
            error = peers.refused(service.grpc, CONTENT)
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            assert post(service.http, CONTENT).status == 200
        peers.until(lambda: accepted(service))


def accepted(service: InProcess) -> bool:
    try:
        export(service.grpc, CONTENT)
    except grpc.RpcError:
        return False
    return True


def test_handshakes_count_as_connections_and_failed_ones_no_more(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    given = authority.issue("server").settings()
    with InProcess(tmp_path, max_connections=5, **given) as service:
        with opened(service.http, 5):
            time.sleep(0.2)
            with pytest.raises(OSError, match=r"EOF|reset|closed"):
                post_https(service.http, CONTENT, authority)
        with opened(service.http, 20, b"no handshake\r\n\r\n") as made:
            peers.until(lambda: all(is_closed(one) for one in made))
        peers.until(lambda: post_https(service.http, CONTENT, authority).status == 200)


def test_headers_that_do_not_come_and_idle_connections_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clawtrace_otel.collector.receivers.http_receiver.IDLE_SECONDS", 0.3)
    with InProcess(tmp_path) as service, opened(service.http, 3, b"", *SLOW_HTTP[:2]) as made:
        peers.until(lambda: all(is_closed(one) for one in made))


@pytest.mark.parametrize("size", [9_000, 100_000])
def test_headers_that_are_too_large_are_refused_and_not_logged(
    tmp_path: Path, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    """They may hold a token."""
    with InProcess(tmp_path) as service:
        request = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nX-A: {'x' * size}\r\n\r\n".encode()
        with opened(service.http, 1, request) as made:
            assert made[0].recv(12).endswith(b" 400")
        metadata = (("x-a", "x" * size * 2),)
        with peers.channel(service.grpc) as channel, pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(peers.TRACES)(CONTENT, timeout=10, metadata=metadata)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        export(service.grpc, CONTENT)
    assert "xxx" not in caplog.text
