"""Runs of tau-bench: one JSON list of tasks with their trajectories, each of which is a trace.

The files record no usage, so costs are unknown; no model; and no times: a run starts at 1970-01-01
and each message takes 1 ms. A result that begins with ``Error:`` is a failed call: so the benchmark
writes what its tools raise.

A run is told from others by its task, its trial and what was said, because files of several models
hold the same tasks and trials.

Source: sierra-research/tau-bench, ``tau_bench/types.py`` and ``historical_trajectories``.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from clawtrace_otel.importers.formats.json_items import read_json_items
from clawtrace_otel.importers.formats.json_object import JsonObject
from clawtrace_otel.importers.formats.span_maker import ToolCall
from clawtrace_otel.importers.formats.tau.recorded_run import RecordedRun, label_of
from clawtrace_otel.importers.importer import Head, Importer, Problem, Record, Told, TraceEnd
from clawtrace_otel.semconv.canonical import digest, parsed, text_of
from clawtrace_otel.semconv.step import Evaluation
from clawtrace_otel.span import Span

NAME = "tau-bench"
AGENT = "agent"

_HEAD = re.compile(rb'\s*\[\s*\{\s*"task_id"')
_KEYS = (b'"reward"', b'"traj"')
_ERROR = "Error:"


def recognises(head: Head) -> bool:
    """Whether a file is a list of tasks with a reward and a trajectory."""
    return bool(_HEAD.match(head.data)) and all(key in head.data for key in _KEYS)


def read(paths: Sequence[Path]) -> Iterator[Record]:
    """The spans and evaluations of files, run by run.

    Raises:
        OSError: a file cannot be read.
        ModuleNotFoundError: the extra ``importers`` is not installed.
    """
    for path in paths:
        for item in read_json_items(path, "item"):
            if isinstance(item, Problem):
                yield item
                continue
            problems: list[str] = []
            task = JsonObject.of(item[1], f"$[{item[0]}]", problems)
            if task.value:
                yield from _run(task)
            yield from (Problem(path, 0, text) for text in problems)


def _run(task: JsonObject) -> Iterator[Record]:
    name = f"{task.text('task_id')} trial {task.text('trial')}"
    said = digest(text_of(task.value.get("traj")))
    run = RecordedRun(NAME, f"{name}\0{said}", AGENT, f"task {name} {said[:8]}")
    for message in task.objects("traj"):
        span = _message(run, message)
        if span is not None:
            yield span
    yield from run.unanswered()
    info = task.object("info")
    root = run.root(f"task {name}", f"task {task.text('task_id')}", None, info.text("error"))
    yield root
    reward = task.number("reward")
    if reward is not None:
        told = Evaluation(NAME, float(reward), label_of(reward), _explained(info), root.end_ns)
        yield Told(run.trace_id, told)
    yield TraceEnd(run.trace_id)


def _message(run: RecordedRun, message: JsonObject) -> Span | None:
    role, content = message.text("role"), message.text("content")
    if role == "assistant":
        return run.answer(content, [_call(c) for c in message.objects("tool_calls")], None, {})
    if role != "tool":
        run.pass_time(None)
        return None
    failed = content.startswith(_ERROR)
    span = run.result(message.text("tool_call_id"), content, None, failed=failed)
    if span is None:
        message.problems.append(f"{message.where}: a result of a call that nobody made")
    return span


def _call(call: JsonObject) -> ToolCall:
    function = call.object("function")
    return ToolCall(function.text("name"), call.text("id"), parsed(function.value.get("arguments")))


def _explained(info: JsonObject) -> str:
    """What the reward is made of: the actions on the database, or what the user had to be told."""
    reward = info.object("reward_info").object("info")
    actions = reward.value.get("r_actions")
    if actions is not None:
        done = "the final database is " + ("" if actions == 1 else "not ") + "the expected one"
        return "" if actions == 1 else done
    missing = [text for text, told in reward.object("outputs").value.items() if told is False]
    return f"not told to the user: {'; '.join(missing)}" if missing else ""


IMPORTER = Importer(NAME, recognises, read, suffixes=frozenset({".json"}))
