"""Which traces are one run: an agent that another one called may have a trace of its own."""

import random
from pathlib import Path

import msgspec
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, Span, set_span_in_context

from clawtrace_otel.exporters.span_exporter import TraceCardSpanExporter
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span as ReadSpan
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.joined_traces import JoinedTraces
from clawtrace_otel.tracecard.read import card_paths, read_card
from tests.importers.compile_files import cards_of
from tests.tracecard.traces import START_NS

MS = 1_000_000


def step(trace: int, n: int, start: int, end: int, **fields: object) -> Step:
    """The n-th span of a trace, from one millisecond to another; the first is the root."""
    made = Step(
        trace_id=f"{trace:032x}",
        span_id=f"{trace:08x}{n:08x}",
        parent_id=f"{trace:08x}{1:08x}" if n > 1 else "",
        kind="tool" if n > 1 else "agent",
        start_ns=START_NS + start * MS,
        end_ns=START_NS + end * MS if end else 0,
    )
    return msgspec.structs.replace(made, **fields)


def link(to: Step) -> tuple[tuple[str, str], ...]:
    return ((to.trace_id, to.span_id),)


def joined(*steps: Step, of: int = 1, known: JoinedTraces | None = None) -> list[int]:
    traces = known or JoinedTraces()
    for one in steps:
        traces.add(one)
    return [int(trace_id, 16) for trace_id in traces.traces(f"{of:032x}")]


ROOT = step(1, 1, 0, 100, session="conv")
CALL = step(1, 2, 10, 50, session="conv")
CHILD = step(2, 1, 20, 40, session="conv")
LINKED = step(2, 1, 20, 40, links=link(CALL))


@pytest.mark.parametrize("of", [1, 2])
@pytest.mark.parametrize("child", [CHILD, LINKED], ids=["session", "link"])
def test_an_agent_and_its_caller_are_one_run_whatever_came_in_first(child: Step, of: int) -> None:
    for order in ([ROOT, CALL, child], [child, CALL, ROOT], [child, CALL], [CALL, child]):
        assert joined(*order, of=of) == [1, 2]


@pytest.mark.parametrize("child", [CHILD, LINKED], ids=["session", "link"])
def test_a_caller_that_still_runs_has_its_agents(child: Step) -> None:
    assert joined(msgspec.structs.replace(CALL, end_ns=0), child) == [1, 2]


def test_a_link_to_a_trace_of_which_nothing_came_in_joins_nothing() -> None:
    """A message's sender need not be traced by us."""
    assert joined(LINKED, of=2) == [2]


def test_links_to_two_traces_say_nothing() -> None:
    other = step(3, 2, 10, 50)
    child = msgspec.structs.replace(LINKED, links=link(CALL) + link(other))
    assert joined(CALL, other, child, of=2) == [2]


def test_turns_that_link_to_the_one_before_stay_runs_of_their_own() -> None:
    turns = [step(1, 1, 0, 10)]
    for n in (2, 3):
        turns.append(step(n, 1, 20 * n, 20 * n + 10, links=link(turns[-1])))
    assert [joined(*turns, of=n) for n in (1, 2, 3)] == [[1], [2], [3]]


@pytest.mark.parametrize(
    "fields",
    [
        {"session": "other"},
        {"session": ""},
        {"kind": "llm"},
        {"kind": "span"},
        {"start_ns": START_NS + 60 * MS, "end_ns": START_NS + 70 * MS},  # afterwards
        {"start_ns": START_NS + 5 * MS},  # it began before the call
        {"end_ns": START_NS + 51 * MS},  # it ended after the call
        {"parent_id": "f" * 16},
    ],
)
def test_what_no_call_waits_for_stays_a_run_of_its_own(fields: dict[str, object]) -> None:
    assert joined(ROOT, CALL, msgspec.structs.replace(CHILD, **fields), of=2) == [2]


@pytest.mark.parametrize("kind", ["llm", "workflow", "span"])
def test_only_tools_and_agents_call_agents(kind: str) -> None:
    assert joined(ROOT, msgspec.structs.replace(CALL, kind=kind), CHILD, of=2) == [2]


def test_turns_of_a_conversation_that_overlap_are_no_callers_of_one_another() -> None:
    assert joined(ROOT, CHILD, of=2) == [2]


def test_a_call_that_was_sent_while_open_and_ended_before_the_agent_did_not_call_it() -> None:
    pending = msgspec.structs.replace(CALL, end_ns=0)
    ended = msgspec.structs.replace(CALL, end_ns=START_NS + 15 * MS)
    for order in ([pending, CHILD, ended], [pending, ended, CHILD], [ended, CHILD, pending]):
        assert joined(*order, of=2) == [2]


def test_of_two_calls_in_two_traces_the_one_that_began_last_called_whatever_came_in_first() -> None:
    other = step(3, 2, 15, 45, session="conv")
    for order in ([CALL, other, CHILD], [other, CALL, CHILD], [CHILD, CALL, other]):
        assert joined(*order, of=2) == [3, 2]


def test_agents_of_agents_are_all_on_the_card_of_the_first() -> None:
    steps = [step(n, 1, n, 100 - n, links=link(step(n - 1, 2, 0, 0))) for n in range(2, 20)]
    r = random.Random(1)
    for _ in range(5):
        shuffled = r.sample([ROOT, *steps], len(steps) + 1)
        assert joined(*shuffled, of=r.randint(1, 19)) == list(range(1, 20))


