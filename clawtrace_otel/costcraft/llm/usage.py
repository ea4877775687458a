"""What an endpoint sends, and what a call used: read from its span's attributes, as a card does."""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct

from clawtrace_otel.pricing.pricer import Pricer
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.read_step import read_step
from clawtrace_otel.span import Span

Attribute = str | int | tuple[str, ...]


class Said(Struct):
    """The message of a choice."""

    content: str | None = None
    refusal: str | None = None


class Choice(Struct):
    """An answer."""

    message: Said
    finish_reason: str | None = None


class Completion(Struct):
    """A chat completion, as far as it is read.

    Source: OpenAI API reference, "The chat completion object". The usage is read leniently: that it
    cannot be read is no reason to lose an answer that was paid for.
    """

    choices: list[Choice]
    id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    usage: object = None


@dataclass(frozen=True, slots=True)
class Used:
    """What a call used.

    Attributes:
        input, output: tokens; ``None`` if the endpoint does not say.
        cost: 1e-12 USD; ``None`` if it is unknown.
    """

    input: int | None = None
    output: int | None = None
    cost: int | None = None

    @property
    def tokens(self) -> int | None:
        """Both together."""
        return None if self.input is None or self.output is None else self.input + self.output


NOTHING = Used(0, 0, 0)


def attributes_of(completion: Completion) -> dict[str, Attribute]:
    """What OpenTelemetry's conventions for generative AI have a span of a model call say of it."""
    usage = completion.usage
    reasons = tuple(choice.finish_reason or "" for choice in completion.choices)
    found: dict[str, object] = {
        a.GEN_AI_RESPONSE_MODEL: completion.model,
        a.GEN_AI_RESPONSE_ID: completion.id,
        a.OPENAI_RESPONSE_SERVICE_TIER: completion.service_tier,
        a.GEN_AI_USAGE_INPUT_TOKENS: _of(usage, "prompt_tokens"),
        a.GEN_AI_USAGE_OUTPUT_TOKENS: _of(usage, "completion_tokens"),
        a.GEN_AI_USAGE_CACHE_READ: _of(usage, "prompt_tokens_details", "cached_tokens"),
        a.GEN_AI_USAGE_REASONING: _of(usage, "completion_tokens_details", "reasoning_tokens"),
    }
    told: dict[str, Attribute] = {k: v for k, v in found.items() if isinstance(v, str | int)}
    return {**told, a.GEN_AI_RESPONSE_FINISH_REASONS: reasons}


def _of(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def read_used(attributes: Mapping[str, object], pricer: Pricer, start_ns: int) -> Used:
    """What a span with these attributes tells a card.

    Args:
        attributes: of a span of a model call, those of the request included.
        pricer: gives the price.
        start_ns: of the call, in Unix nanoseconds.
    """
    step = read_step(Span("", "", start_ns=start_ns, attributes=attributes), "none")
    usage = step.usage
    if usage is None:
        return Used()
    return Used(usage.input, usage.output, pricer.price(step).cost)
