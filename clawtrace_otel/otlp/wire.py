"""Protobuf's wire format, as far as it is needed to move bytes without decoding them.

Source: https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterator

from clawtrace_otel.errors import DecodeError

_LENGTH_DELIMITED = 2
_FIXED_BYTES = {1: 8, 5: 4}


def varint(value: int) -> bytes:
    """A number as it is written before a field."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def length_delimited(number: int, *parts: bytes) -> list[bytes]:
    """The pieces of a field of bytes; joined they are the field."""
    return [varint(number << 3 | _LENGTH_DELIMITED), varint(sum(map(len, parts))), *parts]


def fields(message: bytes) -> Iterator[tuple[int, int, int]]:
    """The top-level fields of a message.

    Yields:
        Number of the field, and where it begins and ends, its tag included.

    Raises:
        DecodeError: the message is damaged.
    """
    try:
        yield from _fields(message)
    except IndexError:
        msg = "the message ends early"
        raise DecodeError(msg) from None


def _fields(message: bytes) -> Iterator[tuple[int, int, int]]:
    at = 0
    while at < len(message):
        begin = at
        tag, at = _read_varint(message, at)
        kind = tag & 7
        if kind == _LENGTH_DELIMITED:
            size, at = _read_varint(message, at)
            at += size
        elif kind in _FIXED_BYTES:
            at += _FIXED_BYTES[kind]
        elif kind == 0:
            _, at = _read_varint(message, at)
        else:
            msg = f"the message has a field of kind {kind}"
            raise DecodeError(msg)
        if at > len(message):
            raise IndexError
        yield tag >> 3, begin, at


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
