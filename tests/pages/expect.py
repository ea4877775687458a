"""What the cards of a run must say: what the model served, to the token and the cent."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from genai_prices import Usage, calc_price

from clawtrace_otel.demo.model_script import Reply
from clawtrace_otel.tracecard.model import Card

_NEAR = Decimal("1e-9")  # USD
_HOUR, _MINUTES = Decimal(2), Decimal("1.25")
"""What a token costs that is written to Anthropic's cache, for an hour or five minutes: x input."""


class Served(msgspec.Struct, frozen=True):
    """An answer of the scripted model: whose API, the model that was asked for, the answer."""

    provider: str
    model: str
    reply: Reply


class Expected(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the cards must say beside what was served.

    Attributes:
        cards: how many there are.
        tools: how many tool calls all have together.
        agents: sub-agents that have a step, in order.
        verdicts: of repeated calls, in order.
        session: what the first card names; empty if it does not matter.
        lost: counts of `Reply` that this library's spans do not tell.
        passed: the outcome.
    """

    cards: int = 1
    tools: int = 2
    agents: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ("same",)
    session: str = ""
    lost: tuple[str, ...] = ()
    passed: bool | None = None


def problems(expected: Expected, cards: Sequence[Card], served: Sequence[Served]) -> list[str]:
    """What is not as expected, a sentence each."""
    found, wanted = _found(cards), _wanted(expected, served)
    wrong = [
        f"{key}: expected {wanted[key]}, found {found[key]}"
        for key in wanted
        if found[key] != wanted[key]
    ]
    cost = Decimal(str(sum(Decimal(str(card["total"]["cost_usd"] or 0)) for card in cards)))
    price = sum((_price(_seen(answer, expected.lost)) for answer in served), Decimal(0))
    if abs(cost - price) > _NEAR:
        wrong.append(f"cost: expected {price}, found {cost}")
    if expected.session and (not cards or cards[0].get("session") != expected.session):
        wrong.append(f"session: expected {expected.session}")
    if any(card["status"] == "open" for card in cards):
        wrong.append("a card is open")
    return wrong


_COUNTS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
)
"""Of `Reply`."""


def _found(cards: Sequence[Card]) -> dict[str, Any]:
    totals = [card["total"] for card in cards]
    steps = [step for card in cards for step in card["steps"]]
    return {
        "cards": len(cards),
        "llm_calls": sum(total["llm_calls"] for total in totals),
        "tool_calls": sum(total["tool_calls"] for total in totals),
        "unpriced_calls": sum(total["unpriced_calls"] for total in totals),
        **{field: sum(told[field] for told in map(_tokens, cards)) for field in _COUNTS},
        "agents": tuple(step["agent"] for step in steps if "agent" in step),
        "verdicts": tuple(s["repeat"]["verdict"] for s in steps if "repeat" in s and "tool" in s),
        "passed": next((c["outcome"]["passed"] for c in cards if "outcome" in c), None),
    }


def _tokens(card: Card) -> dict[str, int]:
    """What a card says of tokens, by the fields of `Reply`."""
    tokens = card["total"]["tokens"]
    return {
        "input_tokens": tokens["input"],
        "cache_read_tokens": tokens["cache_read"],
        "cache_write_tokens": tokens["cache_write"],
        "output_tokens": tokens["output"],
        "reasoning_tokens": tokens["reasoning"],
    }


def _wanted(expected: Expected, served: Sequence[Served]) -> dict[str, Any]:
    replies = [_seen(answer, expected.lost).reply for answer in served]
    return {
        "cards": expected.cards,
        "llm_calls": len(served),
        "tool_calls": expected.tools,
        "unpriced_calls": 0,
        **{field: sum(getattr(reply, field) for reply in replies) for field in _COUNTS},
        "agents": expected.agents,
        "verdicts": expected.verdicts,
        "passed": expected.passed,
    }


def _seen(answer: Served, lost: Sequence[str]) -> Served:
    reply = msgspec.structs.replace(answer.reply, **dict.fromkeys(lost, 0))
    return msgspec.structs.replace(answer, reply=reply)


def _price(answer: Served) -> Decimal:
    """USD, by the price list itself; it has no price of its own for an hour in the cache."""
    reply = answer.reply
    usage = Usage(
        input_tokens=reply.input_tokens,
        cache_read_tokens=reply.cache_read_tokens,
        cache_write_tokens=reply.cache_write_tokens,
        output_tokens=reply.output_tokens,
    )
    price = calc_price(usage, answer.model, provider_id=answer.provider).total_price
    return Decimal(price) + sum(_longer(answer), Decimal(0))


def _longer(answer: Served) -> Iterator[Decimal]:
    if count := answer.reply.cache_write_1h_tokens:
        usage = Usage(input_tokens=count)
        whole = calc_price(usage, answer.model, provider_id=answer.provider).total_price
        yield Decimal(whole) * (_HOUR - _MINUTES)
