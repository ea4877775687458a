"""``redundo`` (PyPI, 0.5.0), run as its manual says: ``redundo adapt``, then ``redundo analyze``.

It reads OTLP JSON of some instrumentations. The runs are handed to it in two forms: as spans of
OpenInference, which many agents emit, and as those of its own plugin ``openclaw-localtrace``, the
only ones that say of each call whether it may have changed something. A report names calls by task
and step; ``adapt`` says which span that is.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from clawtrace_otel.processors.tool_effects import ToolEffects
from clawtrace_otel.semconv.step import Step
from tests.evidence.detectors import Flagged
from tests.evidence.known_tools import NOTHING_KNOWN
from tests.evidence.traces import Call, Trace

Json = dict[str, object]

CONFIRMED = "confirmed_waste"
UNCLASSIFIED = "unclassified"
NEAR = "near_duplicate"

_COMMAND = (sys.executable, "-c", "from redundo.cli import main; raise SystemExit(main())")
_CASE = re.compile(r"task=(\S+) step=(\d+) \(tool_call/")
_OK, _ERROR = 1, 2


@dataclass(frozen=True, slots=True)
class Form:
    """In what form runs are handed over.

    Attributes:
        name: of the source.
        service: ``service.name`` of the resource.
        spans: of one run.
    """

    name: str
    service: str
    spans: Callable[[Trace, ToolEffects], Iterator[Json]]


def run(
    traces: Iterable[Trace], form: Form, known: ToolEffects = NOTHING_KNOWN
) -> Mapping[str, Flagged]:
    """What it says: the calls in each bucket of its report.

    Args:
        traces: the runs.
        form: in which they are handed over.
        known: what is known of the tools; only the plugin's spans can say it.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spans, rows = folder / "spans", folder / "rows.jsonl"
        spans.mkdir()
        for number, trace in enumerate(traces):
            document = _document(form.service, list(form.spans(trace, known)))
            (spans / f"{number}.json").write_text(json.dumps(document), encoding="utf-8")
        _run("adapt", str(spans), "--source", form.name, "-o", str(rows))
        report = _run("analyze", str(rows), "--format", "json", "--samples", str(10**9))
        return _buckets(json.loads(report), _spans_of(rows))


def _run(*arguments: str) -> str:
    done = subprocess.run((*_COMMAND, *arguments), check=True, capture_output=True, text=True)
    return done.stdout


def _spans_of(rows: Path) -> dict[tuple[str, int], tuple[str, str]]:
    found: dict[tuple[str, int], tuple[str, str]] = {}
    for line in rows.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        told = row["metadata"]
        found[row["task_id"], row["step_index"]] = told["otlp_trace_id"], told["otlp_span_id"]
    return found


def _buckets(
    report: Mapping[str, Mapping[str, list[str]]], spans: Mapping[tuple[str, int], tuple[str, str]]
) -> dict[str, Flagged]:
    return {
        bucket: frozenset(spans[m[1], int(m[2])] for m in map(_CASE.match, cases) if m)
        for bucket, cases in report["reasons"].items()
    }


def _openinference(trace: Trace, _: ToolEffects) -> Iterator[Json]:
    for call in trace.calls():
        told: Json = {"openinference.span.kind": "TOOL", "tool.name": call.tool}
        if call.recorded is not None:
            told["input.value"] = call.recorded
        if call.recorded_result is not None:
            told["output.value"] = call.recorded_result
        yield _span(trace, call.span_id, told, _ERROR if call.failed else _OK)


def _localtrace(trace: Trace, known: ToolEffects) -> Iterator[Json]:
    calls = {call.span_id: call for call in trace.calls()}
    for item in trace.items(known):
        if call := calls.get(item.step.span_id):
            yield _execution(trace, call, known.changes_state(item.step))
    for step in trace.steps:
        if step.kind == "span" and step.read_only is False:  # a user acted
            told: Json = {"openclaw.toolName": step.name, "openclaw.mutatingAction": True}
            yield _span(trace, step.span_id, told, name="openclaw-localtrace.tool.execution")
    if trace.passed is not None:
        yield _last_call(trace, max(trace.steps, key=lambda step: step.start_ns))


def _execution(trace: Trace, call: Call, changes: bool | None) -> Json:
    told: Json = {"openclaw.toolName": call.tool}
    if call.recorded is not None:
        told["gen_ai.tool.call.arguments"] = call.recorded
    if call.recorded_result is not None:
        told["gen_ai.tool.call.result"] = call.recorded_result
    if changes is not None:
        told["openclaw.mutatingAction"] = changes
    if call.failed:
        told["openclaw.error"] = call.recorded_result or "error"
    return _span(trace, call.span_id, told, name="openclaw-localtrace.tool.execution")


def _last_call(trace: Trace, last: Step) -> Json:
    """How the run ended, where it looks for that: in the outcome of what happened last."""
    failed: Json = {} if trace.passed else {"openclaw.errorCategory": "evaluated as failed"}
    at_ns = max(last.end_ns, last.start_ns) + 1
    return {
        **_ids(trace, "f" * 16),
        "name": "openclaw-localtrace.model.call",
        "startTimeUnixNano": str(at_ns),
        "endTimeUnixNano": str(at_ns + 1),
        "attributes": _attributes(failed),
    }


def _span(trace: Trace, span_id: str, told: Json, status: int = 0, name: str = "tool") -> Json:
    span = trace.spans[span_id]
    return {
        **_ids(trace, span_id),
        "name": name,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns or span.start_ns),
        "status": {"code": status},
        "attributes": _attributes(told),
    }


def _ids(trace: Trace, span_id: str) -> Json:
    return {"traceId": trace.trace_id, "spanId": span_id}


def _attributes(told: Json) -> list[Json]:
    return [
        {"key": k, "value": {"boolValue" if isinstance(v, bool) else "stringValue": v}}
        for k, v in told.items()
    ]


def _document(service: str, spans: list[Json]) -> Json:
    resource = {"attributes": _attributes({"service.name": service})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}


OPENINFERENCE = Form("openinference", "agent", _openinference)
LOCALTRACE = Form("openclaw-localtrace", "openclaw-localtrace", _localtrace)
