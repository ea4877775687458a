"""What a trial's verifier said: the rewards, and the tests that failed.

A task counts as passed if its reward is 1. The names of failed tests stand in ``ctrf.json``, the
Common Test Report Format, which most tasks have their test program write.

Source: ``harbor/verifier/verifier.py`` of Harbor 0.24; https://ctrf.io/docs/schema.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from clawtrace_otel.importers.formats.harbor.folders import VERIFIER
from clawtrace_otel.importers.formats.harbor.json_members import read_values
from clawtrace_otel.importers.formats.json_items import read_json_items
from clawtrace_otel.importers.formats.json_object import is_finite, mapping, name_in
from clawtrace_otel.importers.formats.tau.recorded_run import label_of
from clawtrace_otel.importers.importer import Problem
from clawtrace_otel.semconv.step import Evaluation

EVALUATOR = "harbor"
REWARD = "reward"
CTRF = "ctrf.json"
MAX_NAMED = 10
"""Tests whose names are told."""

MAX_REWARD_BYTES = 65_536

Rewards = dict[str, float]


def rewards_in(values: Mapping[str, object], prefix: str = "") -> Rewards:
    """The rewards among the values of a document.

    Args:
        values: place -> value.
        prefix: of the places that are rewards.
    """
    return {
        place.removeprefix(prefix): float(value)
        for place, value in values.items()
        if place.startswith(prefix) and isinstance(value, int | float) and is_finite(value)
    }


def read_rewards(run: Path) -> Iterator[tuple[str, float] | Problem]:
    """What ``reward.json`` says, or else ``reward.txt``; nothing if there is neither.

    Yields:
        (name, reward); and a problem where a file holds none.

    Raises:
        OSError: a file cannot be read.
    """
    document, text = run / VERIFIER / "reward.json", run / VERIFIER / "reward.txt"
    if document.is_file():
        values: dict[str, object] = {}
        for value in read_values(document):
            if isinstance(value, Problem):
                yield value
            else:
                values[value[0] or REWARD] = value[1]
        yield from rewards_in(values).items()
    elif text.is_file():
        yield _reward_in(text)


def _reward_in(path: Path) -> tuple[str, float] | Problem:
    with path.open("rb") as file:
        said = file.read(MAX_REWARD_BYTES).decode(errors="replace").strip()
    try:
        reward = float(said)
    except ValueError:
        return Problem(path, 0, f"no reward: {said[:40]!r}")
    return (REWARD, reward) if is_finite(reward) else Problem(path, 0, f"no reward: {said}")


def read_failed(run: Path) -> Iterator[str | Problem]:
    """The names of the tests that failed.

    Raises:
        OSError: the file cannot be read.
        ModuleNotFoundError: the extra ``importers`` is not installed.
    """
    path = run / VERIFIER / CTRF
    if not path.is_file():
        return
    for item in read_json_items(path, "results.tests.item"):
        if isinstance(item, Problem):
            yield item
        elif name_in(test := mapping(item[1]), "status") == "failed":
            yield name_in(test, "name") or "a test without a name"


def evaluations(rewards: Rewards, failed: list[str], at_ns: int) -> Iterator[Evaluation]:
    """What ``reward`` says; where there is none of that name, what each reward says.

    Args:
        rewards: by name.
        failed: names of tests.
        at_ns: when it was said.
    """
    if REWARD in rewards:
        others = [f"{name}: {reward:g}" for name, reward in rewards.items() if name != REWARD]
        told = "; ".join(text for text in (_named(failed), *others) if text)
        reward = rewards[REWARD]
        yield Evaluation(EVALUATOR, reward, label_of(reward), told, at_ns)
        return
    for name, reward in rewards.items():
        yield Evaluation(f"{EVALUATOR} {name}", reward, label_of(reward), _named(failed), at_ns)
        failed = []


def _named(failed: list[str]) -> str:
    if not failed:
        return ""
    more = f" and {len(failed) - MAX_NAMED} more" if len(failed) > MAX_NAMED else ""
    return f"failed tests: {'; '.join(failed[:MAX_NAMED])}{more}"
