"""The names under which price lists may know a model that a span names otherwise.

Gateways and clouds put prefixes before a model's name, and clouds suffixes behind it. They are
taken off only as far as the price stays the same: not the regions that cost more (Azure's ``eu/``,
Bedrock's ``eu-west-2/``), and never ``ft:``, because a fine-tuned model has its own price.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

PROVIDER_ALIASES = {
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure_ai": "azure",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "vertex_ai": "google",
    "gemini": "google",
    "aws.bedrock": "aws",
    "bedrock": "aws",
    "fireworks_ai": "fireworks",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot": "moonshotai",
    "moonshot_ai": "moonshotai",
    "together_ai": "together",
    "x_ai": "x-ai",
    "xai": "x-ai",
}
"""Provider names of the GenAI conventions, current and older, and of LiteLLM -> those of
genai-prices, which are ours."""

MAX_PREFIXES = 4
"""A name with more prefixes is looked up with the rest of them."""

_REGION = r"(?:us|eu|apac|ap|au|jp|ca|sa|af|me|il|uk)"
_VENDOR = (
    r"(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshotai|nvidia"
    r"|openai|qwen|writer|zai)"
)
_SELLERS = (
    r"(?:anthropic|cerebras|cohere|deepseek|fireworks_ai|gemini|groq|mistral|moonshot|openai"
    r"|openrouter|perplexity|together_ai|xai|google)"
)

_ANY: frozenset[str] = frozenset()
_UNSAID = frozenset({"", "litellm", "openai"})
"""Names of a provider that say little: clients of OpenAI's are used with any endpoint."""


@dataclass(frozen=True, slots=True)
class Affix:
    """What stands around a model's name.

    Attributes:
        pattern: of the whole name; the group ``model`` is what is left, ``provider`` who sells it.
        provider: who sells it, where the pattern has no such group; empty: whom the span names.
        providers: it is one of these if the span names one of these (or the seller itself); any if
            there are none.
    """

    pattern: re.Pattern[str]
    provider: str = ""
    providers: frozenset[str] = _ANY


def _affix(pattern: str, provider: str = "", providers: frozenset[str] = _ANY) -> Affix:
    return Affix(re.compile(pattern, re.IGNORECASE), provider, providers)


AFFIXES = (
    _affix(r"arn:aws[\w-]*:bedrock:[^/]*/(?P<model>.+)", "aws"),
    _affix(
        r"bedrock(?:_converse)?/(?:(?:converse|invoke)/)?(?:us-(?:east|west)-\d/)?(?P<model>[^/]+)",
        "aws",
    ),
    _affix(r"azure(?:_ai|_text)?/(?:global(?:-standard)?/)?(?P<model>(?!(?:us|eu)/).+)", "azure"),
    _affix(r"vertex_ai(?:_beta)?/(?P<model>.+)", "google"),
    _affix(r"(?:projects/[^/]+/locations/[^/]+/)?publishers/[^/]+/models/(?P<model>.+)", "google"),
    _affix(r"models/(?P<model>.+)"),
    _affix(r"(?P<provider>fireworks)_ai/(?P<model>.+)"),
    _affix(r"(?P<model>accounts/fireworks/.+)", "fireworks"),
    _affix(r"accounts/fireworks/(?:models|routers)/(?P<model>.+)", "fireworks"),
    _affix(rf"(?P<provider>{_SELLERS})/(?P<model>.+)", providers=_UNSAID),
    # Bedrock's ids, whoever the client says that it is.
    _affix(
        rf"(?P<model>(?:(?:{_REGION}|global)\.)?{_VENDOR}\.[\w.:-]+)",
        "aws",
        frozenset({"", "anthropic", "openai", "meta", "mistral", "cohere"}),
    ),
    _affix(rf"{_REGION}\.(?P<model>anthropic\..+)", "aws", frozenset({"aws"})),
    _affix(r"(?P<model>.+?)-v\d+(?::\d+)?", "aws", frozenset({"aws"})),
)
"""In the order in which they are tried."""


@lru_cache(maxsize=4096)
def spellings(provider: str, model: str) -> tuple[tuple[str, str], ...]:
    """The (provider, model) to look up, one after the other until one is found.

    Args:
        provider: as the span names it, in lower case; empty if it names none.
        model: as the span names it.
    """
    found = [(PROVIDER_ALIASES.get(provider, provider), model)]
    for _ in range(MAX_PREFIXES):
        inner = next((i for i in _taken_off(*found[-1]) if i not in found), None)
        if inner is None:
            break
        found.append(inner)
    return tuple(found)


def _taken_off(provider: str, model: str) -> Iterator[tuple[str, str]]:
    for affix in AFFIXES:
        match = affix.pattern.fullmatch(model)
        if match is None:
            continue
        told = match.groupdict().get("provider") or affix.provider or provider
        seller = PROVIDER_ALIASES.get(told.lower(), told.lower())
        if not affix.providers or provider in affix.providers or provider == seller:
            yield seller, match["model"]
