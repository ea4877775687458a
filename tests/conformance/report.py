"""What holds of each point, from the outcomes of its tests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pytest
from rich.console import Console
from rich.table import Table

from tests.conformance.checklist import CHECKLIST, OPTIONAL

PROPERTY = "point"
WIDTH = 120
FAILED = ("failed", "error")


@dataclass(frozen=True)
class Result:
    """What became of a test.

    Attributes:
        level: ``must``, ``should`` or ``may``.
        outcome: ``passed``, ``failed``, ``error`` or ``skipped``.
        sentence: what it states.
    """

    point: str
    level: str
    outcome: str
    sentence: str


def results_of(stats: Mapping[str, Sequence[object]]) -> list[Result]:
    """The results in what pytest collected, by outcome."""
    return [
        Result(*_point_and_level(str(value)), outcome, sentence_of(entry.nodeid))
        for outcome in ("passed", *FAILED, "skipped")
        for entry in stats.get(outcome, ())
        if isinstance(entry, pytest.TestReport)
        for name, value in entry.user_properties
        if name == PROPERTY
    ]


def _point_and_level(value: str) -> tuple[str, str]:
    point, _, level = value.rpartition(" ")
    return point, level


def sentence_of(node_id: str) -> str:
    """The name of a test in words."""
    name, bracket, parameter = node_id.rpartition("::")[2].partition("[")
    words = name.removeprefix("test_").replace("_", " ")
    return f"{words}: {parameter.removesuffix(']')}" if bracket else words


def verdict(results: Iterable[Result]) -> str:
    """``yes``, ``no`` (of a MUST), ``in part`` (the rest failed), or ``not seen``."""
    found = list(results)
    failed = {result.level for result in found if result.outcome in FAILED}
    if "must" in failed:
        return "no"
    if failed:
        return "in part"
    return "yes" if any(result.outcome == "passed" for result in found) else "not seen"


def text_of(results: Sequence[Result]) -> str:
    """The table of points, and below it what did not hold."""
    table = Table("point", "what", "holds", "tests", title="OTLP conformance")
    for point, what in (CHECKLIST | OPTIONAL).items():
        own = [result for result in results if result.point == point]
        passed = sum(result.outcome == "passed" for result in own)
        table.add_row(point, what, verdict(own), f"{passed} of {len(own)}")
    console = Console(width=WIDTH, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(table)
        for outcomes, title in ((FAILED, "Does not hold"), (("skipped",), "Not seen")):
            _print_list(console, title, [r for r in results if r.outcome in outcomes])
    return capture.get()


def _print_list(console: Console, title: str, results: Sequence[Result]) -> None:
    if results:
        console.print(f"\n{title}:")
    for result in sorted(results, key=lambda r: (not r.point.isdigit(), len(r.point), r.point)):
        console.print(f"  {result.point:>4}  {result.level:6}  {result.sentence}", soft_wrap=True)
