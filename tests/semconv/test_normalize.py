import json
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects import PREFIXES, READ, Kind
from clawtrace_otel.semconv.normalize import (
    FRAMEWORKS,
    MAX_ERROR_CHARS,
    kind_of,
    normalize,
    read_evaluation,
)
from clawtrace_otel.semconv.step import Step, Usage, decode_steps, encode_steps
from clawtrace_otel.span import Event, Span

CHAT = {a.GEN_AI_OPERATION_NAME: "chat"}
TOOL = {a.GEN_AI_OPERATION_NAME: "execute_tool", a.GEN_AI_TOOL_NAME: "read_file"}


def step_of(attributes: Mapping[str, object], **fields: object) -> Step:
    span = Span(trace_id="a" * 32, span_id="b" * 16, name="a span", attributes=attributes)
    for name, value in fields.items():
        setattr(span, name, value)
    return normalize(span)


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({}, "span"),
        ({a.GEN_AI_OPERATION_NAME: "chat"}, "llm"),
        ({a.GEN_AI_OPERATION_NAME: "embeddings"}, "llm"),
        ({a.GEN_AI_OPERATION_NAME: "execute_tool"}, "tool"),
        ({a.GEN_AI_OPERATION_NAME: "invoke_agent"}, "agent"),
        ({a.GEN_AI_OPERATION_NAME: "invoke_workflow"}, "workflow"),
        ({a.GEN_AI_OPERATION_NAME: "fetch_response"}, "span"),
        ({a.GEN_AI_OPERATION_NAME: "create_agent"}, "span"),
        ({a.GEN_AI_OPERATION_NAME: "unheard_of"}, "span"),
        ({a.GEN_AI_OPERATION_NAME: ["chat"]}, "span"),
        ({a.LLM_REQUEST_TYPE: "chat"}, "llm"),
        ({a.TRACELOOP_SPAN_KIND: "tool"}, "tool"),
        ({a.OPENINFERENCE_SPAN_KIND: "LLM"}, "llm"),
        ({a.OPENINFERENCE_SPAN_KIND: "CHAIN"}, "span"),
        ({a.OPENINFERENCE_SPAN_KIND: "AGENT"}, "workflow"),
        ({a.OPENINFERENCE_SPAN_KIND: "AGENT", a.OI_AGENT_NAME: "lead"}, "agent"),
        ({a.OPENINFERENCE_SPAN_KIND: "AGENT", a.OI_GRAPH_NODE_ID: "lead"}, "agent"),
        ({a.OPENINFERENCE_SPAN_KIND: "TOOL", a.OI_TOOL_NAME: "read_file"}, "tool"),
        ({a.OPENINFERENCE_SPAN_KIND: "TOOL"}, "span"),
        ({a.MCP_METHOD_NAME: "tools/call", a.GEN_AI_TOOL_NAME: "ls"}, "tool"),
        ({a.MCP_METHOD_NAME: "tools/list", a.GEN_AI_TOOL_NAME: "ls"}, "span"),
        ({a.GEN_AI_TOOL_CALL_ID: "call_1", a.GEN_AI_TOOL_NAME: "ls"}, "tool"),
        ({a.GEN_AI_TOOL_CALL_ID: "call_1"}, "span"),
    ],
)
def test_what_a_span_is(attributes: Mapping[str, object], kind: Kind) -> None:
    assert kind_of(Span("", "", attributes=attributes)) == kind


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({a.OPENINFERENCE_SPAN_KIND: "CHAIN"}, "span"),
        ({a.TRACELOOP_SPAN_KIND: "task"}, "span"),
        ({a.TRACELOOP_SPAN_KIND: "workflow"}, "workflow"),
    ],
)
def test_chains_and_tasks_are_no_agents_though_the_collector_calls_them_so(
    attributes: Mapping[str, object], kind: Kind
) -> None:
    """Its ``gen_ai_normalizer`` writes ``invoke_agent`` on them, and a name."""
    added = {a.GEN_AI_OPERATION_NAME: "invoke_agent", a.GEN_AI_AGENT_NAME: "researcher"}
    assert kind_of(Span("", "", attributes={**attributes, **added})) == kind


def test_a_tool_call_is_of_the_agent_that_langchain_names_though_the_collector_names_the_tool() -> (
    None
):
    attributes = {
        a.TRACELOOP_SPAN_KIND: "tool",
        a.TRACELOOP_ENTITY_NAME: "read_file",
        a.TRACELOOP_AGENT_NAME: "researcher",
    }
    added = {a.GEN_AI_OPERATION_NAME: "execute_tool", a.GEN_AI_AGENT_NAME: "read_file"}
    for one in (attributes, {**attributes, **added}):
        step = step_of(one)
        assert (step.kind, step.tool, step.agent) == ("tool", "read_file", "researcher")


