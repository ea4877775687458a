"""How a delivery is written into one row: a checksum, then MessagePack.

SQLite notices damage to its own structure, not to what it stores.
"""

import zlib

import msgspec

from clawtrace_otel.semconv.step import Evaluation, Step

_CRC_BYTES = 4


class Row(msgspec.Struct, array_like=True):
    """What one delivery brings to one trace."""

    steps: list[Step] = []
    evaluations: list[Evaluation] = []


class DamagedRowError(ValueError):
    """A row does not have the bytes that were written."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Row)


def encode_row(row: Row) -> bytes:
    """A row as it is stored."""
    return _seal(_encoder.encode(row))


def decode_row(data: bytes) -> Row:
    """The row of :func:`encode_row`.

    Raises:
        DamagedRowError: it was changed.
    """
    try:
        return _decoder.decode(unseal(data))
    except msgspec.MsgspecError as e:
        raise DamagedRowError(str(e)) from e


def _seal(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_CRC_BYTES, "big") + data


def unseal(data: bytes) -> bytes:
    """What stands behind the checksum of a row.

    Raises:
        DamagedRowError: they were changed.
    """
    crc, content = data[:_CRC_BYTES], data[_CRC_BYTES:]
    if zlib.crc32(content).to_bytes(_CRC_BYTES, "big") != crc:
        msg = "its checksum is wrong"
        raise DamagedRowError(msg)
    return content
