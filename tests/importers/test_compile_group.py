"""Records to cards: ends of traces, kept steps, faults of importers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from clawtrace_otel.importers import compile_group
from clawtrace_otel.importers.compile_group import Summary, compile_records, read
from clawtrace_otel.importers.formats.otlp_file import IMPORTER
from clawtrace_otel.importers.importer import Importer, Problem, Record, Told, TraceEnd
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.step import Evaluation
from clawtrace_otel.span import Span
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.write import dump_card
from tests.importers.captures import FIXTURE
from tests.importers.compile_files import cards_of

FIXTURES = sorted(FIXTURE.parent.glob("*.jsonl"))
SECOND = 10**9

AGENT = {a.GEN_AI_OPERATION_NAME: "invoke_agent", a.GEN_AI_AGENT_NAME: "planner"}
CHAT = {
    a.GEN_AI_OPERATION_NAME: "chat",
    a.GEN_AI_REQUEST_MODEL: "gpt-5.4",
    a.GEN_AI_RESPONSE_ID: "resp_1",
    a.GEN_AI_USAGE_INPUT_TOKENS: 100,
    a.GEN_AI_USAGE_OUTPUT_TOKENS: 10,
}


def run(number: int) -> list[Span]:
    """An agent with one call."""
    trace_id, root = f"{number:032x}", f"{number:015x}1"
    start, end = number * SECOND, number * SECOND + 5
    return [
        Span(trace_id, root, "", "invoke_agent planner", start, end, AGENT),
        Span(trace_id, f"{number:015x}2", root, "chat", start, end, CHAT),
    ]


def lone_call(number: int, scope: str) -> Span:
    """A call outside of any agent: of all numbers the same."""
    return Span(
        f"{number:032x}",
        f"{number:016x}",
        "",
        "chat",
        SECOND + number,
        2 * SECOND - number,
        CHAT,
        scope=scope,
    )


class Log:
    """What happened, in its order."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def records(self, records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            assert isinstance(record, Span | TraceEnd)
            self.events.append(f"{type(record).__name__} {record.trace_id[-1:]}")
            yield record

    def keep(self, compiled: Callable[[int], Card | None]) -> Card | None:
        card = compiled(1)
        self.events.append(f"card {card['trace_id'][-1:]}" if card else "none")
        return card


def test_a_trace_is_compiled_when_its_end_is_told_and_else_at_the_end() -> None:
    log = Log()
    records: list[Record] = [
        *run(1),
        *run(2),
        TraceEnd(f"{2:032x}"),
        *run(3),
        TraceEnd(f"{9:032x}"),
    ]
    done = compile_records(log.records(records), Compiler(), log.keep)
    assert log.events == [
        *["Span 1"] * 2,
        *["Span 2"] * 2,
        *["TraceEnd 2", "card 2"],
        *["Span 3"] * 2,
        *["TraceEnd 9", "card 1", "card 3"],
    ]
    assert [card[-1] for card in done.cards] == ["2", "1", "3"]
    assert (done.spans, done.traces) == (6, 3)


@pytest.mark.parametrize("is_told", [False, True])
def test_one_call_in_two_traces_is_one_card_whether_or_not_their_ends_are_told(
    is_told: bool,
) -> None:
    records: list[Record] = []
    for number, scope in ((1, "sdk"), (2, "framework")):
        call = lone_call(number, scope)
        records += [call, TraceEnd(call.trace_id)] if is_told else [call]
    (card,) = cards_of(records, Compiler())
    assert card["total"]["llm_calls"] == 1
    assert card["steps"][0].get("merged") == 2


@pytest.mark.parametrize("max_steps", [0, 1, 7])
@pytest.mark.parametrize("path", FIXTURES[:6], ids=lambda path: path.stem)
def test_cards_are_the_same_when_steps_do_not_fit_into_memory(path: Path, max_steps: int) -> None:
    def cards(limit: int) -> tuple[list[str], Summary]:
        texts: list[str] = []

        def keep(compiled: Callable[[int], Card | None]) -> Card | None:
            card = compiled(1)
            texts.append(dump_card(card) if card else "")
            return card

        done = compile_records(read(IMPORTER, [path]), Compiler(), keep, max_steps=limit)
        return texts, done

    assert cards(max_steps) == cards(10**9)


def test_an_evaluation_is_found_again_when_steps_were_put_on_disk() -> None:
    passed = Told(f"{1:032x}", Evaluation(name="db_check", label="passed"))
    done: list[Card] = []

    def keep(compiled: Callable[[int], Card | None]) -> Card | None:
        card = compiled(1)
        assert card is not None
        done.append(card)
        return card

    compile_records([*run(1), passed, *run(2)], Compiler(), keep, max_steps=1)
    assert [card.get("outcome", {}).get("passed") for card in done] == [True, None]


def test_problems_beyond_a_number_are_counted_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_group, "MAX_PROBLEMS", 3)
    problems = [Problem(Path("x"), line, "no JSON") for line in range(1, 9)]
    done = compile_records([*problems, *run(1)], Compiler())
    assert (done.problems, done.unlisted, len(done.cards)) == (problems[:3], 5, 1)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(5, "Input/output error", "x/y.jsonl"), "x/y.jsonl: Input/output error"),
        (KeyError("id"), "a.jsonl: reading it as odd failed, which is a fault of ours: "),
        (RecursionError(), "a.jsonl: reading it as odd failed, which is a fault of ours: "),
    ],
)
def test_an_importer_that_fails_loses_nothing_that_it_read_before(
    error: Exception, text: str
) -> None:
    def records(paths: Sequence[Path]) -> Iterator[Record]:
        del paths
        yield from run(1)
        raise error

    odd = Importer("odd", recognises=lambda head: bool(head), read=records)
    done = compile_records(read(odd, [Path("a.jsonl")]), Compiler())
    assert len(done.cards) == 1
    assert [str(problem).startswith(text) for problem in done.problems] == [True]


def test_a_trace_that_cannot_be_compiled_holds_up_no_other() -> None:
    def keep(compiled: Callable[[int], Card | None]) -> Card | None:
        card = compiled(1)
        if card and card["trace_id"] == f"{1:032x}":
            raise ZeroDivisionError
        return card

    done = compile_records([*run(1), *run(2)], Compiler(), keep, where=Path("a.jsonl"))
    assert [card[-1] for card in done.cards] == ["2"]
    assert str(done.problems[0]).startswith(f"a.jsonl: trace {1:032x} cannot be compiled")


def test_calls_without_a_price_are_counted_by_model() -> None:
    spans = run(1)
    spans[1].attributes = {**CHAT, a.GEN_AI_REQUEST_MODEL: "nobody-prices-this"}
    done = compile_records([*spans, *run(2)], Compiler())
    assert dict(done.unpriced) == {"nobody-prices-this": 1}
    assert done.cost is not None
    assert compile_records(spans, Compiler()).cost is None