def test_messages_are_read_where_they_are_whole_though_the_collector_makes_less_of_them() -> None:
    """Its ``gen_ai_normalizer`` leaves out a text beside calls, and messages in several parts."""
    asked, said = a.OI_INPUT_MESSAGES_PREFIX, f"{a.OI_OUTPUT_MESSAGES_PREFIX}0.message."
    own = {
        a.OPENINFERENCE_SPAN_KIND: "LLM",
        f"{asked}0.message.contents.0.message_content.text": "What is in the report?",
        f"{said}content": "First I read the report.",
        f"{said}tool_calls.0.tool_call.function.name": "read_file",
    }
    part = {"type": "tool_call", "name": "read_file"}
    added = {
        a.GEN_AI_OPERATION_NAME: "chat",
        a.GEN_AI_INPUT_MESSAGES: '[{"role": "user", "parts": []}]',
        a.GEN_AI_OUTPUT_MESSAGES: json.dumps([{"role": "assistant", "parts": [part]}]),
    }
    step, normalized = step_of(own), step_of({**own, **added})
    assert step.does == "plan_then_tool"
    assert normalized.does == step.does
    assert normalized.request_hash == step.request_hash


@pytest.mark.parametrize(
    ("name", "metadata", "kind", "agent"),
    [
        ("researcher", '{"lc_agent_name": "researcher"}', "agent", "researcher"),
        ("model", '{"lc_agent_name": "researcher"}', "span", "researcher"),
        ("researcher", '{"langgraph_node": "researcher"}', "span", ""),
        ("researcher", '["lc_agent_name"]', "span", ""),
        ("", '{"lc_agent_name": ""}', "span", ""),
    ],
)
def test_a_chain_that_is_called_as_its_langchain_agent_is_that_agent(
    name: str, metadata: str, kind: Kind, agent: str
) -> None:
    step = step_of({a.OPENINFERENCE_SPAN_KIND: "CHAIN", a.OI_METADATA: metadata}, name=name)
    assert (step.kind, step.agent) == (kind, agent)


@pytest.mark.parametrize(
    ("attributes", "provider"),
    [
        ({a.GEN_AI_PROVIDER_NAME: "OpenAI"}, "openai"),
        ({a.GEN_AI_SYSTEM: "anthropic"}, "anthropic"),
        ({a.GEN_AI_SYSTEM: "gcp.vertex.agent", a.OI_PROVIDER: "google"}, "google"),
        ({a.GEN_AI_PROVIDER_NAME: "Strands-Agents"}, ""),
        ({a.GEN_AI_PROVIDER_NAME: ["openai"]}, ""),
        *(({a.GEN_AI_PROVIDER_NAME: name}, "") for name in sorted(FRAMEWORKS)),
    ],
)
def test_a_framework_is_no_provider(attributes: Mapping[str, object], provider: str) -> None:
    assert step_of({**CHAT, **attributes}).provider == provider


def test_the_official_names_come_before_those_of_other_dialects() -> None:
    attributes = {
        **CHAT,
        a.GEN_AI_RESPONSE_MODEL: "gpt-5",
        a.OI_MODEL_NAME: "gpt-4",
        a.GEN_AI_USAGE_INPUT_TOKENS: 10,
        a.OI_TOKENS_PROMPT: 11,
    }
    step = step_of(attributes)
    assert (step.model, step.usage) == ("gpt-5", Usage(fresh=10))


def test_a_failed_call_of_openinference_names_its_model_in_the_parameters() -> None:
    attributes = {
        a.OPENINFERENCE_SPAN_KIND: "LLM",
        a.OI_INVOCATION_PARAMETERS: '{"model": "gpt-5"}',
    }
    assert step_of(attributes).request_model == "gpt-5"


def test_the_id_of_a_response_among_openinferences_parameters_is_no_parameter() -> None:
    def asked(**parameters: object) -> str:
        attributes = {
            a.OPENINFERENCE_SPAN_KIND: "LLM",
            a.OI_INVOCATION_PARAMETERS: json.dumps({"model": "gpt-5", **parameters}),
            a.OI_INPUT_MESSAGES_PREFIX + "0.message.content": "Say hello.",
        }
        return step_of(attributes).request_hash

    assert asked(id="resp_1", created_at=1) == asked(id="resp_2", created_at=2) != ""
    assert asked(temperature=0) != asked(temperature=1)


