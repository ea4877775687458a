"""The content policy: what is kept and shown of arguments, errors and explanations.

It is applied where a step is made, before anything is written, and again where a card is. Calls are
compared by hashes of what they really were, so that repeats are found under every policy. Names (of
tools, agents, models, spans) are structure and not content.
"""

import re

from msgspec.structs import replace

from clawtrace_otel.semconv.canonical import digest
from clawtrace_otel.semconv.masking import mask
from clawtrace_otel.semconv.step import Call, Evaluation, Step
from clawtrace_otel.settings import Content

MAX_KEPT_CHARS = 240
"""Of errors and explanations, after masking: a secret that is cut in half is no longer found."""

HASH = "blake2b:"
_HASH_DIGITS = 12

_ERROR = "error"
_KIND = re.compile(
    r"((?:[A-Za-z_]\w{0,63}\.){0,8}[A-Z]\w{0,63}?"
    r"(?:Error|Exception|Warning|Interrupt|Exit|Timeout|Failure|Fault|ExceptionGroup))(?:[:(]|$)"
)
"""The class of an exception, as languages write it before the message."""

_WORD = re.compile(r"[\w.-]{1,64}")
_SHOWN_KIND = re.compile(rf"{_ERROR}(?: \([\w.-]{{1,64}}\))?")
_HASHED = re.compile(rf"{HASH}[0-9a-f]{{{_HASH_DIGITS}}}")


def keep(step: Step, content: Content, error_type: str = "") -> None:
    """Keep of a step what the policy lets through.

    Args:
        step: is changed.
        content: the policy.
        error_type: class of the error, where the span names it.
    """
    if step.error is not None:
        step.error = _kept_error(step.error, content, error_type)
    step.args = _kept_args(step.args, content)
    step.calls = tuple(_kept_call(call, content) for call in step.calls)
    step.evaluations = tuple(kept_evaluation(e, content) for e in step.evaluations)


def kept_evaluation(evaluation: Evaluation, content: Content) -> Evaluation:
    """What is kept of an evaluation; name, score and label always are."""
    if not evaluation.explanation:
        return evaluation
    return replace(evaluation, explanation=shown_text(evaluation.explanation, content))


def shown_args(step: Step, content: Content) -> str:
    """The arguments of a call as they stand in a card; empty if nothing is to be shown."""
    if content == "hash" and step.args_hash:
        return HASH + step.args_hash[:_HASH_DIGITS]
    return _kept_args(step.args, content)


def shown_error(error: str, content: Content) -> str:
    """An error as it stands in a card; never empty."""
    return _kept_error(error, content, "")


def shown_text(text: str, content: Content) -> str:
    """A text as it is kept and shown; empty if nothing is to be."""
    if content == "none":
        return ""
    if content == "hash":
        return text if _HASHED.fullmatch(text) else _hashed(text)
    return mask(text)[:MAX_KEPT_CHARS]


def _kept_args(args: str, content: Content) -> str:
    return mask(args) if args and content == "sample" else ""


def _kept_call(call: Call, content: Content) -> Call:
    return replace(call, args=_kept_args(call.args, content)) if call.args else call


def _kept_error(error: str, content: Content, error_type: str) -> str:
    if content == "sample":
        return mask(error)[:MAX_KEPT_CHARS]
    kind, _, hashed = error.rpartition(" ")
    if _HASHED.fullmatch(hashed) and _is_kind(kind):  # as it was kept
        return error if content == "hash" else kind
    kind = error if _SHOWN_KIND.fullmatch(error) else _kind_of(error, error_type)
    return kind if content == "none" else f"{kind} {_hashed(error)}"


def _kind_of(error: str, error_type: str) -> str:
    """The class of an error without its message: ``TimeoutError``, ``error (timeout)``."""
    for text in (error_type, error):
        if match := _KIND.match(text):
            return match[1]
    return f"{_ERROR} ({error_type})" if _WORD.fullmatch(error_type) else _ERROR


def _is_kind(text: str) -> bool:
    return bool(_SHOWN_KIND.fullmatch(text) or _KIND.fullmatch(text))


def _hashed(text: str) -> str:
    return HASH + digest(text)[:_HASH_DIGITS]
