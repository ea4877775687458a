"""The demo's story: the project that the agent repairs, and what the model says to it.

The story holds what a TraceCard is there to show: a plan, two tools called at once, a file that is
read twice for nothing, a sub-agent, tests that fail and pass when they are run again, and prompts
of which the cache pays a growing part.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from clawtrace_otel.demo.model_server import Reply, Request, ToolCall

_BUG = '''\
"""Add up the lines of an invoice."""

from decimal import Decimal


def total(lines: list[tuple[str, str]]) -> Decimal:
    """Return the sum of quantity times price."""
    amounts = (Decimal(quantity) * Decimal(price) for quantity, price in lines)
    return round(sum(amounts, Decimal(0)), 2)
'''
_FIX = '''\
"""Add up the lines of an invoice."""

from decimal import ROUND_HALF_UP, Decimal


def total(lines: list[tuple[str, str]]) -> Decimal:
    """Return the sum of the lines, each rounded half up to the cent before they are added."""
    amounts = (Decimal(quantity) * Decimal(price) for quantity, price in lines)
    cents = (amount.quantize(Decimal("0.01"), ROUND_HALF_UP) for amount in amounts)
    return sum(cents, Decimal(0))
'''
_TESTS = """\
import unittest
from decimal import Decimal

from invoice import total


class TotalTest(unittest.TestCase):
    def test_whole_cents(self) -> None:
        self.assertEqual(total([("2", "1.50"), ("1", "0.99")]), Decimal("3.99"))

    def test_half_cents(self) -> None:
        self.assertEqual(total([("1", "0.125"), ("1", "0.125")]), Decimal("0.26"))


unittest.main()
"""
_ROUNDING = """\
# Rounding

Each line is rounded half up to the cent before the lines are added: customers check an invoice
line by line. Use `Decimal.quantize` with `ROUND_HALF_UP`; the built-in `round` rounds half to even.
"""
_CURRENCIES = """\
# Currencies

All amounts are in euros. Prices may have up to four decimal places.
"""

PROJECT: Mapping[str, str] = {
    "invoice.py": _BUG,
    "test_invoice.py": _TESTS,
    "docs/currencies.md": _CURRENCIES,
    "docs/rounding.md": _ROUNDING,
}


def write_project(folder: Path) -> None:
    """Write the files of the project, with the bug."""
    for name, text in PROJECT.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class _Turn:
    """One answer of the model.

    `added_tokens` are new in the prompt: the results of the tools called before; in the first turn
    the instructions, the tools' descriptions and the task, of the size that they have in practice.
    """

    added_tokens: int
    written_tokens: int
    reasoning_tokens: int = 0
    text: str = ""
    calls: tuple[tuple[str, Mapping[str, str]], ...] = ()


# gpt-5.4 answers the planner, gpt-5.4-mini the researcher. A turn without calls is the last.
_TURNS: Mapping[str, tuple[_Turn, ...]] = {
    "planner": (
        _Turn(
            added_tokens=1_874,
            written_tokens=96,
            reasoning_tokens=192,
            text="First I see what is there and how the tests fail. Then I read the code and its "
            "tests, ask what the documents want, change the code, and run the tests again.",
            calls=(
                ("list_files", {"folder": "."}),
                ("run_tests", {"path": "test_invoice.py"}),
            ),
        ),
        _Turn(
            added_tokens=74,
            written_tokens=49,
            calls=(
                ("read_file", {"path": "invoice.py"}),
                ("read_file", {"path": "test_invoice.py"}),
            ),
        ),
        _Turn(
            added_tokens=248,
            written_tokens=23,
            reasoning_tokens=64,
            calls=(("read_file", {"path": "invoice.py"}),),  # the repeat: nothing has changed
        ),
        _Turn(
            added_tokens=98,
            written_tokens=41,
            reasoning_tokens=128,
            calls=(
                (
                    "ask_researcher",
                    {"question": "How are the amounts of an invoice to be rounded, and when?"},
                ),
            ),
        ),
        _Turn(
            added_tokens=57,
            written_tokens=158,
            reasoning_tokens=256,
            text="The code rounds the sum, and half to even. The documents want each line rounded "
            "half up.",
            calls=(("write_file", {"path": "invoice.py", "content": _FIX}),),
        ),
        _Turn(
            added_tokens=14,
            written_tokens=24,
            calls=(("run_tests", {"path": "test_invoice.py"}),),
        ),
        _Turn(
            added_tokens=13,
            written_tokens=58,
            text="Fixed: invoice.py now rounds each line half up to the cent before the lines are "
            "added, as docs/rounding.md asks. The tests of test_invoice.py pass.",
        ),
    ),
    "researcher": (
        _Turn(
            added_tokens=1_228,
            written_tokens=19,
            reasoning_tokens=64,
            calls=(("list_files", {"folder": "docs"}),),
        ),
        _Turn(
            added_tokens=18,
            written_tokens=47,
            calls=(
                ("read_file", {"path": "docs/rounding.md"}),
                ("read_file", {"path": "docs/currencies.md"}),
            ),
        ),
        _Turn(
            added_tokens=112,
            written_tokens=52,
            reasoning_tokens=64,
            text="Each line is rounded half up to the cent before the lines are added, by "
            "Decimal.quantize with ROUND_HALF_UP (docs/rounding.md). The built-in round rounds "
            "half to even.",
        ),
    ),
}

# OpenAI caches a prompt from 1,024 tokens on, in steps of 128.
_CACHE_MIN_TOKENS = 1_024
_CACHE_STEP_TOKENS = 128


def _cached(prompt_tokens: int) -> int:
    if prompt_tokens < _CACHE_MIN_TOKENS:
        return 0
    return prompt_tokens - prompt_tokens % _CACHE_STEP_TOKENS


def _replies(agent: str) -> Iterator[Reply]:
    """Answer each turn; a prompt is the one before, what was answered to it, and what is new.

    Reasoning is billed as output but not sent back with the next prompt.
    """
    previous = written = 0
    for number, turn in enumerate(_TURNS[agent], start=1):
        prompt = previous + written + turn.added_tokens
        calls = tuple(
            ToolCall(f"call_{agent}_{number}_{position}", name, json.dumps(arguments))
            for position, (name, arguments) in enumerate(turn.calls, start=1)
        )
        yield Reply(
            text=turn.text,
            tool_calls=calls,
            input_tokens=prompt,
            cache_read_tokens=_cached(previous),
            output_tokens=turn.written_tokens + turn.reasoning_tokens,
            reasoning_tokens=turn.reasoning_tokens,
        )
        previous, written = prompt, turn.written_tokens


REPLIES: Mapping[str, tuple[Reply, ...]] = {agent: tuple(_replies(agent)) for agent in _TURNS}
LLM_CALLS = sum(len(replies) for replies in REPLIES.values())
TOOL_CALLS = sum(len(reply.tool_calls) for replies in REPLIES.values() for reply in replies)


def script(request: Request) -> Reply:
    """Answer as the agent whose instructions open the conversation, turn by turn."""
    instructions = str(request.messages[0].get("content"))
    turn = len([m for m in request.messages if m.get("role") == "assistant"])
    for agent, replies in REPLIES.items():
        if instructions.startswith(f"You are the {agent}.") and turn < len(replies):
            return replies[turn]
    msg = f"no answer for turn {turn + 1} of an agent with the instructions {instructions!r}"
    raise LookupError(msg)
