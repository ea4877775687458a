"""Questions to a model: each is answered once, within the limits, and noted for good.

An answer that cannot be read gets one more request that says so.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from opentelemetry.trace import Span, Status, StatusCode

from clawtrace_otel.costcraft.llm.answers import A, read_answer, schema_of
from clawtrace_otel.costcraft.llm.client import Client, Message, brief
from clawtrace_otel.costcraft.llm.failures import NonsenseError, StoppedError
from clawtrace_otel.costcraft.llm.journal import Entry, Journal, key_of
from clawtrace_otel.costcraft.llm.options import LlmOptions
from clawtrace_otel.costcraft.llm.own_trace import Branch
from clawtrace_otel.costcraft.llm.spending import Spending
from clawtrace_otel.costcraft.llm.usage import (
    NOTHING,
    Attribute,
    Completion,
    Used,
    attributes_of,
    read_used,
)
from clawtrace_otel.money import to_usd
from clawtrace_otel.pricing.genai import SOURCE
from clawtrace_otel.semconv import attributes as a

_MAX_WHY_CHARS = 300


class Endpoint:
    """Asks a model. Belongs to one event loop.

    Attributes:
        costs: of the answers that were paid for, in 1e-12 USD.
        calls: answers that were paid for.
        unpriced: those of which the cost is not known.
        nonsense: those that could not be read.
        reused: answers that were there already.
        stopped: why nothing more is asked; empty if nothing stands in the way.

    Raises:
        CostCraftError: no key is given, and no endpoint that may need none.
    """

    def __init__(self, options: LlmOptions, journal: Journal, spending: Spending) -> None:
        self._options = options
        self._journal = journal
        self._spending = spending
        self._client = Client(options)
        self.costs: list[int] = []
        self.calls = self.unpriced = self.nonsense = self.reused = 0
        self.stopped = ""

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def ask(self, messages: Sequence[Message], kind: type[A], branch: Branch) -> A:
        """The answer to a conversation.

        Raises:
            NonsenseError: it was no such answer, twice.
            UnansweredError: the endpoint did not answer.
            StoppedError: nothing more is asked.
            CostCraftError: the answer cannot be noted.
        """
        key = key_of(self._options.model, _text_of(messages, kind))
        answer = self._known(key, kind) or await self._ask(messages, kind, branch, key)
        if isinstance(answer, _Unreadable):
            again = [*messages, *_complain(answer)]
            answer = await self._ask(again, kind, branch, key)
        if isinstance(answer, _Unreadable):
            msg = f"nonsense, twice: {answer.why}"
            raise NonsenseError(msg)
        return answer

    def _known(self, key: str, kind: type[A]) -> A | None:
        """The answer that is there already; a journal that somebody has changed may have none."""
        known = self._journal.get(key)
        try:
            answer = None if known is None else read_answer(known, kind)
        except ValueError:
            return None
        self.reused += answer is not None
        return answer

    async def _ask(
        self, messages: Sequence[Message], kind: type[A], branch: Branch, key: str
    ) -> "A | _Unreadable":
        completion, used = await self._pay(messages, kind, branch)
        text = ""
        try:
            text = _text_in(completion)
            answer = read_answer(text, kind)
        except ValueError as e:
            self.nonsense += 1
            self._note(key, "", completion, used)
            return _Unreadable(text, str(e)[:_MAX_WHY_CHARS])
        self._note(key, text, completion, used)
        return answer

    async def _pay(
        self, messages: Sequence[Message], kind: type[A], branch: Branch
    ) -> tuple[Completion, Used]:
        if self.stopped:
            raise StoppedError(self.stopped)
        try:
            hold = await self._spending.reserve(len(_text_of(messages, kind).encode()))
            used = NOTHING
            try:
                completion, used = await self._call(messages, kind, branch)
            finally:
                await self._spending.settle(hold, used.cost, used.tokens)
        except StoppedError as e:
            self.stopped = str(e)
            raise
        self.calls += 1
        self.unpriced += used.cost is None
        self.costs += [] if used.cost is None else [used.cost]
        return completion, used

    async def _call(
        self, messages: Sequence[Message], kind: type[A], branch: Branch
    ) -> tuple[Completion, Used]:
        asked, start_ns = self._asked(), time.time_ns()
        span = branch.call(self._options.model, asked)
        try:
            completion = await self._client.complete(messages, kind)
        except BaseException as e:
            _fail(span, e)
            raise
        told = {**asked, **attributes_of(completion)}
        span.set_attributes(told)
        span.end()
        return completion, read_used(told, self._spending.pricer, start_ns)

    def _asked(self) -> Mapping[str, Attribute]:
        asked: dict[str, Attribute] = {
            a.GEN_AI_OPERATION_NAME: "chat",
            a.GEN_AI_REQUEST_MODEL: self._options.model,
            a.GEN_AI_REQUEST_MAX_TOKENS: self._options.max_output_tokens,
        }
        # Whose price it has: the address of an endpoint says nothing of who made a model.
        card = self._spending.card
        known = card.provider if card is not None and card.source == SOURCE else ""
        provider = self._options.provider or known
        return {**asked, a.GEN_AI_PROVIDER_NAME: provider} if provider else asked

    def _note(self, key: str, text: str, completion: Completion, used: Used) -> None:
        entry = Entry(
            key=key,
            model=completion.model or self._options.model,
            text=text,
            input=used.input or 0,
            output=used.output or 0,
            usd=to_usd(used.cost),
        )
        self._journal.add(entry)


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """An answer that is none, and why."""

    text: str
    why: str


def _fail(span: Span, e: BaseException) -> None:
    span.set_attribute(a.ERROR_TYPE, type(e).__qualname__)
    span.set_status(Status(StatusCode.ERROR, brief(e)))
    span.end()


def _text_of(messages: Sequence[Message], kind: type[A]) -> str:
    return msgspec.json.encode([list(messages), schema_of(kind)], order="sorted").decode()


def _text_in(completion: Completion) -> str:
    choice = completion.choices[0]
    if choice.message.refusal:
        msg = f"the model refused: {choice.message.refusal}"
        raise ValueError(msg)
    if choice.finish_reason == "length":
        msg = "it was cut off at the bound of its length (--max-output-tokens)"
        raise ValueError(msg)
    if not choice.message.content:
        msg = "it is empty"
        raise ValueError(msg)
    return choice.message.content


def _complain(unreadable: _Unreadable) -> list[Message]:
    said: list[Message] = []
    if unreadable.text:
        said.append({"role": "assistant", "content": unreadable.text})
    text = f"That cannot be read: {unreadable.why}. Answer with the JSON object alone."
    return [*said, {"role": "user", "content": text}]
