"""Target: the readers of texts and objects on spans, each by itself."""

import re

from clawtrace_otel.semconv.content import shown_error, shown_text
from clawtrace_otel.semconv.masking import HIDDEN, MAX_MASKED_CHARS, mask
from clawtrace_otel.semconv.messages import make_call, read_output, request_hash
from clawtrace_otel.semconv.shells import is_result_of, read_arguments, read_result
from clawtrace_otel.semconv.usage import InvalidValueError, read_cost, read_usage
from clawtrace_otel.semconv.usage_details import read_details
from clawtrace_otel.semconv.words import MAX_WORDS, words_of
from clawtrace_otel.times import iso_ns
from tests.fuzz.checks import check_usage
from tests.fuzz.choices import Choices
from tests.fuzz.values import counts, document, number, text, value, written

_HASH = re.compile(r"(?:[0-9a-f]{24})?")
_FIELDS = ("input_tokens", "fresh_tokens", "output_tokens", "visible_output_tokens")
_MORE_FIELDS = ("cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "reasoning")


def texts(choices: Choices) -> int:
    """One value for all that read objects and texts, and another one for all that read counts."""
    held = written(choices, document(choices)) if choices.integer(0, 1) else value(choices)
    said = text(choices) + text(choices) + text(choices)
    _check_messages(held)
    _check_text(held if isinstance(held, str) else said)
    _check_text(said)
    _check_usage(choices)
    return len(repr(held)) + len(said)


def _check_messages(held: object) -> None:
    output = read_output(held, held)
    assert _HASH.fullmatch(output.hash())
    assert output.does(str(held)) in (
        *("final_reply", "plan_then_tool", "tool_call", "thinking_only", "other"),
    )
    call = make_call(held, held, held)
    assert _HASH.fullmatch(call.args_hash)
    assert make_call(held, held, held) == call
    assert _HASH.fullmatch(request_hash("m", held, {"": held}))
    read_arguments(held)
    read_result(held)
    is_result_of("read_file", held)


def _check_text(said: str) -> None:
    masked = mask(said)
    assert masked != HIDDEN
    assert mask(masked) == masked or len(masked) >= MAX_MASKED_CHARS or "[masked]" in masked
    assert len(words_of([said])) <= MAX_WORDS
    for policy in ("sample", "hash", "none"):
        shown_text(said, policy)
        shown = shown_error(said or "error", policy)
        assert shown
        if policy != "sample":
            assert shown_error(shown, policy) == shown
    iso_ns(said)


def _check_usage(choices: Choices) -> None:
    found = {name: number(choices) for name in (*_FIELDS, *_MORE_FIELDS) if choices.integer(0, 1)}
    details = written(choices, counts(choices))
    for held in (found, read_details(details), {**found, "usage_details": details}):
        try:
            usage = read_usage(held)
        except InvalidValueError:
            continue
        if usage is not None:
            check_usage(usage)
    priced = {"cost": number(choices), "cost_details": details, "cost_currency": text(choices)}
    for held in (priced, {"cost": priced["cost"]}, {"cost_details": details}):
        try:
            cost = read_cost(held)
        except InvalidValueError:
            continue
        assert cost is None or cost > 0