def test_the_tier_that_was_answered_is_read_before_the_one_that_was_asked_for() -> None:
    asked = {**CHAT, a.OPENAI_REQUEST_SERVICE_TIER: "auto"}
    assert step_of(asked).tier == "auto"
    assert step_of({**asked, a.OPENAI_RESPONSE_SERVICE_TIER: "Flex"}).tier == "flex"


def test_numbers_that_make_no_sense_are_named_and_not_counted() -> None:
    step = step_of({**CHAT, a.GEN_AI_USAGE_INPUT_TOKENS: -1, a.GEN_AI_USAGE_OUTPUT_TOKENS: 5})
    assert (step.usage, step.invalid) == (None, "input_tokens=-1")


def test_a_supplied_cost_is_read_beside_a_token_count_that_makes_no_sense() -> None:
    step = step_of({**CHAT, a.GEN_AI_USAGE_INPUT_TOKENS: -1, a.OPERATION_COST: 0.5})
    assert (step.supplied, step.invalid) == (5 * 10**11, "input_tokens=-1")


def test_token_counts_are_read_beside_a_cost_that_makes_no_sense() -> None:
    step = step_of({**CHAT, a.GEN_AI_USAGE_INPUT_TOKENS: 7, a.OPERATION_COST: float("nan")})
    assert (step.usage, step.supplied, step.invalid) == (Usage(fresh=7), None, "cost=NaN")


def test_without_arguments_and_result_a_tool_call_has_no_hashes() -> None:
    step = step_of(TOOL)
    assert (step.tool, step.args_hash, step.result_hash) == ("read_file", "", "")


@pytest.mark.parametrize("key", [a.OI_INPUT_VALUE, a.OI_OUTPUT_VALUE])
def test_what_openinference_hides_is_not_there(key: str) -> None:
    attributes = {
        a.OPENINFERENCE_SPAN_KIND: "TOOL",
        a.OI_TOOL_NAME: "read_file",
        key: "__REDACTED__",
    }
    step = step_of(attributes)
    assert (step.args_hash, step.result_hash, step.result_size) == ("", "", 0)


def test_calls_whose_messages_openinference_hides_are_never_equal() -> None:
    attributes = {a.OPENINFERENCE_SPAN_KIND: "LLM", a.OI_INPUT_VALUE: "__REDACTED__"}
    hidden = {a.OI_INPUT_MESSAGES_PREFIX + "0.message.content": "__REDACTED__"}
    assert step_of(attributes).request_hash == ""
    assert step_of({**attributes, **hidden}).request_hash == ""


def test_a_tool_without_a_name_is_called_as_its_span_is() -> None:
    assert step_of({a.GEN_AI_OPERATION_NAME: "execute_tool"}).tool == "a span"


def test_a_result_that_says_that_its_tool_failed_is_an_error() -> None:
    result = {"type": "tool", "data": {"content": "no", "tool_call_id": "1", "status": "error"}}
    step = step_of({**TOOL, a.GEN_AI_TOOL_CALL_RESULT: json.dumps(result)})
    assert (step.error, step.call_id) == ("no", "1")


def test_a_megabyte_of_arguments_is_kept_as_a_hash() -> None:
    long = json.dumps({"text": "a" * 1_000_000})
    step = step_of({**TOOL, a.GEN_AI_TOOL_CALL_ARGUMENTS: long})
    assert (step.args, len(step.args_hash)) == ("", 24)
    assert len(encode_steps([step])) < 1000


@pytest.mark.parametrize(
    ("definition", "tools"),
    [
        ({"name": "ls", "annotations": {"readOnlyHint": True}}, ("ls",)),
        ({"name": "rm", "annotations": {"readOnlyHint": False}}, ()),
        ({"name": "rm", "annotations": ["readOnlyHint"]}, ()),
        ({"name": "rm", "description": "no readOnlyHint"}, ()),
    ],
)
def test_read_only_tools_are_those_whose_definition_has_mcps_hint(
    definition: object, tools: tuple[str, ...]
) -> None:
    for written in (json.dumps([definition]), [definition]):
        assert step_of({**CHAT, a.GEN_AI_TOOL_DEFINITIONS: written}).read_only_tools == tools


@pytest.mark.parametrize(("value", "read_only"), [(True, True), (False, False), ("true", None)])
def test_a_tool_span_may_say_itself_that_it_is_read_only(
    value: object, read_only: bool | None
) -> None:
    assert step_of({**TOOL, a.CLAWTRACE_TOOL_READ_ONLY: value}).read_only is read_only


RAISED = Event(a.EXCEPTION_EVENT, {a.EXCEPTION_TYPE: "ValueError", a.EXCEPTION_MESSAGE: "bad path"})


