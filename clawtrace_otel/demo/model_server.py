"""A scripted model server on loopback: what real SDKs talk to when no model may be called.

It speaks OpenAI Chat Completions, Responses and Embeddings and Anthropic Messages over HTTP, with
and without streaming. What they answer is in :mod:`clawtrace_otel.demo.model_api`; errors follow
OpenAI "Error codes" and Anthropic "Errors".
"""

import asyncio
import concurrent.futures
import functools
import threading
from typing import Self

import msgspec
from aiohttp import web

from clawtrace_otel.demo.model_api import CREATED, STREAM, WHOLE, embeddings
from clawtrace_otel.demo.model_script import Api, Json, Reply, Request, Script, ToolCall

__all__ = ["CREATED", "ModelServer", "Reply", "Request", "Script", "ToolCall"]

_MAX_BODY_BYTES = 64 * 1024 * 1024

_PATHS: dict[str, Api] = {
    "/v1/chat/completions": "chat",
    "/v1/responses": "responses",
    "/v1/messages": "messages",
    "/v1/embeddings": "embeddings",
}


class ModelServer:
    """Answers every model request with what `script` says, from a thread of its own.

    It listens when the constructor returns. The script is called for one request at a time, in
    order of arrival; embeddings are answered without it. Response ids count the requests of this
    server: `chatcmpl-0001`, `resp_0002`, `msg_0003`.
    """

    def __init__(self, script: Script, host: str = "127.0.0.1", port: int = 0) -> None:
        self.requests: list[Request] = []
        self._script = script
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        listening: concurrent.futures.Future[int] = concurrent.futures.Future()
        self._thread = threading.Thread(
            target=self._run, args=(host, port, listening), name="model-server", daemon=True
        )
        self._thread.start()
        self.anthropic_url = f"http://{host}:{listening.result()}"
        self.url = f"{self.anthropic_url}/v1"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _run(self, host: str, port: int, listening: concurrent.futures.Future[int]) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._serve(host, port, listening))
            except Exception as error:
                if listening.done():
                    raise
                listening.set_exception(error)  # for the constructor to raise

    async def _serve(self, host: str, port: int, listening: concurrent.futures.Future[int]) -> None:
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        for path, api in _PATHS.items():
            app.router.add_post(path, functools.partial(self._answer, api=api))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            listening.set_result(runner.addresses[0][1])
            await self._stop.wait()
        finally:
            await runner.cleanup()

    async def _answer(self, http: web.Request, api: Api) -> web.StreamResponse:
        try:
            request = _understand(api, await http.read())
        except ValueError as error:
            return _error(api, 400, str(error), "req_0000")
        self.requests.append(request)
        number = f"{len(self.requests):04}"
        if api == "embeddings":
            return web.json_response(embeddings(request))
        try:
            reply = self._script(request)
        except Exception as error:  # the script is the user's: its error goes to the client
            return _error(api, 500, f"the script failed: {error!r}", f"req_{number}")
        headers = {"x-request-id": f"req_{number}", "request-id": f"req_{number}"}
        if reply.status != 200:
            return _error(api, reply.status, f"scripted error {reply.status}", f"req_{number}")
        if not request.body.get("stream"):
            return web.json_response(WHOLE[api](number, request, reply), headers=headers)
        headers |= {"content-type": "text/event-stream", "cache-control": "no-cache"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(http)
        for name, data in STREAM[api](number, request, reply):
            text = data if isinstance(data, str) else msgspec.json.encode(data).decode()
            lines = f"event: {name}\ndata: {text}\n\n" if name else f"data: {text}\n\n"
            await response.write(lines.encode())
        await response.write_eof()
        return response


def _understand(api: Api, raw: bytes) -> Request:
    """Read a request; the message of the ValueError names everything that is missing."""
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        msg = f"the body is not JSON: {error}"
        raise ValueError(msg) from None
    if not isinstance(body, dict):
        msg = "the body is not a JSON object"
        raise ValueError(msg)
    key = "input" if api in ("responses", "embeddings") else "messages"
    conversation = body.get(key)
    missing = [] if isinstance(body.get("model"), str) else ["model (string)"]
    if key == "input" and isinstance(conversation, str):
        conversation = [{"role": "user", "content": conversation}]
    if api == "embeddings" and isinstance(conversation, list):
        conversation = [c if isinstance(c, dict) else {"content": c} for c in conversation]
    if not isinstance(conversation, list) or not all(isinstance(m, dict) for m in conversation):
        missing.append(f"{key} (list of objects{' or string' if key == 'input' else ''})")
    if api == "messages" and not isinstance(body.get("max_tokens"), int):
        missing.append("max_tokens (integer)")
    if missing or not isinstance(conversation, list):
        msg = f"missing or of the wrong type: {', '.join(missing)}"
        raise ValueError(msg)
    return Request(api, body["model"], conversation, body)


def _error(api: Api, status: int, message: str, request_id: str) -> web.Response:
    kind = {400: "invalid_request_error", 429: "rate_limit_error"}.get(status, "api_error")
    body: Json = {"error": {"type": kind, "message": message}}
    if api == "messages":
        body |= {"type": "error", "request_id": request_id}
    else:
        code = "rate_limit_exceeded" if status == 429 else None
        body["error"] |= {"param": None, "code": code}
    headers = {"x-request-id": request_id, "request-id": request_id}
    return web.json_response(body, status=status, headers=headers)
