"""Results that are errors, where no status says so.

Frameworks that hand an exception to the model as text leave the span's status unset. Only what
nothing but an error looks like is taken for one.
"""

import re
from collections.abc import Mapping

from clawtrace_otel.semconv.canonical import text_of

_FLAGS = ("isError", "is_error")
_ERROR = "error"
_NO_ERROR: tuple[object, ...] = (True, "none", "None", "null", "ok", "no", "false")

_SHAPES = re.compile(
    r"""
      Error(?::|\ executing\ |\ invoking\ |\ calling\ )   # LangChain, CrewAI, tau-bench
    | ERROR:
    | <tool_use_error>                                    # Claude Code
    | An\ error\ occurred\ while\ running\ the\ tool      # OpenAI Agents
    | Traceback\ \(most\ recent\ call\ last\)
    | (?:[a-z_]+\.)*[A-Z]\w*(?:Error|Exception):\         # repr of a Python or Java exception
    """,
    re.VERBOSE,
)


def error_in(result: object) -> str:
    """What went wrong, by the result of a tool; empty if it is no error.

    Args:
        result: parsed, if it is JSON.
    """
    if isinstance(result, str):
        return result if _SHAPES.match(result) else ""
    if not isinstance(result, Mapping):
        return ""
    error = result.get(_ERROR)
    if error and error not in _NO_ERROR and _says_nothing_else(result):
        return text_of(error)
    if any(result.get(flag) is True for flag in _FLAGS):
        return text_of(result.get("content") or error or result)
    return ""


def _says_nothing_else(result: Mapping[object, object]) -> bool:
    """Whether an object with an error holds no data: no list, no object beside it."""
    return not any(
        isinstance(value, list | Mapping) and value
        for key, value in result.items()
        if key != _ERROR
    )
