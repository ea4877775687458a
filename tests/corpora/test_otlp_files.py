"""OTLP files of other people: agent-prism (base64 ids, enum names) and agentpile (JSON lines)."""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import check_card
from tests.corpora.folder import CORPORA, reads_corpora
from tests.importers.compile_files import compile_files
from tests.importers.records import read_file

pytestmark = reads_corpora

PRISM = ["rag_earnings_agent.json", "smol_deep_research_agent.json"]
FILES = [
    *(CORPORA / "otlp-agent-prism" / name for name in PRISM),
    CORPORA / "otlp-agentpile" / "openai_agents_0.24.0_oi_2.5.3.jsonl",
]
KINDS = {
    "rag_earnings_agent": {"llm": 1, "span": 17},
    "smol_deep_research_agent": {"llm": 6, "span": 2},
    "openai_agents_0.24.0_oi_2.5.3": {"llm": 3, "tool": 1, "agent": 2, "workflow": 1, "span": 5},
}
each_file = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


def raw_spans(path: Path) -> Iterator[dict[str, Any]]:
    text = path.read_text()
    lines = path.suffix == ".jsonl"
    for request in map(json.loads, text.splitlines()) if lines else json.loads(text):
        for resource in request["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                yield from scope["spans"]


def raw_total(path: Path, key: str) -> int:
    return sum(
        int(attribute["value"]["intValue"])
        for span in raw_spans(path)
        for attribute in span.get("attributes", ())
        if attribute["key"] == key
    )


def card_of(path: Path) -> Card:
    done = compile_files([path], Compiler())
    assert done.problems == []
    (card,) = done.cards
    return check_card(card, path.name)


@each_file
def test_every_span_is_read_and_its_ids_are_hex(path: Path) -> None:
    content = read_file(path)
    assert content.problems == []
    assert len(content.spans) == len(list(raw_spans(path)))
    for span in content.spans:
        assert re.fullmatch(r"[0-9a-f]{32}", span.trace_id)
        assert re.fullmatch(r"[0-9a-f]{16}", span.span_id)
        assert re.fullmatch(r"[0-9a-f]{16}|", span.parent_id)


@pytest.mark.parametrize("path", FILES[:2], ids=PRISM)
def test_ids_in_base64_are_the_bytes_that_they_stand_for(path: Path) -> None:
    raw = next(raw_spans(path))
    span = read_file(path).spans[0]
    assert span.trace_id == base64.b64decode(raw["traceId"]).hex()
    assert span.span_id == base64.b64decode(raw["spanId"]).hex()


@each_file
def test_every_span_is_in_one_tree_under_one_root(path: Path) -> None:
    spans = read_file(path).spans
    ids = {span.span_id for span in spans}
    assert len({span.trace_id for span in spans}) == 1
    assert [span.parent_id for span in spans if span.parent_id not in ids] == [""]


@each_file
def test_spans_are_what_they_are(path: Path) -> None:
    found = Counter(normalize(span).kind for span in read_file(path).spans)
    assert found == KINDS[path.stem]


@each_file
def test_the_card_counts_every_call_and_token_once(path: Path) -> None:
    total = card_of(path)["total"]
    assert total["llm_calls"] == KINDS[path.stem]["llm"]
    assert total["tool_calls"] == KINDS[path.stem].get("tool", 0)
    tokens = total["tokens"]
    assert tokens["input"] == raw_total(path, "llm.token_count.prompt")
    assert tokens["output"] == raw_total(path, "llm.token_count.completion")
    assert tokens["cache_read"] == raw_total(path, "llm.token_count.prompt_details.cache_read")
    assert tokens["reasoning"] == raw_total(path, "llm.token_count.completion_details.reasoning")


def test_known_models_are_priced_with_their_cached_tokens_at_the_lower_rate() -> None:
    """In USD per million tokens: gpt-3.5-turbo 0.5 and 1.5; o1 15, cached 7.5, and 60."""
    rag, research = (card_of(path)["total"]["cost_usd"] for path in FILES[:2])
    assert rag == pytest.approx((629 * 0.5 + 19 * 1.5) / 1e6)
    assert research == pytest.approx(((17_952 - 5_504) * 15 + 5_504 * 7.5 + 7_122 * 60) / 1e6)


def test_a_made_up_model_is_not_priced() -> None:
    card = card_of(FILES[2])
    assert card["total"]["cost_usd"] is None
    assert card["unpriced"] == [{"model": "fake-model", "reason": "unknown_model", "calls": 3}]


def test_a_handoff_of_openai_agents_leads_to_the_next_agent_and_is_no_tool() -> None:
    steps = [normalize(span) for span in read_file(FILES[2]).spans]
    assert {step.agent for step in steps if step.kind == "agent"} == {"Triage", "Refunds"}
    assert [step.tool for step in steps if step.kind == "tool"] == ["lookup_order"]
