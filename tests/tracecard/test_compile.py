"""What a card says of a trace."""

import pytest
import yaml

from clawtrace_otel.money import PER_USD
from clawtrace_otel.processors.tool_effects import ToolEffects
from clawtrace_otel.semconv.step import Call, Evaluation, Step, Usage
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card, StepLine
from clawtrace_otel.tracecard.write import dump_card
from tests.tracecard.traces import START_NS, TRACE_ID, TraceBuilder

COMPILER = Compiler(effects=ToolEffects(read_only=["read_*"]))


def compiled(steps: list[Step]) -> Card:
    card = COMPILER.compile(steps)
    assert card is not None
    return card


def line(card: Card, n: int) -> StepLine:
    return next(step for step in card["steps"] if step["n"] == n)


def test_a_trace_without_llm_and_tool_steps_has_no_card() -> None:
    trace = TraceBuilder()
    trace.span(name="GET /")
    assert COMPILER.compile(trace.end()) is None


def test_the_header_names_root_agent_session_time_and_models() -> None:
    trace = TraceBuilder()
    trace.llm(session="conv_1")
    trace.llm(model="gpt-5.4-mini")
    card = compiled(trace.end())
    assert card["trace_id"] == TRACE_ID
    assert card["root"] == {
        "span": "0000000000000001",
        "name": "invoke_agent planner",
        "service": "test",
        "agent": "planner",
    }
    assert card["session"] == "conv_1"
    assert card["started"] == "2026-11-02T10:00:00.000Z"
    assert card["duration_s"] == 0.004
    assert card["models"] == ["gpt-5.4", "gpt-5.4-mini"]


def test_the_session_is_that_of_the_span_nearest_to_the_root() -> None:
    trace = TraceBuilder()
    agent = trace.agent_step("researcher", session="inner")
    trace.llm(parent_id=agent.span_id, session="innermost")
    trace.root.session = "outer"
    assert compiled(trace.end())["session"] == "outer"


def test_a_trace_whose_root_has_not_come_in_is_open() -> None:
    trace = TraceBuilder()
    call = trace.llm()
    card = compiled([call])
    assert card["status"] == "open"
    assert card["root"]["span"] == call.span_id


def test_a_root_that_failed_makes_the_status_error() -> None:
    trace = TraceBuilder()
    trace.llm()
    trace.root.error = "TimeoutError"
    assert compiled(trace.end())["status"] == "error"


def test_a_tool_call_names_the_llm_call_that_asked_for_it_by_its_id() -> None:
    trace = TraceBuilder()
    trace.llm(calls=(Call(id="a", tool="read_file"),))
    trace.llm()
    trace.tool("read_file", call_id="a")
    assert line(compiled(trace.end()), 3)["by"] == 1


def test_a_tool_call_without_an_id_follows_the_last_llm_call_of_its_agent() -> None:
    trace = TraceBuilder()
    trace.llm()
    agent = trace.agent_step("researcher")
    trace.llm(parent_id=agent.span_id)
    trace.tool("read_file")
    trace.tool("search", parent_id=agent.span_id)
    card = compiled(trace.end())
    assert line(card, 4)["by"] == 1
    assert line(card, 5)["by"] == 3
    assert line(card, 5)["under"] == 2


def test_arguments_that_a_tool_span_lacks_come_from_the_answer_that_asked_for_it() -> None:
    trace = TraceBuilder()
    asked = Call(id="a", tool="read_file", args='{"path":"x"}', args_hash="h")
    trace.llm(calls=(asked,))
    trace.tool("read_file", call_id="a")
    assert line(compiled(trace.end()), 2)["args"] == '{"path":"x"}'


def test_a_sub_agent_has_the_sums_of_all_that_it_and_its_own_sub_agents_did() -> None:
    trace = TraceBuilder()
    trace.llm()
    outer = trace.agent_step("researcher")
    trace.llm(parent_id=outer.span_id)
    inner = trace.agent_step("reader", parent_id=outer.span_id)
    trace.tool("read_file", parent_id=inner.span_id)
    trace.llm(parent_id=inner.span_id)
    card = compiled(trace.end())
    each = line(card, 1)["usd"]
    assert each is not None
    researcher = line(card, 2)
    assert (researcher["agent"], researcher["llm_calls"], researcher["tool_calls"]) == (
        "researcher",
        2,
        1,
    )
    assert researcher["usd"] == pytest.approx(2 * each)
    assert line(card, 4)["usd"] == each
    assert line(card, 4)["under"] == 2
    assert card["total"]["cost_usd"] == pytest.approx(3 * each)


def test_two_agents_side_by_side_are_both_steps() -> None:
    trace = TraceBuilder()
    trace.root.kind = "workflow"
    for name in ("lead", "writer"):
        trace.llm(parent_id=trace.agent_step(name).span_id)
    card = compiled(trace.end())
    assert [step["agent"] for step in card["steps"] if "agent" in step] == ["lead", "writer"]
    assert "agent" not in card["root"]


