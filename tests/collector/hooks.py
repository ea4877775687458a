"""A real HTTP server that takes notices of budgets, and answers as it is told."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.collector.certificates import Pair


class Hook:
    """A webhook. A context manager.

    Args:
        answers: what it answers to the first posts: a status, and headers; then it takes all.
        port: to listen on; 0 takes a free one.
        pair: with it, it speaks TLS.
        hold: answers only when it is set.
    """

    def __init__(
        self,
        *answers: tuple[int, dict[str, str]] | int,
        port: int = 0,
        pair: Pair | None = None,
        hold: threading.Event | None = None,
    ) -> None:
        self.tries: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        waiting = list(answers)
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.headers.append({k.lower(): v for k, v in self.headers.items()})
                hook.tries.append(body)
                if hold is not None:
                    hold.wait(60)
                answer = waiting.pop(0) if waiting else 200
                status, headers = (answer, {}) if isinstance(answer, int) else answer
                self.send_response(status)
                for key, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(key, value)
                self.end_headers()
                if status == 200:
                    hook.taken.append(body)

            do_GET = do_POST  # noqa: N815 - what a redirect would lead to

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its signature
                del format, args

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that did not wait is none of our business."""

        self._server = Server(("127.0.0.1", port), Handler)
        if pair is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.cert, pair.key)
            # The handshake is made by the thread of the connection, not by that which accepts.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        scheme = "https" if pair else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}/hooks/budget"

    def __enter__(self) -> "Hook":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def percents(self) -> list[int]:
        """Of the notices that were taken, in order."""
        return [notice["percent"] for notice in self.taken]

    @property
    def crossed(self) -> list[tuple[str, int]]:
        """Scope and percent of all that was told, in order."""
        return [(notice["scope"], p) for notice in self.taken for p in notice["crossed"]]
