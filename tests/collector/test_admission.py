"""The gate: how many requests are read at the same time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from clawtrace_otel.collector.ingest import UnavailableError
from clawtrace_otel.collector.receivers import admission
from clawtrace_otel.collector.receivers.admission import Gate

IDLE = 100 << 20
MAX = 256 << 20


class State:
    """What the gate asks for."""

    def __init__(self) -> None:
        self.resident = IDLE
        self.pending = 0
        self.sending = 0


@asynccontextmanager
async def gate_of(state: State) -> AsyncIterator[Gate]:
    gate = Gate(MAX, lambda: state.resident)
    gate.start(lambda: state.pending, lambda: state.sending)
    try:
        yield gate
    finally:
        await gate.stop()


def run(scene: Callable[[Gate, State], Awaitable[None]]) -> None:
    async def play() -> None:
        state = State()
        async with gate_of(state) as gate:
            await scene(gate, state)

    asyncio.run(play())


async def read(gate: Gate, until: asyncio.Event) -> str:
    """Read until told; what became of it."""
    try:
        async with gate.read():
            await until.wait()
    except UnavailableError:
        return "turned away"
    return "read"


def test_small_requests_are_read_at_the_same_time() -> None:
    async def scene(gate: Gate, state: State) -> None:
        del state
        go = asyncio.Event()
        reads = [asyncio.create_task(read(gate, go)) for _ in range(50)]
        await asyncio.sleep(0.1)
        go.set()
        assert await asyncio.gather(*reads) == ["read"] * 50

    run(scene)


def test_after_a_large_request_the_next_are_read_one_after_the_other() -> None:
    async def scene(gate: Gate, state: State) -> None:
        del state
        gate.has_read(60 << 20)
        first, second = asyncio.Event(), asyncio.Event()
        one = asyncio.create_task(read(gate, first))
        await asyncio.sleep(0.05)
        other = asyncio.create_task(read(gate, second))
        second.set()
        await asyncio.sleep(0.1)
        assert not other.done()
        first.set()
        assert [await one, await other] == ["read", "read"]

    run(scene)


def test_that_requests_are_large_is_forgotten() -> None:
    async def scene(gate: Gate, state: State) -> None:
        del state
        gate.has_read(60 << 20)
        await asyncio.sleep(5)
        go = asyncio.Event()
        reads = [asyncio.create_task(read(gate, go)) for _ in range(10)]
        go.set()
        assert await asyncio.wait_for(asyncio.gather(*reads), 1) == ["read"] * 10

    run(scene)


def test_when_memory_runs_out_all_are_turned_away_but_the_first() -> None:
    async def scene(gate: Gate, state: State) -> None:
        go = asyncio.Event()
        reads = [asyncio.create_task(read(gate, go)) for _ in range(5)]
        await asyncio.sleep(0.1)
        state.resident = IDLE + MAX
        others = await asyncio.gather(*reads[1:])
        assert others == ["turned away"] * 4
        go.set()
        assert await reads[0] == "read"

    run(scene)


def test_who_waits_too_long_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "WAIT_SECONDS", 0.2)

    async def scene(gate: Gate, state: State) -> None:
        state.resident, state.pending = IDLE + MAX, 1
        assert await read(gate, asyncio.Event()) == "turned away"

    run(scene)


def test_one_that_is_alone_is_let_in_whatever_memory_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was not given back must not lock out everybody for ever."""
    monkeypatch.setattr(admission, "ALONE_SECONDS", 0.2)

    async def scene(gate: Gate, state: State) -> None:
        state.resident = IDLE + 2 * MAX
        go = asyncio.Event()
        go.set()
        assert await read(gate, go) == "read"

    run(scene)


def test_a_large_request_waits_for_a_large_one_that_is_sent_on() -> None:
    async def scene(gate: Gate, state: State) -> None:
        gate.has_read(60 << 20)
        state.sending = 60 << 20
        go = asyncio.Event()
        go.set()
        waiting = asyncio.create_task(read(gate, go))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        state.sending = 0
        assert await waiting == "read"

    run(scene)
