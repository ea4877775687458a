"""The same spans give the same bytes of card in process, through the service and from files."""

import asyncio
import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan

from clawtrace_otel.collector.reader import Body
from clawtrace_otel.collector.service import Service
from clawtrace_otel.exporters.span_exporter import TraceCardSpanExporter
from clawtrace_otel.settings import load_settings
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.read import card_paths, read_card
from clawtrace_otel.tracecard.write import dump_card
from tests.agent_spans import finished_spans
from tests.importers.compile_files import compile_files

SPANS = finished_spans().get_finished_spans()


def only_card(folder: Path) -> str:
    (path,) = card_paths(folder)
    read_card(path)
    return path.read_text(encoding="utf-8")


def encoded(spans: Sequence[ReadableSpan]) -> bytes:
    return encode_spans(spans).SerializeToString()


def in_process(folder: Path, batches: list[list[ReadableSpan]]) -> str:
    exporter = TraceCardSpanExporter(cards=str(folder))
    for batch in batches:
        exporter.export(batch)
    exporter.shutdown()
    return only_card(folder)


def through_the_service(folder: Path, batches: list[list[ReadableSpan]]) -> str:
    settings = load_settings(
        {
            "cards": str(folder),
            "journal": str(folder / "journal.db"),
            "grpc": "127.0.0.1:0",
            "http": "127.0.0.1:0",
            "metrics": "",
            "health": "",
            "settle_seconds": 0.05,
        }
    )

    async def serve() -> None:
        service = Service(settings)
        await service.start(lambda *_: None)
        for batch in batches:
            await service.pipeline.ingest.submit("traces", Body(encoded(batch)))
        await service.stop()

    asyncio.run(serve())
    return only_card(folder)


def from_files(folder: Path, batches: list[list[ReadableSpan]], suffix: str) -> str:
    folder.mkdir(exist_ok=True)
    for n, batch in enumerate(batches):
        body = encoded(batch)
        data = body if suffix == ".pb" else as_json(body)
        (folder / f"spans-{n}{suffix}").write_bytes(data)
    done = compile_files([folder], Compiler())
    assert done.problems == []
    (card,) = done.cards
    return dump_card(card)


def as_json(body: bytes) -> bytes:
    """As protobuf's own JSON mapping writes it: base64 ids, enum names."""
    return json.dumps(MessageToDict(ExportTraceServiceRequest.FromString(body))).encode()


@pytest.mark.parametrize("seed", range(4))
def test_the_three_ways_in_give_the_same_bytes(tmp_path: Path, seed: int) -> None:
    r = random.Random(seed)
    spans = list(SPANS)
    expected = in_process(tmp_path / "expected", [spans])
    if seed:
        spans += r.sample(spans, 5)
        r.shuffle(spans)
        # In process a card is closed when the root ends; what comes later would be a revision.
        root = next(span for span in spans if span.parent is None)
        in_order = [span for span in spans if span is not root] + [root]
    else:
        in_order = spans
    size = r.randrange(1, len(spans))
    batches = [spans[n : n + size] for n in range(0, len(spans), size)]
    ordered = [in_order[n : n + size] for n in range(0, len(in_order), size)]
    assert in_process(tmp_path / "process", ordered) == expected
    assert through_the_service(tmp_path / "service", batches) == expected
    assert from_files(tmp_path / "json", batches, ".json") == expected
    assert from_files(tmp_path / "protobuf", batches, ".pb") == expected


def test_that_card_says_what_happened(tmp_path: Path) -> None:
    in_process(tmp_path, [list(SPANS)])
    (path,) = card_paths(tmp_path)
    card = read_card(path)
    assert card["status"] == "complete"
    assert (card["total"]["llm_calls"], card["total"]["tool_calls"]) == (5, 4)
    group = {"tool": "read_file", "steps": [2, 4], "kind": "equal", "verdict": "same"}
    # Low: five bytes of result make 69 tokens at most, read at 2.5 USD a million.
    assert card["redundant"] == [{**group, "waste_usd": [0.0001725, 0.001785]}]
    failed = next(step for step in card["steps"] if "error" in step)
    assert failed["error"] == "ValueError: no such file"
    assert failed["repaired_by"] == failed["n"] + 1
