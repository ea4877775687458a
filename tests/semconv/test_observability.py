"""Pydantic AI, Logfire, Langfuse and LangSmith: what the captured spans do not show."""

import json
from collections.abc import Mapping

import pytest

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects import Kind
from clawtrace_otel.semconv.normalize import kind_of, normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span

TRACE = "0af7651916cd43dd8448eb211c80319c"
CHAT = {a.GEN_AI_OPERATION_NAME: "chat", a.GEN_AI_REQUEST_MODEL: "gpt-5"}


def span_of(attributes: Mapping[str, object], **fields: object) -> Span:
    span = Span(TRACE, "b7ad6b7169203331", attributes=dict(attributes), start_ns=5, end_ns=9)
    for name, value in fields.items():
        setattr(span, name, value)
    return span


def step_of(attributes: Mapping[str, object], **fields: object) -> Step:
    return normalize(span_of(attributes, **fields))


@pytest.mark.parametrize(
    "attributes",
    [
        CHAT,
        {a.GEN_AI_OPERATION_NAME: "execute_tool", a.GEN_AI_TOOL_NAME: "read_file"},
        {a.OPENINFERENCE_SPAN_KIND: "LLM"},
        {a.LANGFUSE_TYPE: "generation"},
    ],
)
def test_what_logfire_sends_when_a_span_begins_is_no_step(attributes: dict[str, object]) -> None:
    pending = attributes | {a.LOGFIRE_SPAN_TYPE: "pending_span"}
    assert kind_of(span_of(attributes)) != "span"
    assert kind_of(span_of(pending)) == "span"
    assert kind_of(span_of(attributes | {a.LOGFIRE_SPAN_TYPE: "span"})) != "span"


@pytest.mark.parametrize(
    ("attributes", "fields", "kind"),
    [
        ({}, {"scope": "logfire.openai"}, "span"),
        ({}, {"scope": "logfire.anthropic"}, "span"),
        ({}, {"scope": "logfire.openai", "failed": True}, "llm"),
        ({a.GEN_AI_RESPONSE_ID: "resp_1"}, {"scope": "logfire.openai"}, "llm"),
        ({a.LOGFIRE_DURATION: 0.2}, {"scope": "logfire.openai"}, "llm"),
        ({}, {"scope": "opentelemetry.instrumentation.genai.openai"}, "llm"),
    ],
)
def test_the_first_of_logfires_two_spans_of_a_stream_is_no_call(
    attributes: dict[str, object], fields: dict[str, object], kind: Kind
) -> None:
    assert kind_of(span_of(CHAT | attributes, **fields)) == kind


def test_a_stream_of_logfire_began_when_its_log_says() -> None:
    log = CHAT | {a.LOGFIRE_DURATION: 0.25, a.GEN_AI_USAGE_INPUT_TOKENS: 11}
    second = 10**9
    step = step_of(log, scope="logfire.openai", start_ns=2 * second, end_ns=2 * second)
    assert (step.start_ns, step.end_ns) == (1_750_000_000, 2 * second)
    step = step_of(log, scope="logfire.openai", start_ns=second, end_ns=2 * second)
    assert step.start_ns == second
    assert step_of(log, scope="logfire.openai", start_ns=7, end_ns=7).start_ns == 0


@pytest.mark.parametrize(
    "name", ["Chat Completion with {request_data[model]!r}", "Message with {request_data[model]!r}"]
)
def test_older_logfire_spans_are_calls_by_their_name(name: str) -> None:
    answered = {a.GEN_AI_REQUEST_MODEL: "gpt-5", a.LOGFIRE_RESPONSE_DATA: "{}"}
    assert kind_of(span_of(answered, name=name, scope="logfire.openai")) == "llm"
    assert kind_of(span_of(answered, name=name, scope="my_agent")) == "span"


@pytest.mark.parametrize("name", ["agent run", "joke_agent run", "invoke_agent joke_agent"])
def test_an_agent_of_pydantic_ai_is_one_whatever_its_span_is_called(name: str) -> None:
    attributes = {a.PYDANTIC_AGENT_NAME: "joke_agent", a.PYDANTIC_ALL_MESSAGES: "[]"}
    step = step_of(attributes, name=name, scope="pydantic-ai")
    assert (step.kind, step.agent) == ("agent", "joke_agent")


def test_an_output_function_of_pydantic_ai_is_a_tool_though_it_has_no_call_id() -> None:
    attributes = {a.GEN_AI_TOOL_NAME: "final_result", a.PYDANTIC_TOOL_ARGUMENTS: '{"total": 1648}'}
    step = step_of(attributes, name="running output function", scope="pydantic-ai")
    assert (step.kind, step.tool, step.args) == ("tool", "final_result", '{"total":1648}')


def test_what_an_agent_of_pydantic_ai_adds_up_is_read_on_the_agent_alone() -> None:
    added = {a.PYDANTIC_RUN_INPUT: 6300, a.PYDANTIC_RUN_OUTPUT: 240, a.PYDANTIC_MODEL_NAME: "gpt-5"}
    agent = step_of(added | {a.GEN_AI_OPERATION_NAME: "invoke_agent", a.GEN_AI_AGENT_NAME: "lead"})
    assert agent.usage is not None
    assert (agent.usage.input, agent.usage.output, agent.request_model) == (6300, 240, "gpt-5")
    assert step_of(added | CHAT).usage is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        *[(kind, "llm") for kind in ("generation", "embedding")],
        *[(kind, "span") for kind in ("span", "chain", "retriever", "evaluator", "guardrail")],
        *[("event", "span"), ("tool", "tool"), ("agent", "agent")],
    ],
)
def test_langfuse_says_what_an_observation_is(kind: str, expected: Kind) -> None:
    assert kind_of(span_of({a.LANGFUSE_TYPE: kind, a.GEN_AI_OPERATION_NAME: "other"})) == expected


