"""Entries of pi sessions for tests."""

from itertools import count

Json = dict[str, object]
START_MS = 1_765_233_660_000
MODEL = "claude-opus-4-5"

_ids = count()


def iso(second: float) -> str:
    """A time of the session; 22:41:00 is second 0."""
    return f"2025-12-08T22:41:{second:06.3f}Z"


def ns(second: float) -> int:
    return (START_MS + round(second * 1000)) * 1_000_000


def header(session: str = "s1", second: float = 0, **more: object) -> Json:
    return {"type": "session", "id": session, "timestamp": iso(second), "version": 3, **more}


def entry(second: float, message: Json, **more: object) -> Json:
    same = {"type": "message", "id": f"e{next(_ids)}", "parentId": None, "timestamp": iso(second)}
    return {**same, "message": message, **more}


def asked(second: float) -> Json:
    at = START_MS + round(second * 1000)
    return entry(second, {"role": "user", "content": "do it", "timestamp": at})


def said(
    began: float,
    ended: float,
    *blocks: Json,
    usage: tuple[int, int, int, int] = (10, 20, 0, 0),
    cost: float = 0,
    **more: object,
) -> Json:
    """An answer; ``usage`` is (input, output, cacheRead, cacheWrite), ``cost`` in USD."""
    names = ("input", "output", "cacheRead", "cacheWrite")
    message: Json = {
        "role": "assistant",
        "content": list(blocks) or [{"type": "text", "text": "ok"}],
        "provider": "anthropic",
        "model": MODEL,
        "usage": {**dict(zip(names, usage, strict=True)), "cost": {"total": cost}},
        "stopReason": "stop",
        "timestamp": START_MS + round(began * 1000),
    }
    return entry(ended, {**message, **more})


def call(call_id: str, name: str, **arguments: object) -> Json:
    return {"type": "toolCall", "id": call_id, "name": name, "arguments": arguments}


def result(second: float, call_id: str, text: str = "done", *, failed: bool = False) -> Json:
    message = {
        "role": "toolResult",
        "toolCallId": call_id,
        "content": [{"type": "text", "text": text}],
        "isError": failed,
        "timestamp": START_MS + round(second * 1000),
    }
    return entry(second, message)
