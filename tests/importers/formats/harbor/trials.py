"""Folders of trials as Harbor 0.24 leaves them, written by the tests."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clawtrace_otel.importers.compile_group import Summary
from clawtrace_otel.importers.formats.harbor.importer import IMPORTER
from clawtrace_otel.importers.importer import Problem, Record
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from tests.importers.compile_files import compile_files

Json = dict[str, Any]

TASK = "sum-of-sales"
NAME = f"{TASK}__kbP73GJ"
JOB_ID = "21a8b70d-065d-4905-8475-4c5ed145451b"
SESSION = "908a222d-54ff-43f0-81af-7b09bc4d3a12"

CONFIG: Json = {
    "task": {"path": f"/data/tasks/{TASK}"},
    "trial_name": NAME,
    "trials_dir": "jobs/passed",
    "agent": {"name": "scripted", "model_name": "openai/gpt-5-mini"},
    "job_id": JOB_ID,
}
RESULT: Json = {
    "id": SESSION,
    "task_name": TASK,
    "trial_name": NAME,
    "task_id": {"path": f"/data/tasks/{TASK}"},
    "config": CONFIG,
    "agent_info": {"name": "scripted", "version": "1.0", "model_info": {"name": "gpt-5-mini"}},
    "agent_result": {"n_input_tokens": 2200, "n_cache_tokens": 512, "n_output_tokens": 70},
    "verifier_result": {"rewards": {"reward": 1.0}},
    "exception_info": None,
    "started_at": "2026-11-22T08:07:40.000000Z",
    "agent_execution": {
        "started_at": "2026-11-22T08:07:41.000000Z",
        "finished_at": "2026-11-22T08:07:51.000000Z",
    },
}


def step(number: int, source: str = "agent", second: int | None = None, **fields: object) -> Json:
    """A step; one of the agent says what it used."""
    made: Json = {"step_id": number, "source": source, "message": "", **fields}
    if second is not None:
        made["timestamp"] = f"2026-11-22T08:07:{second:02d}.000000+00:00"
    return made


def metrics(prompt: int, completion: int, **fields: object) -> Json:
    """What a call used."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, **fields}


def call(call_id: str, name: str = "read_file", **arguments: object) -> Json:
    """A tool call."""
    return {"tool_call_id": call_id, "function_name": name, "arguments": arguments}


def result(content: object = "text", call_id: str = "", **fields: object) -> Json:
    """A result; without an id it names no call."""
    made: Json = {"content": content, **fields}
    return made | {"source_call_id": call_id} if call_id else made


def observed(*results: Json) -> Json:
    """The observation of a step."""
    return {"results": list(results)}


READ = step(
    2,
    second=44,
    tool_calls=[call("call_0", path="/app/sales.csv")],
    observation=observed(result("north,3", "call_0")),
    metrics=metrics(900, 30, cost_usd=0.000285),
)
ANSWER = step(
    3, second=46, message="Done.", metrics=metrics(1300, 40, cached_tokens=512, cost_usd=0.00029)
)
STEPS = [step(1, "user", 42, message="Sum it."), READ, ANSWER]


def trajectory(*steps: Json, name: str = "scripted", **fields: object) -> Json:
    """A trajectory of these steps."""
    return {
        "schema_version": "ATIF-v1.7",
        "session_id": SESSION,
        "agent": {"name": name, "version": "1.0", "model_name": "gpt-5-mini"},
        "steps": list(steps),
        **fields,
    }


FILES: Mapping[str, object] = {
    "config.json": CONFIG,
    "result.json": RESULT,
    "agent/trajectory.json": trajectory(*STEPS),
    "verifier/reward.txt": "1",
}


def write(folder: Path, files: Mapping[str, object]) -> Path:
    """Write files, those that are no text as JSON; the folder. ``None`` writes nothing."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def trial(tmp_path: Path, files: Mapping[str, object] = FILES, name: str = NAME) -> Path:
    """The folder of a trial, in that of its job."""
    return write(tmp_path / "passed" / name, files)


def with_steps(*steps: Json, name: str = "scripted", **fields: object) -> dict[str, object]:
    """The files of a trial that went so."""
    return {**FILES, "agent/trajectory.json": trajectory(*steps, name=name, **fields)}


def records_of(folder: Path) -> list[Record]:
    """What the importer makes of all files in a folder."""
    return list(IMPORTER.read(sorted(path for path in folder.rglob("*.json*") if path.is_file())))


def steps_of(records: Sequence[Record], kind: str) -> list[Step]:
    """What the spans of a kind say."""
    steps = [normalize(record) for record in records if isinstance(record, Span)]
    return [each for each in steps if each.kind == kind]


def problems_of(records: Sequence[Record], folder: Path) -> list[str]:
    """What could not be read, by place in a folder."""
    return [str(r).replace(f"{folder}/", "") for r in records if isinstance(r, Problem)]


def card_of(folder: Path) -> Card:
    """The only card of what is in a folder, read as the command line does."""
    (card,) = cards_of(folder)
    return card


def cards_of(folder: Path) -> list[Card]:
    """The cards of what is in a folder, by trace id."""
    found = compile_files([folder], Compiler())
    assert isinstance(found.summary, Summary)
    return sorted(found.cards, key=lambda card: card["trace_id"])
