"""Records of Claude Code for tests, in the form of version 2.1."""

from itertools import count

Json = dict[str, object]

SESSION = "11111111-1111-4111-8111-111111111111"
OTHER_SESSION = "22222222-2222-4222-8222-222222222222"
MODEL = "claude-opus-4-5-20251101"

_numbers = count()


def at(second: float) -> str:
    """A time of the session."""
    minutes, rest = divmod(second, 60)
    return f"2026-01-05T14:{int(minutes):02d}:{rest:06.3f}Z"


def ns(second: float) -> int:
    """The same as Unix nanoseconds."""
    return 1_767_621_600_000_000_000 + round(second * 1000) * 1_000_000


def record(kind: str, second: float, **more: object) -> Json:
    """A record with what all have."""
    return {
        "type": kind,
        "uuid": f"uuid-{next(_numbers)}",
        "parentUuid": None,
        "isSidechain": False,
        "sessionId": SESSION,
        "version": "2.1.19",
        "timestamp": at(second),
        **more,
    }


def asked(second: float, text: str = "do it", **more: object) -> Json:
    """What the user said."""
    return record("user", second, message={"role": "user", "content": text}, **more)


def usage(fresh: int = 10, output: int = 20, read: int = 0, write: int = 0) -> Json:
    """The usage of a call; all that is written to the cache stays for five minutes."""
    return {
        "input_tokens": fresh,
        "output_tokens": output,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": write,
        "cache_creation": {"ephemeral_5m_input_tokens": write, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }


def said(
    second: float,
    message_id: str,
    *blocks: Json,
    tokens: object = None,
    model: object = MODEL,
    stop: object = None,
    **more: object,
) -> Json:
    """One line of an assistant message."""
    message = {
        "id": message_id,
        "role": "assistant",
        "model": model,
        "content": list(blocks) or [text("ok")],
        "stop_reason": stop,
        "usage": usage() if tokens is None else tokens,
    }
    return record("assistant", second, message=message, requestId=f"req_{message_id}", **more)


def text(said: str) -> Json:
    """A block of text."""
    return {"type": "text", "text": said}


def call(call_id: str, name: str, **arguments: object) -> Json:
    """A block that asks for a tool call."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def result(second: float, call_id: str, content: object = "done", **more: object) -> Json:
    """The result of a tool call; ``told`` is its ``toolUseResult``, ``failed`` its ``is_error``."""
    told, failed = more.pop("told", {}), more.pop("failed", False)
    block = {"type": "tool_result", "tool_use_id": call_id, "content": content, "is_error": failed}
    message = {"role": "user", "content": [block]}
    return record("user", second, message=message, toolUseResult=told, **more)


def progress(second: float, agent: str, tool_id: str, quoted: Json) -> Json:
    """A line that quotes a message of a sub-agent."""
    data = {"type": "agent_progress", "agentId": agent, "message": quoted, "prompt": "look"}
    return record("progress", second, data=data, parentToolUseID=tool_id, toolUseID="agent_msg_1")


def agent_result(agent: str, tokens: Json) -> Json:
    """The ``toolUseResult`` of a sub-agent that is done."""
    return {
        "status": "completed",
        "agentId": agent,
        "content": [text("found it")],
        "totalDurationMs": 4000,
        "totalTokens": 99_999,
        "totalToolUseCount": 7,
        "usage": tokens,
    }