def test_traces_that_link_to_each_other_have_one_card_in_the_end() -> None:
    one, other = step(1, 1, 0, 50, links=link(LINKED)), LINKED
    assert sorted(joined(one, other, of=1)) == [1, 2]


def test_what_was_joined_stays_joined_in_a_conversation_of_any_length() -> None:
    known = JoinedTraces()
    assert joined(ROOT, CHILD, CALL, known=known) == [1, 2]
    later = [step(1, n, n, n + 1, session="conv") for n in range(60, 400)]
    assert joined(*later, known=known) == [1, 2]
    turns = [step(n, 1, n, n + 1, session="conv") for n in range(1000, 1400)]
    assert joined(*turns, known=known) == [1, 2]


def test_a_call_that_is_delivered_again_and_again_pushes_no_other_out() -> None:
    assert joined(CALL, *[step(1, 3, 10, 50, session="conv")] * 500, CHILD) == [1, 2]


def test_the_oldest_traces_are_forgotten_and_leave_nothing_behind() -> None:
    known = JoinedTraces(limit=10)
    for n in range(1, 1000, 2):
        call = step(n, 2, n, n + 9, session=f"conv{n}")
        known.add(call)
        known.add(step(n + 1, 1, n + 1, n + 2, session=f"conv{n}", links=link(call)))
        known.add(step(n + 1, 1, n + 1, n + 3, links=link(step(5000 + n, 1, 0, 0))))
    kept = (known._roots, known._seen, known._linked, known._sessions, known._callers)
    assert [len(each) <= 10 for each in (*kept, known._called)] == [True] * 6


def spans(*, linked: bool) -> list[ReadSpan]:
    """A tool call and, in another trace, the agent that it waits for."""

    def span(trace: int, n: int, start: int, end: int, **attributes: str) -> ReadSpan:
        return ReadSpan(
            trace_id=f"{trace:032x}",
            span_id=f"{trace:08x}{n:08x}",
            parent_id=f"{trace:08x}{1:08x}" if n > 1 else "",
            name=f"span {n}",
            start_ns=START_NS + start * MS,
            end_ns=START_NS + end * MS,
            attributes={key.replace("__", "."): value for key, value in attributes.items()},
        )

    named = {} if linked else {"gen_ai__conversation__id": "conv"}
    agent = {"gen_ai__operation__name": "invoke_agent", **named}
    tool = {"gen_ai__operation__name": "execute_tool", "gen_ai__tool__name": "research", **named}
    chat = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-5.4"}
    remote = span(2, 1, 20, 40, **agent, gen_ai__agent__name="researcher")
    if linked:
        remote.links = ((f"{1:032x}", f"{1:08x}{2:08x}"),)
    return [
        remote,
        span(2, 2, 25, 30, **chat),
        span(1, 1, 0, 100, **agent, gen_ai__agent__name="planner"),
        span(1, 2, 10, 50, **tool),
    ]


@pytest.mark.parametrize("linked", [True, False])
def test_compile_gives_one_card_with_the_agent_below_the_tool(linked: bool) -> None:
    (card,) = cards_of(spans(linked=linked), Compiler())
    assert card["trace_id"] == f"{1:032x}"
    assert [(s.get("tool", s.get("agent")), s.get("by")) for s in card["steps"][:2]] == [
        ("research", None),
        ("researcher", 1),
    ]


def test_compile_gives_a_card_to_a_trace_that_links_to_one_of_which_nothing_is_there() -> None:
    (card,) = cards_of(spans(linked=True)[:2], Compiler())
    assert card["trace_id"] == f"{2:032x}"


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("child_first", [True, False])
def test_the_exporter_writes_one_card_for_both(
    tmp_path: Path, linked: bool, child_first: bool
) -> None:
    """The child ends first, as it must, or comes in late."""
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = TraceCardSpanExporter(cards=str(tmp_path), refresh_seconds=0)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("agent")
    session = {} if linked else {a.GEN_AI_CONVERSATION_ID: "conv"}

    def start(operation: str, parent: Span | None, at: int, to: Span | None = None) -> Span:
        return tracer.start_span(
            operation,
            set_span_in_context(parent) if parent else None,
            attributes={a.GEN_AI_OPERATION_NAME: operation, **session},
            links=[Link(to.get_span_context())] if to else [],
            start_time=START_NS + at * MS,
        )

    root = start("invoke_agent", None, 0)
    tool = start("execute_tool", root, 10)
    child = start("invoke_agent", None, 20, tool if linked else None)
    call = start("chat", child, 25)
    ended = [(call, 30), (child, 40), (tool, 50), (root, 100)]
    for span, at in ended if child_first else [*ended[2:], *ended[:2]]:
        span.end(START_NS + at * MS)
    provider.shutdown()
    (path,) = card_paths(tmp_path)
    card = read_card(path)
    assert card["trace_id"] == f"{root.get_span_context().trace_id:032x}"
    assert (card["total"]["llm_calls"], card["total"]["tool_calls"]) == (1, 1)
    assert card["steps"][1]["by"] == 1
