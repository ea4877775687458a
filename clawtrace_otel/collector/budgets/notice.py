"""What is said when a trace or a session has reached a part of its budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from clawtrace_otel.collector.journal.names import split_name
from clawtrace_otel.collector.telemetry.table import Scope
from clawtrace_otel.money import PER_USD, to_units
from clawtrace_otel.tracecard.model import Card

VERSION = 1
"""Of the body. Keys may be added under the same number; none goes or changes its meaning."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a trace or a session may cost, in 1e-12 USD."""

    scope: Scope
    amount: int

    @classmethod
    def of_usd(cls, scope: Scope, usd: float) -> "Budget":
        """A budget in USD, which is more than 0."""
        return cls(scope, max(1, to_units(usd)))

    def reached(self, cost: int, percents: Sequence[int]) -> list[int]:
        """Which of ``percents`` a cost has reached."""
        return [percent for percent in percents if cost * 100 >= self.amount * percent]


@dataclass(frozen=True, slots=True)
class Spent:
    """A card that was written, as far as budgets go by it.

    Attributes:
        name: of the card.
        session: conversation id, "" if there is none.
        unpriced_calls: LLM calls on the card that have no price.
        seconds: that the card took to make.
    """

    name: str
    session: str
    service: str
    unpriced_calls: int
    seconds: float = 0.0

    @classmethod
    def of_card(cls, name: str, card: Card, seconds: float = 0.0) -> "Spent":
        """What a card says."""
        service, unpriced = card["root"]["service"], card["total"]["unpriced_calls"]
        return cls(name, card.get("session", ""), service, unpriced, seconds)

    @property
    def trace_id(self) -> str:
        """Of the trace that the card is named after."""
        return split_name(self.name)[0]

    def key(self, scope: Scope) -> str:
        """The trace or session; "" if there is none."""
        return self.trace_id if scope == "trace" else self.session


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """The body that is posted; docs/budgets.md has each key."""

    budget: int = VERSION
    id: str
    scope: Scope
    trace_id: str
    session: str
    percent: int
    crossed: list[int]
    cost_usd: float
    budget_usd: float
    unpriced_calls: int
    service: str
    card: str
    time: str
    text: str

    def body(self) -> bytes:
        """The notice as JSON in UTF-8."""
        return msgspec.json.encode(self)

    def extras(self) -> dict[str, Any]:
        """What a log record carries besides its text."""
        return {
            "scope": self.scope,
            "trace_id": self.trace_id,
            "session": self.session,
            "percent": self.percent,
            "cost": self.cost_usd,
            "budget": self.budget_usd,
        }


def make_notice(
    budget: Budget, spent: Spent, cost: int, crossed: list[int], unix_seconds: float
) -> Notice:
    """The notice for a trace or session.

    Args:
        budget: that it has.
        spent: the card that shows it.
        cost: of the trace or session, in 1e-12 USD.
        crossed: percents that were not told of before, in order.
        unix_seconds: now.
    """
    key = spent.key(budget.scope)
    return Notice(
        id=f"{budget.scope}/{key}/{budget.amount / PER_USD:.12g}/{crossed[-1]}",
        scope=budget.scope,
        trace_id=spent.trace_id,
        session=spent.session,
        percent=crossed[-1],
        crossed=crossed,
        cost_usd=cost / PER_USD,
        budget_usd=budget.amount / PER_USD,
        unpriced_calls=spent.unpriced_calls,
        service=spent.service,
        card=f"{spent.name}.yaml",
        time=_timestamp(unix_seconds),
        text=_text(budget, spent, cost, crossed[-1]),
    )


def _text(budget: Budget, spent: Spent, cost: int, percent: int) -> str:
    key = spent.key(budget.scope)
    text = f"{budget.scope} {key} has reached {percent} % of its budget: "
    text += f"{_decimal(cost)} of {_decimal(budget.amount)} USD"
    if spent.unpriced_calls:
        text += f" (more, if calls without a price cost something: {spent.unpriced_calls})"
    return text


def _decimal(units: int) -> str:
    return f"{units / PER_USD:.6f}".rstrip("0").rstrip(".")


def _timestamp(unix_seconds: float) -> str:
    moment = datetime.fromtimestamp(unix_seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
