"""What tests share: prices, options, runs, and scripts of the model server."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from clawtrace_otel.costcraft.llm.options import LlmOptions
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.demo.model_server import Reply, Request
from tests.costcraft.runs import RunBuilder, made

MODEL = "round"
IN, OUT = 1_000, 100
CALL_USD = 0.015
"""What an answer costs that takes ``IN`` and ``OUT`` tokens."""

PRICES = "prices: 1\nmodels:\n- {model: round, input: 10, cache_read: 1, output: 50}\n"

PRUNE = {
    "action": "prune",
    "section": "Cost control",
    "rule": "Do not call `read_file` again with the same arguments.",
    "tool": "read_file",
    "steps": [4],
    "calls": [],
    "why": "The same text was there already.",
}


def options(folder: Path, url: str, **others: Any) -> LlmOptions:
    """Options with round prices and no retries, for a server on this machine."""
    prices = folder / "prices.yaml"
    prices.write_text(PRICES)
    given: dict[str, Any] = {"max_retries": 0, "max_output_tokens": OUT, "prices": str(prices)}
    return LlmOptions(model=MODEL, base_url=url, **{**given, **others})


def reply(text: str, **others: Any) -> Reply:
    """An answer of a size that costs ``CALL_USD``."""
    return Reply(text=text, **{"input_tokens": IN, "output_tokens": OUT, **others})


def proposing(*proposals: Mapping[str, object]) -> Reply:
    """An answer with proposals, as either analyst gives it."""
    return reply(json.dumps({"look_ups": [], "proposals": proposals}))


def looking_up(*look_ups: Mapping[str, object]) -> Reply:
    """An answer that asks for look-ups."""
    wanted = [{"tool": "evidence", "n": None, "text": None, **one} for one in look_ups]
    return reply(json.dumps({"look_ups": wanted, "proposals": []}))


def always(answer: Reply) -> Callable[[Request], Reply]:
    """A script that knows one answer."""
    return lambda _: answer


def in_turn(answers: Sequence[Reply]) -> Callable[[Request], Reply]:
    """A script that gives one answer after the other."""
    left = iter(answers)
    return lambda _: next(left)


def prompt(request: Request) -> str:
    """All that is said in a request."""
    return "\n".join(str(message["content"]) for message in request.messages)


def run_builder(name: str, *, passed: bool | None = True, because: str = "") -> RunBuilder:
    """A run that reads a file twice, as steps 2 and 4."""
    builder = RunBuilder(name, task=name, passed=passed, because=because)
    builder.turn("read_file", {"path": "a.txt"}, f"the text of {name}")
    builder.turn("read_file", {"path": "a.txt"}, f"the text of {name}")
    builder.llm("done")
    return builder


def runs_named(*names: str, passed: bool | None = True, because: str = "") -> list[Run]:
    """Such runs, in the order of their trace ids."""
    return made(run_builder(name, passed=passed, because=because) for name in names)
