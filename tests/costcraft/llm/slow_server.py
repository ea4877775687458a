"""A model server that answers several requests at once, each after a while, or not at all."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from tests.costcraft.llm.asked import IN, MODEL, OUT


class SlowServer:
    """Chat completions on loopback.

    Args:
        answer: the body of a request -> what the model says; ``None`` ends the connection.
        seconds: the body of a request -> how long that takes.
        raw: what is answered is the whole body of the response.
        refuse: the body of a request -> the body of a response with status 400.
    """

    def __init__(
        self,
        answer: Callable[[str], str | None],
        seconds: Callable[[str], float] = lambda _: 0.0,
        *,
        raw: bool = False,
        refuse: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.requests: list[str] = []
        self.most_at_a_time = self._now = 0
        self._answer, self._seconds, self._raw = answer, seconds, raw
        self._refuse = refuse
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self, body: str) -> bytes | None:
        with self._lock:
            self.requests.append(body)
            self._now += 1
            self.most_at_a_time = max(self.most_at_a_time, self._now)
            seconds = self._seconds(body)
        time.sleep(seconds)
        with self._lock:
            self._now -= 1
        text = self._answer(body)
        if text is None or self._raw:
            return None if text is None else text.encode()
        choice = {"index": 0, "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": IN, "completion_tokens": OUT, "total_tokens": IN + OUT}
        whole = {"id": "c", "object": "chat.completion", "created": 1, "model": MODEL}
        return json.dumps({**whole, "choices": [choice], "usage": usage}).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        serve, refuse = self._serve, self._refuse

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length).decode()
                refusal = refuse(body)
                answer = json.dumps(refusal).encode() if refusal else serve(body)
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(400 if refusal else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                del format, args

        return Handler
