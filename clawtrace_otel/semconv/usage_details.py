"""Token counts in one JSON object, as providers answer them and observability SDKs copy them."""

from collections.abc import Mapping
from dataclasses import dataclass

from clawtrace_otel.semconv.canonical import parsed
from clawtrace_otel.semconv.shells import read_literal

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """How one provider or SDK spells usage.

    Attributes:
        known_by: one of these keys is there.
        fields: field -> dotted paths that may hold it; see ``dialects.dialect.Fields``.
    """

    known_by: Names
    fields: Mapping[str, Names]


SHAPES = (
    # OpenAI's chat completions, and all that copy them.
    Shape(
        ("prompt_tokens",),
        {
            "input_tokens": ("prompt_tokens",),
            "output_tokens": ("completion_tokens",),
            "cache_read": ("prompt_tokens_details.cached_tokens",),
            "cache_write": ("prompt_tokens_details.cache_creation_tokens",),
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
    details = parsed(value)
    if isinstance(details, str) and details.startswith("{"):
        details = read_literal(details)
    if not isinstance(details, Mapping):
        return {}
    shape = next((s for s in SHAPES if any(key in details for key in s.known_by)), None)
    if shape is None:
        return {}
    found = {
        name: next((v for path in paths if (v := _at(details, path)) is not None), None)
        for name, paths in shape.fields.items()
    }
    return {name: count for name, count in found.items() if count is not None}


def _at(details: Mapping[str, object], path: str) -> object:
    """What is at a dotted path, which some SDKs write as one key."""
    if path in details:
        return details[path]
    head, _, rest = path.partition(".")
    inner = details.get(head)
    return _at(inner, rest) if rest and isinstance(inner, Mapping) else None
