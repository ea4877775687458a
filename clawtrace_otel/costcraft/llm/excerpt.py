"""Texts of a run as a model is shown them: without secrets, cut, on one line."""

import json

from clawtrace_otel.ids import derived_id
from clawtrace_otel.semconv.masking import mask

_HEAD_SHARE = 0.7
_MARK_BYTES = 6


def excerpt(text: str, chars: int) -> str:
    """A text as a JSON string: its beginning and end if it is longer than ``chars``.

    What is behind the first ``masking.MAX_MASKED_CHARS`` characters is never shown.
    """
    shown = mask(text)
    if len(shown) > chars:
        head = int(chars * _HEAD_SHARE)
        shown = f"{shown[:head]} … {shown[len(shown) - (chars - head) :]}"
    return json.dumps(shown, ensure_ascii=False)


def fenced(text: str) -> str:
    """Data between two lines that it cannot hold: their mark follows from all of the data."""
    mark = derived_id(_MARK_BYTES, text)
    return f"BEGIN DATA {mark}\n{text}\nEND DATA {mark}"
