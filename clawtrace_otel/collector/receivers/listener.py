"""HTTP connections taken: a limited number, each in plain text or with TLS.

Neither ``asyncio`` nor aiohttp has a limit. With the accepting done here, every connection counts
from its first moment, also in its handshake, and gets the newest certificate.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Coroutine

from aiohttp import web

from clawtrace_otel.collector.security.tls import ServerTls

_log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 10.0
_DRAIN_SECONDS = 1.0
_MAX_REFUSALS = 100
_BACKLOG = 128
_NOT_NOW_SECONDS = 1.0
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nConnection: close\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 21\r\n\r\ntoo many connections\n"
)


class Listener:
    """Listens for an aiohttp server.

    Args:
        server: takes the connections.
        max_connections: at a time. More are answered 503, or closed where TLS would come first.
        tls: ``None``: plain text.
    """

    def __init__(self, server: web.Server, max_connections: int, tls: ServerTls | None) -> None:
        self._server = server
        self._max_connections = max_connections
        self._tls = tls
        self._sockets: list[socket.socket] = []
        self._handshakes: set[asyncio.Task[None]] = set()
        self._waiting: set[web.RequestHandler] = set()
        self._refusals: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen on every address of ``host``.

        Returns:
            The port of the first.

        Raises:
            OSError: an address cannot be listened on.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address) for family, *_, address in found):
            listening = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
            self._sockets.append(listening)
            listening.setblocking(False)
        for listening in self._sockets:
            loop.add_reader(listening, self._accept, listening)
        bound: int = self._sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Take no more connections; those that are there stay with the server."""
        for listening in self._sockets:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        self._sockets.clear()
        await asyncio.sleep(0)  # a task that is cancelled before it began leaves its socket open
        tasks = [*self._handshakes, *self._refusals]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, listening: socket.socket) -> None:
        """Take a connection. More that wait are taken in the next round of the loop."""
        try:
            accepted, _ = listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as e:
            _log.error("no connection can be accepted now: %s", e)
            self._pause(listening)
            return
        accepted.setblocking(False)
        if self._count() < self._max_connections:
            handler = self._server()
            self._waiting.add(handler)
            _run(self._handshakes, self._connect(accepted, handler))
        elif self._tls or len(self._refusals) >= _MAX_REFUSALS:
            accepted.close()
        else:
            _run(self._refusals, _refuse(accepted))

    def _count(self) -> int:
        """Connections that the server has, and those that it has not got yet."""
        waiting = sum(handler.transport is None for handler in self._waiting)
        return len(self._server.connections) + waiting

    def _pause(self, listening: socket.socket) -> None:
        """Out of file descriptors, the listening socket stays readable: trying on would spin."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        loop.call_later(_NOT_NOW_SECONDS, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    async def _connect(self, accepted: socket.socket, handler: web.RequestHandler) -> None:
        """Until the server has the connection, which is after the handshake."""
        context = self._tls.context() if self._tls else None
        seconds = HANDSHAKE_SECONDS if context else None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: handler, accepted, ssl=context, ssl_handshake_timeout=seconds
            )
        except OSError as e:  # also of ssl, and what times out
            _log.debug("a handshake failed: %s", e)
            accepted.close()
        except asyncio.CancelledError:
            accepted.close()
            raise
        finally:
            self._waiting.discard(handler)


def _run(tasks: set[asyncio.Task[None]], work: Coroutine[None, None, None]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _refuse(accepted: socket.socket) -> None:
    """Say why, and read what was sent: unread bytes would make the answer unreadable as well."""
    loop = asyncio.get_running_loop()
    with accepted, contextlib.suppress(OSError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            await loop.sock_sendall(accepted, _REFUSAL)
            accepted.shutdown(socket.SHUT_WR)
            while await loop.sock_recv(accepted, 1 << 16):
                pass
