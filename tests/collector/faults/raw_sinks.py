"""Receivers that keep to no protocol."""

import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

from tests.collector.sinks import close_all


def close_at_once(connection: socket.socket) -> None:
    """Take the connection and close it."""
    del connection


def close_midway(connection: socket.socket) -> None:
    """Read some of the request, then reset the connection."""
    connection.recv(100)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def answer_garbage(connection: socket.socket) -> None:
    """Answer what is neither HTTP nor HTTP/2."""
    connection.recv(100)
    connection.sendall(b"\xff\x00 220 mail.example ready \x80\n" * 10)


def never_answer(connection: socket.socket) -> None:
    """Read, and say nothing."""
    while connection.recv(1 << 16):
        pass


BEHAVIOURS: dict[str, Callable[[socket.socket], None]] = {
    "closes each connection at once": close_at_once,
    "closes each connection midway": close_midway,
    "answers garbage": answer_garbage,
    "never answers": never_answer,
}


class RawSink:
    """A TCP server that does with each connection what it is told. A context manager."""

    def __init__(self, behave: Callable[[socket.socket], None], port: int) -> None:
        self._connections: list[socket.socket] = []
        sink = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                sink._connections.append(self.request)
                with suppress(OSError):  # the other side was faster
                    behave(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def was_tried(self) -> bool:
        """Whether there was a connection."""
        return bool(self._connections)

    def __enter__(self) -> "RawSink":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        close_all(self._connections)
