"""Token counts in one JSON object, as providers answer them and observability SDKs copy them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from clawtrace_otel.semconv.canonical import parsed
from clawtrace_otel.semconv.shells import read_literal

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """How one provider or SDK spells usage.

    Attributes:
        known_by: one of these keys is there.
        fields: field -> dotted paths that may hold it; see ``dialects.dialect.Fields``.
        is_beside: the input, which is elsewhere, excludes the cached tokens that are here.
        others: field -> how the names of further counts begin that belong to it (audio tokens).
    """

    known_by: Names
    fields: Mapping[str, Names]
    others: Mapping[str, str] = field(default_factory=dict)
    is_beside: bool = False


CACHED_BESIDE_INPUT = "cached_beside_input"
"""Stands among the counts if ``input_tokens`` excludes the cached ones."""

SHAPES = (
    # OpenAI's chat completions, and all that copy them.
    Shape(
        ("prompt_tokens",),
        {
            "input_tokens": ("prompt_tokens",),
            "output_tokens": ("completion_tokens",),
            "cache_read": ("prompt_tokens_details.cached_tokens",),
            "cache_write": (
                "prompt_tokens_details.cache_write_tokens",
                "prompt_tokens_details.cache_creation_tokens",
            ),
            "reasoning": ("completion_tokens_details.reasoning_tokens",),
        },
    ),
    # OpenAI's responses.
    Shape(
        ("input_tokens_details", "input_tokens_details.cached_tokens"),
        {
            "input_tokens": ("input_tokens",),
            "output_tokens": ("output_tokens",),
            "cache_read": ("input_tokens_details.cached_tokens",),
            "cache_write": ("input_tokens_details.cache_write_tokens",),
            "reasoning": ("output_tokens_details.reasoning_tokens",),
        },
    ),
    # LangChain's usage_metadata: sums as OpenAI's, details in its own words.
    Shape(
        ("input_token_details", "output_token_details"),
        {
            "input_tokens": ("input_tokens",),
            "output_tokens": ("output_tokens",),
            "cache_read": ("input_token_details.cache_read",),
            "cache_write": ("input_token_details.cache_creation",),
            "cache_write_5m": ("input_token_details.ephemeral_5m_input_tokens",),
            "cache_write_1h": ("input_token_details.ephemeral_1h_input_tokens",),
            "reasoning": ("output_token_details.reasoning",),
        },
    ),
    # Anthropic's messages: input excludes what was read from and written to the cache.
    Shape(
        ("input_tokens",),
        {
            "fresh_tokens": ("input_tokens",),
            "output_tokens": ("output_tokens",),
            "cache_read": ("cache_read_input_tokens",),
            "cache_write": ("cache_creation_input_tokens",),
            "cache_write_5m": ("cache_creation.ephemeral_5m_input_tokens",),
            "cache_write_1h": ("cache_creation.ephemeral_1h_input_tokens",),
        },
    ),
    # Langfuse's own: all counts stand beside one another, named by what they were taken out of.
    Shape(
        ("input", "output"),
        {
            "fresh_tokens": ("input",),
            "visible_output_tokens": ("output",),
            "cache_read": ("input_cached_tokens", "input_cache_read", "cache_read_input_tokens"),
            "cache_write": ("input_cache_creation", "cache_creation_input_tokens"),
            "cache_write_5m": ("input_ephemeral_5m_input_tokens",),
            "cache_write_1h": ("input_ephemeral_1h_input_tokens",),
            "reasoning": ("output_reasoning_tokens", "output_reasoning"),
        },
        others={"fresh_tokens": "input_", "visible_output_tokens": "output_"},
    ),
    # The AI SDK's provider metadata: what it has no name for, or Anthropic's and Google's counts.
    Shape(
        ("openai",),
        {
            "cache_read": ("openai.cachedPromptTokens",),
            "cache_write": ("openai.usage.cacheWriteTokens",),
            "reasoning": ("openai.reasoningTokens",),
        },
    ),
    Shape(
        ("anthropic",),
        {
            "fresh_tokens": ("anthropic.usage.input_tokens",),
            "cache_read": (
                "anthropic.usage.cache_read_input_tokens",
                "anthropic.cacheReadInputTokens",
            ),
            "cache_write": (
                "anthropic.usage.cache_creation_input_tokens",
                "anthropic.cacheCreationInputTokens",
            ),
            "cache_write_5m": ("anthropic.usage.cache_creation.ephemeral_5m_input_tokens",),
            "cache_write_1h": ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens",),
        },
        is_beside=True,
    ),
    Shape(
        ("google",),
        {
            "input_tokens": ("google.usageMetadata.promptTokenCount",),
            "visible_output_tokens": ("google.usageMetadata.candidatesTokenCount",),
            "cache_read": ("google.usageMetadata.cachedContentTokenCount",),
            "reasoning": ("google.usageMetadata.thoughtsTokenCount",),
        },
    ),
    # Google's generateContent; thoughts are not a part of candidates.
    Shape(
        ("promptTokenCount", "prompt_token_count"),
        {
            "input_tokens": ("promptTokenCount", "prompt_token_count"),
            "visible_output_tokens": ("candidatesTokenCount", "candidates_token_count"),
            "cache_read": ("cachedContentTokenCount", "cached_content_token_count"),
            "reasoning": ("thoughtsTokenCount", "thoughts_token_count"),
        },
    ),
)


def read_details(value: object) -> dict[str, object]:
    """The counts in ``value`` (an object, its JSON or its Python ``repr``) by field.

    Empty if it is of no known shape.
    """
    details = read_object(value)
    shape = next((s for s in SHAPES if any(key in details for key in s.known_by)), None)
    if shape is None:
        return {}
    found = {
        name: next((v for path in paths if (v := _at(details, path)) is not None), None)
        for name, paths in shape.fields.items()
    }
    for name, start in shape.others.items():
        if isinstance(count := found[name], int):
            found[name] = count + _others(details, start, shape)
    if shape.is_beside:
        found[CACHED_BESIDE_INPUT] = True
    return {name: count for name, count in found.items() if count is not None}


_PRIORITY = "priority"
"""Counts of OpenAI's priority tier, which are in the others already."""


def _others(details: Mapping[str, object], start: str, shape: Shape) -> int:
    known = {path for paths in shape.fields.values() for path in paths}
    return sum(
        count
        for key, count in details.items()
        if key.startswith(start)
        and key not in known
        and not key.removeprefix(start).startswith(_PRIORITY)
        and isinstance(count, int)
        and not isinstance(count, bool)
    )


def read_object(value: object) -> Mapping[str, object]:
    """An object, its JSON or its Python ``repr``; empty if it is none of these."""
    found = parsed(value)
    if isinstance(found, str) and found.startswith("{"):
        found = read_literal(found)
    return found if isinstance(found, Mapping) else {}


def _at(details: Mapping[str, object], path: str) -> object:
    """What is at a dotted path, which some SDKs write as one key."""
    if path in details:
        return details[path]
    head, _, rest = path.partition(".")
    inner = details.get(head)
    return _at(inner, rest) if rest and isinstance(inner, Mapping) else None
