"""Chat completions of an OpenAI-compatible endpoint, by the first format that it takes.

The ``openai`` library repeats what fails for a while, with back-off, and heeds ``Retry-After``.
Endpoints differ in what they take: one that refuses a JSON Schema is asked in JSON mode, then
without either; what worked once is kept.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, cast

import msgspec
from msgspec import Struct

from clawtrace_otel.costcraft.llm.answers import schema_of
from clawtrace_otel.costcraft.llm.failures import StoppedError, UnansweredError
from clawtrace_otel.costcraft.llm.options import LlmOptions
from clawtrace_otel.costcraft.llm.usage import Completion
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.semconv.masking import mask

try:
    import openai
except ModuleNotFoundError as e:
    _msg = f"the analyst llm needs more packages ({e}): pip install 'clawtrace-otel[llm]'"
    raise CostCraftError(_msg) from e

MAX_FAILURES = 3
"""So many calls in a row that fail, after all retries, and the endpoint is taken to be gone."""

_MAX_ERROR_CHARS = 300
_REFUSES_ALL = (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError)
_REFUSES_REQUEST = (openai.BadRequestError, openai.UnprocessableEntityError)
_NO_MONEY = "insufficient_quota"
_TOO_LONG = "context_length_exceeded"
_BOUND, _OLD_BOUND = "max_completion_tokens", "max_tokens"


class Message(TypedDict):
    """A message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Client:
    """Talks to an endpoint. Belongs to one event loop.

    Raises:
        CostCraftError: no key is given, and no endpoint that may need none.
    """

    def __init__(self, options: LlmOptions) -> None:
        self._options = options
        self._openai = _make_openai(options)
        self._format = 0
        self._bound = _BOUND
        self._failures = 0

    async def close(self) -> None:
        """Close its connections."""
        await self._openai.close()

    async def complete(self, messages: Sequence[Message], kind: type[Struct]) -> Completion:
        """The answer to a conversation.

        Args:
            messages: of the conversation.
            kind: what is asked for.

        Raises:
            UnansweredError: the endpoint does not answer this.
            StoppedError: it will not answer anything.
        """
        at = self._format
        while True:
            try:
                completion = await self._create(messages, _FORMATS[at](kind))
            except _REFUSES_REQUEST as e:
                at = self._next_try(at, e)
            except _REFUSES_ALL as e:
                msg = f"the endpoint refuses every request: {brief(e)}"
                raise StoppedError(msg) from e
            except (openai.OpenAIError, ValueError) as e:
                raise self._failed(e) from e
            else:
                self._format = max(self._format, at)
                self._failures = 0
                return completion

    def _next_try(self, at: int, e: openai.APIStatusError) -> int:
        """The format to try after a refusal."""
        if self._bound == _BOUND and _BOUND in str(e):
            self._bound = _OLD_BOUND
            return at
        if e.code == _TOO_LONG or at + 1 == len(_FORMATS):
            msg = f"the endpoint refuses the request: {brief(e)}"
            raise UnansweredError(msg) from e
        return at + 1

    async def _create(self, messages: Sequence[Message], fmt: Mapping[str, Any]) -> Completion:
        create = cast("Any", self._openai.chat.completions.with_raw_response.create)
        bound = {self._bound: self._options.max_output_tokens}
        raw = await create(model=self._options.model, messages=list(messages), **bound, **fmt)
        try:
            completion = msgspec.json.decode(raw.content, type=Completion)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as e:
            msg = f"what it sent is no chat completion ({e}): {raw.text[:80]!r}"
            raise ValueError(msg) from e
        if not completion.choices:
            msg = "what it sent is no chat completion: it has no choices"
            raise ValueError(msg)
        return completion

    def _failed(self, e: Exception) -> Exception:
        self._failures += 1
        if (isinstance(e, openai.APIError) and e.code == _NO_MONEY) or (
            self._failures >= MAX_FAILURES
        ):
            return StoppedError(f"the endpoint does not answer any more: {brief(e)}")
        return UnansweredError(f"the endpoint did not answer: {brief(e)}")


def brief(e: BaseException) -> str:
    """What went wrong, cut, without secrets."""
    return mask(f"{type(e).__name__}: {e}")[:_MAX_ERROR_CHARS]


def _make_openai(options: LlmOptions) -> openai.AsyncOpenAI:
    is_own = bool(options.base_url or os.environ.get("OPENAI_BASE_URL"))
    key = options.api_key or os.environ.get("OPENAI_API_KEY")
    try:
        return openai.AsyncOpenAI(
            base_url=options.base_url or None,
            # A server of one's own may want no key; the library insists on some.
            api_key=key or ("none" if is_own else None),
            max_retries=options.max_retries,
            timeout=options.timeout_seconds,
        )
    except openai.OpenAIError as e:
        msg = "no key for OpenAI's endpoint: set OPENAI_API_KEY, or OPENAI_BASE_URL for another one"
        raise CostCraftError(msg) from e


def _by_schema(kind: type[Struct]) -> Mapping[str, Any]:
    schema = {"name": kind.__name__.lower(), "strict": True, "schema": schema_of(kind)}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _by_mode(kind: type[Struct]) -> Mapping[str, Any]:
    del kind
    return {"response_format": {"type": "json_object"}}


def _plain(kind: type[Struct]) -> Mapping[str, Any]:
    del kind
    return {}


_FORMATS = (_by_schema, _by_mode, _plain)