def test_a_tool_that_runs_an_agent_changes_nothing_by_itself() -> None:
    trace = TraceBuilder()
    trace.tool("read_file", {"path": "x"})
    research = trace.tool("research", {"topic": "x"})
    agent = trace.agent_step("researcher", parent_id=research.span_id)
    trace.tool("read_file", {"path": "x"}, parent_id=agent.span_id)
    assert line(compiled(trace.end()), 4)["repeat"]["verdict"] == "same"


def test_usage_on_an_agent_is_priced_only_where_no_call_below_it_has_any() -> None:
    usage = Usage(fresh=1000, output=10)
    trace = TraceBuilder()
    trace.root.usage, trace.root.model = usage, "gpt-5.4"
    trace.llm(usage=usage)
    with_calls = compiled(trace.end())
    assert with_calls["total"]["tokens"]["input"] == 1000

    alone = TraceBuilder()
    alone.root.usage, alone.root.model = usage, "gpt-5.4"
    alone.tool("read_file")
    card = compiled(alone.end())
    assert card["total"]["cost_usd"] == with_calls["total"]["cost_usd"]
    assert card["total"]["llm_calls"] == 0
    assert [step["aggregate"] for step in card["steps"] if "agent" in step] == [True]


def test_a_supplied_cost_wins_and_a_gap_to_the_computed_one_is_shown() -> None:
    trace = TraceBuilder()
    computed = 1000 * 2.5e-6 + 10 * 15e-6
    trace.llm(supplied=int(0.5 * PER_USD))
    trace.llm(supplied=round(computed * 1.001 * PER_USD))
    card = compiled(trace.end())
    assert line(card, 1)["usd"] == 0.5
    assert line(card, 1)["source"] == "supplied"
    assert line(card, 1)["computed_usd"] == pytest.approx(computed)
    assert "computed_usd" not in line(card, 2)
    assert card["prices"] == {"supplied": 2}


def test_calls_without_a_price_are_counted_and_listed_with_their_reason() -> None:
    trace = TraceBuilder()
    trace.llm()
    for _ in range(2):
        trace.llm(model="my-own-model", provider="")
    trace.llm(usage=None)
    trace.llm(usage=None, invalid="input_tokens=-5")
    card = compiled(trace.end())
    assert card["total"]["unpriced_calls"] == 4
    assert line(card, 2)["usd"] is None
    assert line(card, 2)["unpriced"] == "unknown_model"
    assert card["unpriced"] == [
        {"model": "my-own-model", "reason": "unknown_model", "calls": 2},
        {"model": "gpt-5.4", "reason": "no_usage", "calls": 1},
        {"model": "gpt-5.4", "reason": "invalid_usage", "calls": 1},
    ]


def test_the_total_is_null_where_nothing_could_be_priced() -> None:
    trace = TraceBuilder()
    trace.llm(usage=None)
    assert compiled(trace.end())["total"]["cost_usd"] is None


def test_repeats_of_one_call_are_one_group_for_each_verdict() -> None:
    trace = TraceBuilder()
    for result in ("a", "a", "b", "b"):
        trace.tool("read_file", {"path": "x"}, result)
    card = compiled(trace.end())
    assert card["redundant"] == [
        {"tool": "read_file", "steps": [1, 2], "kind": "equal", "verdict": "same"},
        {"tool": "read_file", "steps": [2, 3], "kind": "equal", "verdict": "changed"},
        {"tool": "read_file", "steps": [3, 4], "kind": "equal", "verdict": "same"},
    ]
    assert [s["repeat"]["of"] for s in card["steps"] if "repeat" in s] == [1, 2, 3]


def test_a_failure_names_the_retry_that_repaired_it() -> None:
    trace = TraceBuilder()
    for error in ("Boom", "Boom", None):
        trace.tool("run_tests", {"path": "x"}, None if error else "ok", error=error)
    card = compiled(trace.end())
    assert [step.get("retry_of") for step in card["steps"]] == [None, 1, 2]
    assert [step.get("repaired_by") for step in card["steps"]] == [3, 3, None]
    assert "redundant" not in card


def test_a_call_of_another_agent_is_marked_because_it_shares_no_context() -> None:
    trace = TraceBuilder()
    trace.tool("read_file", {"path": "x"})
    agent = trace.agent_step("researcher")
    trace.tool("read_file", {"path": "x"}, parent_id=agent.span_id)
    repeat = line(compiled(trace.end()), 3)["repeat"]
    assert repeat == {"of": 1, "verdict": "same", "other_agent": True}


def test_a_cycle_of_calls_is_one_loop_with_its_period_and_count() -> None:
    trace = TraceBuilder()
    for _ in range(4):
        trace.tool("read_status", {"id": 1})
        trace.tool("read_log", {"id": 1})
    assert compiled(trace.end())["loops"] == [{"first": 1, "last": 8, "period": 2, "count": 4}]


