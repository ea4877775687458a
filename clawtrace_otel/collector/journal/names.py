"""Names of cards: the trace id, and for a further part of the trace ``<trace id>-<part>``.

A trace has further parts if it has more steps than one card is made of, or if spans come in after
it was removed from the journal.
"""


def card_name(trace_id: str, part: int) -> str:
    """The name of the card of a part; parts are counted from 1."""
    return trace_id if part == 1 else f"{trace_id}-{part}"


def split_name(name: str) -> tuple[str, int]:
    """Trace id and part."""
    trace_id, _, part = name.partition("-")
    return trace_id, int(part or 1)


def key_of(name: str) -> tuple[bytes, int]:
    """The key of a part in the tables."""
    trace_id, part = split_name(name)
    return bytes.fromhex(trace_id), part


def name_of(key: bytes, part: int) -> str:
    """The name of a key."""
    return card_name(key.hex(), part)