@pytest.mark.parametrize(
    ("attributes", "fields", "error"),
    [
        ({}, {}, None),
        ({}, {"events": [RAISED]}, None),
        ({}, {"status_message": "fine"}, None),
        ({}, {"failed": True}, "error"),
        ({}, {"failed": True, "status_message": "no such file"}, "no such file"),
        ({}, {"failed": True, "events": [RAISED]}, "ValueError: bad path"),
        ({a.ERROR_TYPE: "timeout"}, {}, "timeout"),
        ({a.ERROR_TYPE: 504}, {}, "error"),
        ({}, {"failed": True, "status_message": "e" * 10_000}, "e" * MAX_ERROR_CHARS),
        ({}, {"failed": True, "status_message": "a\ud800"}, "a?"),
    ],
)
def test_an_error_is_told_by_status_and_type_and_put_in_words(
    attributes: Mapping[str, object], fields: dict[str, object], error: str | None
) -> None:
    assert step_of({**TOOL, **attributes}, **fields).error == error


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (1, 1.0),
        (0.5, 0.5),
        (True, None),
        ("1", None),
        (float("nan"), None),
        (float("inf"), None),
        pytest.param(10**5000, None, id="digits"),
    ],
)
def test_a_score_is_a_finite_number(value: object, score: float | None) -> None:
    attributes = {a.GEN_AI_EVALUATION_NAME: "db_check", a.GEN_AI_EVALUATION_SCORE_VALUE: value}
    assert read_evaluation(attributes, 5).score == score
    event = Event(a.GEN_AI_EVALUATION_RESULT, attributes)
    assert [e.name for e in step_of({}, events=[event]).evaluations] == ["db_check"]


_NUMBERED = [
    prefix + rest
    for prefix in PREFIXES
    for rest in (
        *("0.content", "0.message.content", "0.tool_calls.0.name", "0.tool_calls.0.arguments"),
        *("0.message.contents.0.message_content.type", "0", "name"),
        "0.message.tool_calls.0.tool_call.function.arguments",
    )
]
_WORDS = st.sampled_from(
    [
        *("chat", "execute_tool", "invoke_agent", "LLM", "TOOL", "AGENT", "tool", "workflow"),
        *("tool_call", "text", "reasoning", "__REDACTED__", "stop", "-1", "1e400", "nan"),
        *('[{"parts": [{"type": "tool_call", "arguments": "{}"}]}]', '{"inputs": "\\ud800"}'),
    ]
)
_TEXTS = _WORDS | st.text(st.characters(), max_size=20)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=8) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    attributes=st.dictionaries(st.sampled_from(sorted(READ) + _NUMBERED), _VALUES),
    text=_TEXTS,
    failed=st.booleans(),
    event=st.sampled_from([a.EXCEPTION_EVENT, a.GEN_AI_EVALUATION_RESULT]),
)
def test_any_values_of_any_attributes_are_read_without_an_error_and_can_be_stored(
    attributes: dict[str, object], text: str, failed: bool, event: str
) -> None:
    events = [Event(event, attributes)]
    step = step_of(attributes, name=text, failed=failed, status_message=text, events=events)
    assert decode_steps(encode_steps([step])) == [step]


_MESSAGES = st.recursive(
    st.none() | st.integers() | _TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "parts", "content", "type", "tool_calls", "id", "name"])
            | st.sampled_from(["function", "arguments", "input", "text"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(messages=_MESSAGES, as_text=st.booleans())
def test_messages_of_any_shape_are_read_without_an_error_and_can_be_stored(
    messages: object, as_text: bool
) -> None:
    written = json.dumps(messages) if as_text else messages
    keys = (a.GEN_AI_OUTPUT_MESSAGES, a.GEN_AI_INPUT_MESSAGES, a.GEN_AI_TOOL_DEFINITIONS)
    step = step_of({**CHAT, **dict.fromkeys(keys, written)})
    assert decode_steps(encode_steps([step])) == [step]


@pytest.mark.parametrize("depth", [100, 900, 5_000, 100_000])
def test_absurd_nesting_and_numbers_are_read_without_an_error(depth: int) -> None:
    deep: object = "x"
    for _ in range(depth):
        deep = [deep]
    text = '{"a":' * depth + "1" + "}" * depth
    for value in (deep, text, 10**5000):
        attributes: dict[str, object] = dict.fromkeys(sorted(READ), value)
        for kind in ({}, CHAT, TOOL):
            step = step_of({**attributes, **kind})
            assert decode_steps(encode_steps([step])) == [step]
