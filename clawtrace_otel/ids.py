"""Ids that follow from what they identify: reading it again gives the same ones."""

from hashlib import blake2b

TRACE_BYTES = 16
SPAN_BYTES = 8


def derived_id(size: int, *parts: str) -> str:
    """An id of ``size`` bytes, in hex, from what tells one thing from all others."""
    data = "\0".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=size).hexdigest()