def test_one_call_that_three_libraries_saw_is_one_step() -> None:
    trace = TraceBuilder()
    outer = trace.llm(scope="one", usage=Usage(fresh=1000, output=10))
    middle = trace.llm(scope="two", parent_id=outer.span_id)
    http = trace.span(name="POST", parent_id=middle.span_id)
    cached = Usage(fresh=200, cache_read=800, output=10, reasoning=4)
    trace.llm(scope="three", parent_id=http.span_id, usage=cached)
    outer.end_ns = middle.end_ns = http.end_ns = START_NS + 9_000_000
    card = compiled(trace.end())
    assert card["total"]["llm_calls"] == 1
    assert line(card, 1)["merged"] == 3
    assert (line(card, 1)["cached"], line(card, 1)["reasoning"]) == (800, 4)


def test_siblings_with_the_same_response_id_are_one_call_in_different_scopes_only() -> None:
    for scopes, calls in ((("one", "two"), 1), (("one", "one"), 2)):
        trace = TraceBuilder()
        for scope in scopes:
            trace.llm(scope=scope, response_id="r", start_ns=START_NS, end_ns=START_NS + 10)
        assert compiled(trace.end())["total"]["llm_calls"] == calls


def test_siblings_where_one_knows_no_response_id_are_one_call_if_all_else_agrees() -> None:
    for tokens, calls in ((1000, 1), (999, 2)):
        trace = TraceBuilder()
        trace.llm(scope="one", response_id="r", start_ns=START_NS, end_ns=START_NS + 10)
        trace.llm(
            scope="two",
            usage=Usage(fresh=tokens, output=10),
            start_ns=START_NS + 1,
            end_ns=START_NS + 9,
        )
        assert compiled(trace.end())["total"]["llm_calls"] == calls


def test_an_llm_span_around_several_calls_only_adds_them_up() -> None:
    trace = TraceBuilder()
    outer = trace.llm(usage=Usage(fresh=2000, output=20))
    trace.llm(parent_id=outer.span_id)
    trace.llm(parent_id=outer.span_id)
    card = compiled(trace.end())
    assert card["total"]["llm_calls"] == 2
    assert card["total"]["tokens"]["input"] == 2000


def test_an_llm_call_within_a_tool_is_a_call_of_its_own() -> None:
    trace = TraceBuilder()
    outer = trace.llm(scope="one")
    tool = trace.tool("summarise", parent_id=outer.span_id)
    trace.llm(scope="two", parent_id=tool.span_id)
    assert compiled(trace.end())["total"]["llm_calls"] == 2


def test_a_tool_call_that_mcp_instrumentation_saw_too_is_one_step() -> None:
    trace = TraceBuilder()
    outer = trace.tool("read_file", {"path": "x"}, scope="framework")
    trace.tool("read_file", None, scope="mcp", parent_id=outer.span_id)
    card = compiled(trace.end())
    assert card["total"]["tool_calls"] == 1
    assert line(card, 1)["merged"] == 2


def test_a_span_that_was_sent_while_open_and_again_when_ended_is_one_step() -> None:
    trace = TraceBuilder()
    ended = trace.llm()
    steps = trace.end()
    pending = Step(**{f: getattr(ended, f) for f in ended.__struct_fields__})
    pending.end_ns, pending.usage = 0, None
    assert dump_card(compiled([pending, *steps])) == dump_card(compiled(steps))


@pytest.mark.parametrize(
    ("evaluations", "passed", "score"),
    [
        ([Evaluation("db_check", 1.0, "pass")], True, 1.0),
        ([Evaluation("db_check", 0.0, "fail", "wrong row")], False, 0.0),
        ([Evaluation("a", None, "pass"), Evaluation("b", None, "fail")], False, None),
        ([Evaluation("a", 0.4)], None, 0.4),
        ([Evaluation("a", 0.4, "fail", "", 1), Evaluation("a", 0.9, "pass", "", 2)], True, 0.9),
    ],
)
def test_evaluations_become_the_outcome(
    evaluations: list[Evaluation], passed: bool | None, score: float | None
) -> None:
    trace = TraceBuilder()
    trace.llm()
    steps = trace.end()
    card = COMPILER.compile(steps, evaluations)
    assert card is not None
    assert card["outcome"]["passed"] is passed
    assert card["outcome"].get("score") == score
    trace.root.evaluations = tuple(evaluations)
    assert compiled(steps)["outcome"] == card["outcome"]


def test_text_of_spans_cannot_break_out_of_its_place_in_the_card() -> None:
    trace = TraceBuilder(agent="x: {y}\n- *a !!python/object:os.system")
    hostile = [
        "yes",
        "null",
        "1e3",
        "2026-01-01",
        "<<",
        "=",
        "~",
        "'",
        '"',
        "\\",
        "#",
        "- a",
        "\u2028",
    ]
    for text in hostile:
        trace.tool(text, {"a": text}, error=text)
    card = compiled(trace.end())
    loaded = yaml.safe_load(dump_card(card))
    assert loaded == card
    assert [step["tool"] for step in loaded["steps"][:6]] == hostile[:6]


def test_absurd_times_still_give_a_card() -> None:
    trace = TraceBuilder()
    trace.llm(start_ns=0, end_ns=2**64 - 1)
    trace.llm(start_ns=2**64 - 1, end_ns=0)
    assert compiled(trace.end())["total"]["llm_calls"] == 2
