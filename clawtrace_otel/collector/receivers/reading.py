"""One request read from a connection: in time, not too large, and only one."""

import asyncio
from typing import TypeAlias

import grpc
from aiohttp import web

from clawtrace_otel.collector.receivers.unpack import TooLargeError
from clawtrace_otel.errors import ClawTraceError

READ_SECONDS = 30.0
"""A sender that needs longer for one request holds up others."""

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"


class SlowError(ClawTraceError):
    """A request did not come in within ``READ_SECONDS``."""


class CardinalityError(ClawTraceError):
    """A gRPC call has not exactly one message."""


async def read_message(context: Context) -> bytes:
    """The message of a gRPC call; gRPC itself refuses one that is too large.

    Raises:
        SlowError: it did not come in time.
        CardinalityError: there is none, or another.
    """
    try:
        async with asyncio.timeout(READ_SECONDS):
            message = await context.read()
            if message is grpc.aio.EOF:
                msg = "the call has no message"
                raise CardinalityError(msg)
            if await context.read() is not grpc.aio.EOF:
                msg = "the call has more than one message"
                raise CardinalityError(msg)
    except TimeoutError as e:
        raise SlowError(_slow()) from e
    body: bytes = message
    return body


def check_size(request: web.Request, max_bytes: int) -> None:
    """Look at the size that a sender announces, before anything is read.

    Raises:
        TooLargeError: it is over ``max_bytes``.
    """
    if (request.content_length or 0) > max_bytes:
        raise TooLargeError(_too_large(max_bytes))


def announced_size(request: web.Request) -> int | None:
    """Of the body in bytes, if the sender tells and has not packed it."""
    packed = request.headers.get("Content-Encoding", "identity").lower() != "identity"
    return None if packed else request.content_length


async def read_body(request: web.Request, max_bytes: int) -> bytes:
    """The body of an HTTP request.

    Raises:
        SlowError: it did not come in time.
        TooLargeError: it has over ``max_bytes``.
    """
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await _read_chunks(request, max_bytes)
    except TimeoutError as e:
        raise SlowError(_slow()) from e


async def _read_chunks(request: web.Request, max_bytes: int) -> bytes:
    """Unlike ``request.read()``, which keeps the body as long as the request."""
    chunks: list[bytes] = []
    left = max_bytes
    async for chunk in request.content.iter_any():
        chunks.append(chunk)
        left -= len(chunk)
        if left < 0:
            raise TooLargeError(_too_large(max_bytes))
    return b"".join(chunks)


def _slow() -> str:
    return f"the request did not come in within {READ_SECONDS:g} s"


def _too_large(max_bytes: int) -> str:
    return f"the request has over {max_bytes} bytes"
