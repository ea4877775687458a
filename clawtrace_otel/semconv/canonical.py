"""Values made comparable: canonical JSON text and its hash."""

import json
from hashlib import blake2b

MAX_PARSED_CHARS = 1 << 20
"""Longer texts are compared as they are, without being parsed."""

REDACTED = "__REDACTED__"
"""What OpenInference writes in place of content that it was told to hide."""


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else repr(value)


_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
)


def digest(text: str) -> str:
    """24 hex digits that stand for ``text``."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def dumps(value: object) -> str:
    """``value`` as JSON with sorted keys and without spaces.

    Raises:
        TypeError, ValueError, RecursionError: it is too deep or too large to be written.
    """
    return _ENCODER.encode(value)


def loads(text: str) -> object:
    """``text`` as JSON, or ``text`` itself if it is none (or too long or too deep to be read)."""
    if len(text) > MAX_PARSED_CHARS:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def parsed(value: object) -> object:
    """A value that senders write either as it is or as JSON text."""
    return loads(value) if isinstance(value, str) else value


def text_of(value: object) -> str:
    """A value as text: strings as they are, everything else as canonical JSON.

    Empty if it cannot be written: what cannot be compared is no evidence.
    """
    if isinstance(value, str):
        return value
    try:
        return dumps(value)
    except (TypeError, ValueError, RecursionError):
        return ""


def encodable(text: str) -> str:
    """``text`` without lone surrogates, which JSON and Python can hold and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
