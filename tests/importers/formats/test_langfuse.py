"""Langfuse's exports: files written by the test. ``tests/corpora`` has real ones."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from clawtrace_otel.importers.formats import langfuse
from clawtrace_otel.importers.importer import Problem, Record, Told, TraceEnd
from clawtrace_otel.importers.registry import recognise
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from tests.importers.compile_files import cards_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def observation(id_: str, parent: str | None, **fields: object) -> dict[str, Any]:
    return {
        "id": id_,
        "traceId": TRACE,
        "parentObservationId": parent,
        "projectId": "p",
        "type": "SPAN",
        "name": "step",
        "startTime": "2025-08-22T09:38:56.228Z",
        "endTime": "2025-08-22T09:38:58.000Z",
        "level": "DEFAULT",
        "statusMessage": None,
        "metadata": "{}",
        **fields,
    }


SENT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": "100",
    "gen_ai.usage.output_tokens": "10",
}
METADATA = {
    "attributes": SENT,
    "resourceAttributes": {"service.name": "shop"},
    "scope": {"name": "some.instrumentation"},
}
OWN = {
    "type": "GENERATION",
    "model": "gpt-4o",
    "usageDetails": {"input": 80, "input_cached_tokens": 20, "output": 10},
    "costDetails": {"total": 9.0},
    "providedCostDetails": {"total": 0.25},
    "input": [{"role": "user", "content": "Hi"}],
    "output": "Hello",
}
SCORES = [
    {"traceId": TRACE, "name": "toxicity", "value": 0.8, "comment": "Rude.", "dataType": "NUMERIC"},
    {
        "traceId": TRACE,
        "name": "resolved",
        "value": 0,
        "stringValue": "False",
        "comment": None,
        "timestamp": "2025-08-22T10:00:00Z",
        "dataType": "BOOLEAN",
    },
]
OBSERVATIONS = [
    observation("00f067aa0ba902b7", None, name="run"),
    observation("00f067aa0ba902b8", "00f067aa0ba902b7", metadata=json.dumps(METADATA)),
    observation("00f067aa0ba902b9", "00f067aa0ba902b7", name="own", **OWN),
]


def write(tmp_path: Path, observations: object, scores: object = SCORES) -> Path:
    path = tmp_path / "trace.json"
    trace = {"id": TRACE, "projectId": "p", "bookmarked": False, "public": True}
    trace |= {"sessionId": "s-1", "scores": scores, "observations": [{"id": "not this list"}]}
    path.write_text(json.dumps({"trace": trace, "observations": observations}, indent=1))
    return path


def records_of(tmp_path: Path, observations: object, scores: object = SCORES) -> list[Record]:
    return list(langfuse.read([write(tmp_path, observations, scores)]))


def spans_of(records: list[Record]) -> list[Span]:
    return [record for record in records if isinstance(record, Span)]


def test_an_observation_becomes_the_span_that_it_was(tmp_path: Path) -> None:
    run, call, _ = spans_of(records_of(tmp_path, OBSERVATIONS))
    assert (run.trace_id, run.span_id, run.parent_id) == (TRACE, "00f067aa0ba902b7", "")
    assert call.parent_id == run.span_id
    assert (call.scope, call.service) == ("some.instrumentation", "shop")
    assert call.attributes.items() >= SENT.items()
    assert (call.start_ns, call.end_ns) == (1755855536228000000, 1755855538000000000)
    step = normalize(call)
    assert step.usage is not None
    assert (step.kind, step.usage.input, step.session) == ("llm", 100, "s-1")


def test_observations_of_langfuses_own_sdk_are_read_from_what_it_shows(tmp_path: Path) -> None:
    *_, own = spans_of(records_of(tmp_path, OBSERVATIONS))
    step = normalize(own)
    assert (step.kind, step.model, step.does) == ("llm", "gpt-4o", "final_reply")
    assert step.usage is not None
    assert (step.usage.input, step.usage.cache_read, step.usage.output) == (100, 20, 10)
    assert step.supplied == 250_000_000_000  # what the sender gave, not what Langfuse computed


def test_a_computed_cost_of_langfuse_is_not_supplied(tmp_path: Path) -> None:
    own = observation("00f067aa0ba902b9", None, **{**OWN, "providedCostDetails": {}})
    (span,) = spans_of(records_of(tmp_path, [own]))
    assert normalize(span).supplied is None


def test_what_a_span_sent_wins_over_what_langfuse_shows(tmp_path: Path) -> None:
    sent = {
        **METADATA,
        "attributes": {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t"},
    }
    fields: dict[str, Any] = {**OWN, "type": "GENERATION", "input": {"a": 1}, "output": "done"}
    (span,) = spans_of(
        records_of(tmp_path, [observation("00f067aa0ba902b9", None, metadata=sent, **fields)])
    )
    step = normalize(span)
    assert (step.kind, step.tool, step.args, step.result_size) == ("tool", "t", '{"a":1}', 4)


@pytest.mark.parametrize("metadata", [None, "a note", ["a note"], {}, "{}", '{"a": 1}'])
def test_metadata_may_be_anything(tmp_path: Path, metadata: object) -> None:
    own = observation("00f067aa0ba902b9", None, **{**OWN, "metadata": metadata})
    records = records_of(tmp_path, [own])
    assert [record for record in records if isinstance(record, Problem)] == []
    assert [normalize(span).kind for span in spans_of(records)] == ["llm"]


def test_an_error_level_is_a_failure(tmp_path: Path) -> None:
    bad = observation("00f067aa0ba902b9", None, level="ERROR", statusMessage="quota", **OWN)
    (span,) = spans_of(records_of(tmp_path, [bad]))
    assert normalize(span).error == "quota"


def test_scores_are_evaluations_and_boolean_ones_are_verdicts(tmp_path: Path) -> None:
    records = records_of(tmp_path, OBSERVATIONS)
    told = [record.evaluation for record in records if isinstance(record, Told)]
    assert [(e.name, e.score, e.label, e.explanation) for e in told] == [
        ("toxicity", 0.8, "", "Rude."),
        ("resolved", None, "False", ""),
    ]
    (card,) = cards_of(records, Compiler())
    assert card["outcome"]["passed"] is False
    assert records[-1] == TraceEnd(TRACE)


def test_an_answer_of_the_api_is_read_like_a_download(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    head = {"id": TRACE, "projectId": "p", "bookmarked": False, "public": True, "sessionId": "s-1"}
    path.write_text(json.dumps({**head, "observations": OBSERVATIONS, "scores": SCORES}))
    assert list(langfuse.read([path])) == records_of(tmp_path, OBSERVATIONS)


def test_ids_that_are_not_opentelemetrys_become_such(tmp_path: Path) -> None:
    uuid = "7d9e3a52-0f0b-4c7c-9d26-6f1e4b1c2a3d"
    root = observation("run-1", None, traceId=uuid)
    call = observation("call-1", "run-1", traceId=uuid)
    first, second = spans_of(records_of(tmp_path, [root, call]))
    assert first.trace_id == uuid.replace("-", "")
    assert second.parent_id == first.span_id
    assert len(first.span_id) == len(second.span_id) == 16


def test_an_observation_that_has_not_ended_is_open(tmp_path: Path) -> None:
    (span,) = spans_of(records_of(tmp_path, [observation("00f067aa0ba902b9", None, endTime=None)]))
    assert span.end_ns == 0


BAD = [
    ("x", "$.observations[0] is text, not an object"),
    ({"type": "SPAN"}, "$.observations[0] has no id or no traceId"),
    (
        observation("00f067aa0ba902b1", None, metadata={"attributes": "x"}),
        "$.observations[0].metadata.attributes is text, not an object",
    ),
    (observation("00f067aa0ba902b1", None, name=[]), "$.observations[0].name is a list, not text"),
]


@pytest.mark.parametrize(("bad", "problem"), BAD)
def test_bad_input_is_named_and_loses_nothing_else(
    tmp_path: Path, bad: object, problem: str
) -> None:
    records = records_of(tmp_path, [bad, *copy.deepcopy(OBSERVATIONS)])
    path = tmp_path / "trace.json"
    assert [str(r) for r in records if isinstance(r, Problem)] == [f"{path}: {problem}"]
    assert spans_of(records)[-3:] == spans_of(records_of(tmp_path, OBSERVATIONS))


def test_a_score_that_is_wrong_is_named(tmp_path: Path) -> None:
    records = records_of(tmp_path, OBSERVATIONS, [{**SCORES[0], "value": "high"}])
    (problem,) = [str(r) for r in records if isinstance(r, Problem)]
    assert problem.endswith("$.trace.scores[0].value is text, not a number")


def test_a_file_that_breaks_off_is_told_once_and_gives_what_came_before(tmp_path: Path) -> None:
    path = write(tmp_path, OBSERVATIONS)
    text = path.read_text()
    path.write_text(text[: text.index('"own"')])
    records = list(langfuse.read([path]))
    assert len(spans_of(records)) == 2
    (problem,) = [str(r) for r in records if isinstance(r, Problem)]
    assert "damaged JSON after 2 items" in problem


def test_files_are_recognised(tmp_path: Path) -> None:
    found = recognise(write(tmp_path, OBSERVATIONS))
    assert found is not None
    assert found.name == "langfuse"
