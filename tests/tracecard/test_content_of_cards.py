"""What stands on a card under each content policy."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.semconv.content import keep
from clawtrace_otel.semconv.step import Evaluation, Step
from clawtrace_otel.settings import Content
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import check_card
from clawtrace_otel.tracecard.write import dump_card
from tests.semconv.secrets import PASSWORD, PLACED, TOKENS, Placed, dumped
from tests.tracecard.traces import TraceBuilder

POLICIES: tuple[Content, ...] = ("none", "hash", "sample")
SECRETS = {**{name: Placed(f"see {t} here", t) for name, t in TOKENS.items()}, **PLACED}


def run(text: str, *, kept: Content | None = None) -> list[Step]:
    """Equal calls, a repaired failure and an LLM call, with ``text`` wherever it can be."""
    trace = TraceBuilder()
    trace.llm()
    arguments = {"path": "a.txt", "note": text}
    for result in ("one", "one", "two"):
        trace.tool("read_file", arguments, result, read_only=True)
    trace.tool("send", text, None, error=f"{text}")
    trace.tool("send", text)
    trace.llm(error=text)
    trace.span(evaluations=(Evaluation(name="judge", label="fail", explanation=text),))
    steps = trace.end()
    for step in steps:
        if kept is not None:
            keep(step, kept)
    return steps


def card_of(steps: list[Step], content: Content) -> Card:
    card = Compiler(content=content).compile(steps)
    assert card is not None
    check_card(card, "the card")
    return card


def without_content(card: Card) -> dict[str, Any]:
    lines = [
        {k: v for k, v in line.items() if k not in ("args", "error")} for line in card["steps"]
    ]
    outcome = {**card["outcome"], "evidence": []}
    return {**card, "steps": lines, "outcome": outcome}


@pytest.mark.parametrize("content", POLICIES)
@pytest.mark.parametrize("kept", [None, *POLICIES])
@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_reaches_a_card(name: str, kept: Content | None, content: Content) -> None:
    """Wherever the steps come from: a journal may be older than the setting."""
    text = dump_card(card_of(run(SECRETS[name].text, kept=kept), content))
    assert SECRETS[name].secret not in text
    assert SECRETS[name].secret[:10] not in text or len(SECRETS[name].secret) < 10


@pytest.mark.parametrize("content", ["none", "hash"])
def test_repeats_retries_and_sums_are_those_of_a_sample(content: Content) -> None:
    text = "the quick brown fox"
    sample = card_of(run(text, kept="sample"), "sample")
    other = card_of(run(text, kept=content), content)
    assert [group["verdict"] for group in sample["redundant"]] == ["same", "changed"]
    assert without_content(other) == without_content(sample)


def test_a_hash_shows_which_calls_are_equal() -> None:
    steps = card_of(run("some text", kept="hash"), "hash")["steps"]
    args = [line["args"] for line in steps if "args" in line]
    assert len(args) == 5
    assert len(set(args[:3])) == 1
    assert args[3] == args[4] != args[0]
    assert all(arg.startswith("blake2b:") and len(arg) == len("blake2b:") + 12 for arg in args)


def test_nothing_of_the_content_stands_on_a_card_without_content() -> None:
    card = card_of(run("some text", kept="none"), "none")
    assert not any("args" in line for line in card["steps"])
    assert [line["error"] for line in card["steps"] if "error" in line] == ["error", "error"]
    assert card["outcome"] == {"passed": False, "by": "judge", "evidence": []}


def test_near_repeats_are_found_in_samples_alone() -> None:
    def kinds(content: Content) -> list[str]:
        trace = TraceBuilder()
        for n in (1, 2):
            trace.tool("search", {"query": f"the quick brown fox jumps over dog {n}"}, "found")
        for step in trace.end():
            keep(step, content)
        return [group["kind"] for group in card_of(trace.steps, content).get("redundant", [])]

    assert [kinds(content) for content in POLICIES] == [[], [], ["near"]]


def test_calls_that_differ_in_a_secret_alone_are_near_and_not_equal() -> None:
    trace = TraceBuilder()
    for password in (PASSWORD, "another8one", PASSWORD):
        trace.tool("login", {"user": "bob", "password": password}, "welcome", read_only=True)
    for step in trace.end():
        keep(step, "sample")
    steps = card_of(trace.steps, "sample")["steps"]
    assert [line.get("repeat") for line in steps] == [
        None,
        {"of": 1, "verdict": "same", "kind": "near"},
        {"of": 1, "verdict": "same"},
    ]


@given(
    st.sampled_from(sorted(TOKENS)),
    st.text(st.characters(codec="utf-8"), max_size=200),
    st.text(st.characters(codec="utf-8"), max_size=50),
    st.sampled_from(POLICIES),
)
@settings(max_examples=100, deadline=None)
def test_whatever_stands_around_a_secret_it_reaches_no_card(
    name: str, before: str, after: str, content: Content
) -> None:
    text = f"{before} {TOKENS[name]} {after}"
    assert TOKENS[name][-12:] not in dump_card(card_of(run(text, kept=content), content))


def test_a_short_password_in_arguments_is_masked_on_a_card() -> None:
    trace = TraceBuilder()
    trace.tool("login", dumped(password="hunter2", user="bob"))
    (line,) = card_of(trace.end(), "sample")["steps"]
    assert line["args"] == '{"password":"[masked]","user":"bob"}'
