"""What the analyst may use, ask and spend."""

from msgspec import Struct


class LlmOptions(Struct, frozen=True, kw_only=True):
    """What the analyst may use, ask and spend.

    Attributes:
        model: as the endpoint names it.
        base_url: of an OpenAI-compatible endpoint; empty: ``OPENAI_BASE_URL``, else OpenAI's.
        provider: whose prices hold, as price files name it; empty: the model's name tells.
        api_key: empty: ``OPENAI_API_KEY``; an endpoint of one's own may need none.
        max_usd: what all calls of one distillation may cost; ``None``: no limit.
        max_tokens: of prompts and answers of all calls together; ``None``: no limit.
        max_output_tokens: of one answer, reasoning included.
        max_prompt_chars: of what is shown of one run.
        max_look_ups: of the analyst of a failing run.
        concurrency: calls at a time.
        max_retries: of a call, by the ``openai`` library, with back-off.
        timeout_seconds: of one attempt.
        prices, litellm_prices: price files, as the settings of these names.
        show_cost: whether the analyst is shown what steps cost (ablation ``no-cost``).
        allow_prune: whether it may prune (ablation ``no-prune``).
    """

    model: str
    base_url: str = ""
    provider: str = ""
    api_key: str = ""
    max_usd: float | None = 5.0
    max_tokens: int | None = None
    max_output_tokens: int = 8_192
    max_prompt_chars: int = 24_000
    max_look_ups: int = 6
    concurrency: int = 4
    max_retries: int = 5
    timeout_seconds: float = 180.0
    prices: str = ""
    litellm_prices: str = ""
    show_cost: bool = True
    allow_prune: bool = True

    def __repr__(self) -> str:
        return f"LlmOptions(model={self.model!r}, base_url={self.base_url!r})"
