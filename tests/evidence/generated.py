"""Generated truth: runs in which it is known of every call whether it was redundant.

A run is a row of scenes. Each scene has names of its own, so that no scene says anything about
another; what lies between two calls of a scene is drawn. The seed is all that decides.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from clawtrace_otel.importers.formats.span_maker import SpanMaker
from clawtrace_otel.importers.importer import Record, Told, TraceEnd
from clawtrace_otel.processors.tool_effects import ToolEffects
from clawtrace_otel.semconv.step import Evaluation
from tests.evidence.generated_scenes import SCENE_OF, SHARES
from tests.evidence.script import START_NS, STEP_NS, Script, Truth
from tests.evidence.traces import Trace, of_records

SEED = 20_261_122
RUNS = 400
SCENES = 12
"""In a run."""

KNOWN = ToolEffects(
    read_only=("read_file", "search", "query", "list_*", "job_status", "get_*"),
    state_changing=("write_file", "format_file"),
)
"""What the settings say of the tools; of ``bash`` nothing."""


@dataclass(frozen=True, slots=True)
class Generated:
    """The runs, and what is known of their calls.

    Attributes:
        truths: by trace id and span id.
    """

    traces: tuple[Trace, ...]
    truths: Mapping[tuple[str, str], Truth]


@cache
def generated(runs: int = RUNS, seed: int = SEED) -> Generated:
    """Make the runs."""
    traces: list[Trace] = []
    truths: dict[tuple[str, str], Truth] = {}
    for number in range(runs):
        script = write(number, seed)
        traces += of_records(_records(script, passed=number % 2 == 0), Path(f"{number}.json"))
        for span_id, truth in script.truths.items():
            truths[script.maker.trace_id, span_id] = truth
    return Generated(tuple(traces), truths)


def write(number: int, seed: int = SEED) -> Script:
    """One run."""
    rng = random.Random(f"{seed} {number}")
    script = Script(rng, SpanMaker.of_session("generated", f"{seed}-{number}", "generated"))
    for case in rng.choices(list(SHARES), list(SHARES.values()), k=SCENES):
        script.case = case
        SCENE_OF[case](script)
    return script


def _records(script: Script, *, passed: bool) -> Iterator[Record]:
    """Every other run passed: half of them may hold what some call confirmed waste."""
    last = script.spans[-1].end_ns
    yield script.maker.agent(script.maker.root_id, "agent", (START_NS, last + STEP_NS))
    yield from script.spans
    label = "pass" if passed else "fail"
    yield Told(script.maker.trace_id, Evaluation(name="oracle", label=label, time_ns=last))
    yield TraceEnd(script.maker.trace_id)