@pytest.mark.parametrize(("level", "failed"), [("ERROR", True), ("WARNING", False), (None, False)])
def test_an_observation_of_langfuse_failed_by_its_level(level: str | None, failed: bool) -> None:
    attributes = {a.LANGFUSE_TYPE: "tool", a.LANGFUSE_STATUS_MESSAGE: "no such file"}
    step = step_of(attributes | ({a.LANGFUSE_LEVEL: level} if level else {}))
    assert step.error == ("no such file" if failed else None)


def test_the_tier_of_a_call_is_among_langfuses_parameters() -> None:
    parameters = {"temperature": 1, "max_tokens": "Infinity", "service_tier": "priority"}
    call = {a.LANGFUSE_TYPE: "generation", a.LANGFUSE_MODEL_PARAMETERS: json.dumps(parameters)}
    assert step_of(call).tier == "priority"


def test_langfuses_callback_writes_tool_calls_as_langchain_keeps_them() -> None:
    function = {"name": "Web-Search", "arguments": '{"query":"example"}'}
    output = {
        "role": "assistant",
        "content": "",
        "additional_kwargs": {"tool_calls": [{"id": "call_1", "function": function}]},
    }
    step = step_of({a.LANGFUSE_TYPE: "generation", a.LANGFUSE_OUTPUT: json.dumps(output)})
    assert [(call.id, call.tool, call.args) for call in step.calls] == [
        ("call_1", "Web-Search", '{"query":"example"}')
    ]
    assert step.does == "tool_call"


@pytest.mark.parametrize(
    ("name", "output", "kind"),
    [
        ("read_file", {"type": "tool", "name": "read_file", "tool_call_id": "call_1"}, "tool"),
        ("tools", {"type": "tool", "name": "read_file", "tool_call_id": "call_1"}, "span"),
        ("read_file", {"type": "ai", "name": "read_file"}, "span"),
    ],
)
def test_a_tool_of_langchain_in_an_older_langfuse_is_a_span_with_its_message(
    name: str, output: dict[str, object], kind: Kind
) -> None:
    observed = {
        a.LANGFUSE_TYPE: "span",
        a.LANGFUSE_INPUT: "{'path': 'report.xlsx'}",
        a.LANGFUSE_OUTPUT: json.dumps(output | {"content": "Q1 410", "status": "success"}),
    }
    step = step_of(observed, name=name)
    assert step.kind == kind
    if kind == "tool":
        assert (step.call_id, step.result_size, step.tool) == ("call_1", 6, "read_file")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("llm", "llm"), ("embedding", "llm"), ("tool", "tool"), ("chain", "span"), ("prompt", "span")],
)
def test_langsmith_says_what_a_run_is(kind: str, expected: Kind) -> None:
    assert kind_of(span_of({a.LANGSMITH_SPAN_KIND: kind})) == expected


def test_a_project_of_langsmith_is_no_session() -> None:
    run = {a.LANGSMITH_SPAN_KIND: "chain", "langsmith.trace.session_name": "default"}
    assert step_of(run).session == ""
    assert step_of(run | {a.LANGSMITH_THREAD_ID: "conversation-1"}).session == "conversation-1"


@pytest.mark.parametrize("name", ["lead", "model"])
def test_a_chain_of_langsmith_is_an_agent_if_it_is_called_as_its_agent(name: str) -> None:
    run = {a.LANGSMITH_SPAN_KIND: "chain", a.LANGSMITH_AGENT_NAME: "lead"}
    step = step_of(run, name=name)
    assert (step.kind, step.agent) == ("agent" if name == "lead" else "span", "lead")


def test_an_answer_of_openai_that_langsmith_wraps_whole_is_read() -> None:
    call = {"id": "call_1", "function": {"name": "read_file", "arguments": "{}"}}
    message = {"role": "assistant", "content": "I plan.", "tool_calls": [call]}
    completion = {"id": "chatcmpl-1", "choices": [{"index": 0, "message": message}]}
    run = {a.LANGSMITH_SPAN_KIND: "llm", a.LANGSMITH_COMPLETION: json.dumps(completion)}
    step = step_of(run)
    assert (step.does, [called.tool for called in step.calls]) == ("plan_then_tool", ["read_file"])


def test_a_tool_call_that_langchain_writes_twice_is_one() -> None:
    content = [{"type": "tool_use", "id": "toolu_1", "name": "read_file", "input": {"path": "a"}}]
    beside = [{"name": "read_file", "args": {"path": "a"}, "id": "toolu_1", "type": "tool_call"}]
    message = {"lc": 1, "kwargs": {"content": content, "tool_calls": beside, "type": "ai"}}
    completion = {"generations": [[{"text": "", "message": message}]]}
    step = step_of({a.LANGSMITH_SPAN_KIND: "llm", a.LANGSMITH_COMPLETION: json.dumps(completion)})
    assert [(call.id, call.args) for call in step.calls] == [("toolu_1", '{"path":"a"}')]


@pytest.mark.parametrize("depth", [5, 50, 5000])
def test_an_answer_of_absurd_depth_is_read_without_an_error(depth: int) -> None:
    text = '{"message":' * depth + '{"content":"Hello."}' + "}" * depth
    step = step_of({a.LANGSMITH_SPAN_KIND: "llm", a.LANGSMITH_COMPLETION: text})
    assert step.does == ("final_reply" if depth == 5 else "other")
