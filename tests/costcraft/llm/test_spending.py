import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.costcraft.llm.failures import LimitReachedError
from clawtrace_otel.costcraft.llm.options import LlmOptions
from clawtrace_otel.costcraft.llm.session import analyse
from clawtrace_otel.costcraft.llm.spending import Spending
from clawtrace_otel.demo.model_server import ModelServer
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.money import PER_USD
from tests.costcraft.llm.asked import (
    CALL_USD,
    MODEL,
    PRICES,
    PRUNE,
    always,
    options,
    proposing,
    runs_named,
)

NAMES = "abcdefgh"
LIMIT_USD, LIMIT_TOKENS = 0.1, 8_000
"""Less than eight answers take, and more than the worst case of one prompt of these tests."""


def test_at_the_limit_what_was_done_is_kept_and_the_next_call_asks_only_the_rest(
    tmp_path: Path,
) -> None:
    runs = runs_named(*NAMES)
    with ModelServer(always(proposing(PRUNE))) as server:
        limited = options(tmp_path, server.url, max_usd=LIMIT_USD, concurrency=2)
        first = analyse(runs, "", limited, tmp_path)
        asked = len(server.requests)
        assert 0 < asked < len(NAMES)
        assert first.cost_usd is not None
        assert first.cost_usd == pytest.approx(asked * CALL_USD)
        assert first.cost_usd <= LIMIT_USD
        assert (first.asked, first.unasked) == (asked, len(NAMES) - asked)
        assert first.patches[0].support.runs == asked
        assert "the limit is reached" in first.problems[0]
        second = analyse(runs, "", options(tmp_path, server.url), tmp_path)
        assert len(server.requests) == len(NAMES)
    assert (second.reused, second.calls) == (asked, len(NAMES) - asked)
    assert second.patches[0].support.runs == len(NAMES)
    assert not second.problems


def test_a_limit_that_no_call_fits_into_asks_nothing(tmp_path: Path) -> None:
    with ModelServer(always(proposing(PRUNE))) as server:
        with pytest.raises(CostCraftError, match=r"0\.0000 of 0\.001 USD are spent"):
            analyse(runs_named("a"), "", options(tmp_path, server.url, max_usd=0.001), tmp_path)
        assert not server.requests


def test_a_model_without_a_price_needs_a_limit_of_tokens(tmp_path: Path) -> None:
    with ModelServer(always(proposing(PRUNE))) as server:
        unpriced = LlmOptions(model="nobody-knows-this", base_url=server.url)
        with pytest.raises(CostCraftError, match="no price is known for the model 'nobody-knows"):
            analyse(runs_named("a"), "", unpriced, tmp_path)
        limited = LlmOptions(model="nobody-knows-this", base_url=server.url, max_tokens=40_000)
        found = analyse(runs_named("a"), "", limited, tmp_path)
    assert (len(found.patches), found.cost_usd, found.unpriced) == (1, None, 1)


def test_a_limit_of_tokens_holds_beside_that_of_money(tmp_path: Path) -> None:
    with ModelServer(always(proposing(PRUNE))) as server:
        given_options = options(tmp_path, server.url, max_tokens=LIMIT_TOKENS, concurrency=1)
        found = analyse(runs_named(*NAMES), "", given_options, tmp_path)
        asked = len(server.requests)
    assert 0 < asked < len(NAMES)
    assert f"{asked * 1_100:,} of 8,000 tokens" in found.problems[0]


def spending(folder: Path, max_usd: float) -> Spending:
    prices = folder / "prices.yaml"
    prices.write_text(PRICES)
    return Spending(
        LlmOptions(model=MODEL, max_usd=max_usd, max_output_tokens=100, prices=str(prices))
    )


def test_a_call_waits_for_those_in_flight_if_they_may_leave_enough(tmp_path: Path) -> None:
    async def ask() -> list[str]:
        spent, order = spending(tmp_path, 0.02), []
        first = await spent.reserve(500)
        second = asyncio.create_task(spent.reserve(500))
        await asyncio.sleep(0)
        order.append("waits" if not second.done() else "does not wait")
        await spent.settle(first, 0, 0)
        await second
        return [*order, "goes on"]

    assert asyncio.run(ask()) == ["waits", "goes on"]


@settings(max_examples=40)
@given(
    limit=st.floats(0.001, 0.1),
    calls=st.lists(st.tuples(st.integers(0, 4_000), st.floats(0, 1)), max_size=30),
)
def test_whatever_is_asked_at_a_time_the_limit_holds(
    limit: float, calls: list[tuple[int, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    spent = spending(tmp_path_factory.mktemp("prices"), limit)
    paid: list[int] = []

    async def call(prompt_bytes: int, share: float) -> None:
        try:
            hold = await spent.reserve(prompt_bytes)
        except LimitReachedError:
            return
        await asyncio.sleep(0)
        paid.append(int(hold.cost * share))
        await spent.settle(hold, paid[-1], 0)

    async def all_at_once() -> None:
        await asyncio.gather(*(call(*one) for one in calls))

    asyncio.run(all_at_once())
    assert sum(paid) <= limit * PER_USD


def test_what_is_unknown_is_booked_as_the_worst_case(tmp_path: Path) -> None:
    async def ask() -> None:
        spent = spending(tmp_path, 0.02)
        await spent.settle(await spent.reserve(500), None, None)
        await spent.reserve(500)

    with pytest.raises(LimitReachedError):
        asyncio.run(ask())
