"""Graded OpenClaw runs as UniClawBench publishes them: each attempt of a task is a trace.

The calls state no usage. The document states the tokens of all of them together, but not how many
came from a cache, so that no cost follows from it.
"""

from collections.abc import Iterator
from pathlib import Path

from clawtrace_otel.importers.formats.json_items import read_json_items
from clawtrace_otel.importers.formats.json_lines import opening_members
from clawtrace_otel.importers.formats.json_object import is_finite, mapping, mappings, name_in
from clawtrace_otel.importers.formats.openclaw.session import PiReader
from clawtrace_otel.importers.formats.span_maker import SpanMaker
from clawtrace_otel.importers.importer import Problem, Record, Told
from clawtrace_otel.semconv.step import Evaluation
from clawtrace_otel.times import time_ns

AGENT_NAME = "openclaw"
EVALUATOR = "uniclawbench"
MAX_EXPLANATION_CHARS = 240


def is_uniclawbench(head: bytes) -> bool:
    """Whether a file that begins so is a run of UniClawBench."""
    return "taskSummary" in opening_members(head) and b'"attemptCards"' in head


def read_uniclawbench(path: Path) -> Iterator[Record]:
    """The spans and the grade of each attempt.

    Raises:
        OSError: the file cannot be read.
        ModuleNotFoundError: the extra ``importers`` is not installed.
    """
    task: dict[str, object] = {}
    for item in read_json_items(path, "taskSummary"):
        if not isinstance(item, Problem):
            task = mapping(item[1])
    for item in read_json_items(path, "attemptDetails.item"):
        if isinstance(item, Problem):
            yield item
        else:
            yield from _read_attempt(mapping(item[1]), task, f"{path.stem} {item[0]}")


def _read_attempt(
    attempt: dict[str, object], task: dict[str, object], place: str
) -> Iterator[Record]:
    session = name_in(attempt, "attemptPath") or place
    conversation = name_in(task, "taskId")
    spans = SpanMaker.of_session("pi_session", session, AGENT_NAME, conversation)
    reader = PiReader(spans, AGENT_NAME, set())
    for entry in mappings(attempt.get("transcript")):
        yield from reader.add(_with_model(entry, name_in(task, "model")))
    if (grade := _grade(attempt)) is not None:
        yield Told(spans.trace_id, grade)
    yield from reader.finish()


def _with_model(entry: dict[str, object], model: str) -> dict[str, object]:
    """The messages do not name the model; the task's summary does."""
    return {**entry, "message": {"model": model, **mapping(entry.get("message"))}}


def _grade(attempt: dict[str, object]) -> Evaluation | None:
    score = mapping(attempt.get("score"))
    value, label = score.get("overall_score"), name_in(score, "verdict")
    number = _finite(value)
    if number is None and not label:
        return None
    return Evaluation(
        name=EVALUATOR,
        score=number,
        label=label,
        explanation=name_in(score, "rationale")[:MAX_EXPLANATION_CHARS],
        time_ns=time_ns(mapping(attempt.get("timeline")).get("attempt_ended_ms")),
    )


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if is_finite(value) else None
