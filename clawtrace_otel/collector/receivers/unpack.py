"""Request bodies unpacked, never into more memory than is allowed."""

import zlib

from clawtrace_otel.errors import ClawTraceError, DecodeError

MAX_MEMBERS = 16
"""A gzip body may be several in a row; each costs a copy of the rest."""

_GZIP = 16 + zlib.MAX_WBITS


class TooLargeError(ClawTraceError):
    """A request has more bytes than are allowed."""


def gunzip(body: bytes, max_bytes: int) -> bytes:
    """The content of a gzip body, whose end and checksum are looked at.

    Raises:
        DecodeError: the body is no gzip, is damaged or ends early.
        TooLargeError: the content has over ``max_bytes``.
    """
    parts: list[bytes] = []
    left = max_bytes
    for _ in range(MAX_MEMBERS):
        data, body = _unpack_member(body, left + 1)
        left -= len(data)
        if left < 0:
            msg = f"the request has over {max_bytes} bytes after decompression"
            raise TooLargeError(msg)
        parts.append(data)
        if not body:
            return b"".join(parts)
    msg = f"the body has over {MAX_MEMBERS} gzip members"
    raise DecodeError(msg)


def _unpack_member(body: bytes, max_length: int) -> tuple[bytes, bytes]:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        data = unpacker.decompress(body, max_length)
    except zlib.error as e:
        msg = f"the body is no gzip: {e}"
        raise DecodeError(msg) from e
    if not unpacker.eof and len(data) < max_length:
        msg = "the gzip body ends early"
        raise DecodeError(msg)
    return data, unpacker.unused_data
