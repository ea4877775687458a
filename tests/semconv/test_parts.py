import json

import pytest

from clawtrace_otel.semconv.messages import read_output
from clawtrace_otel.semconv.parts import official
from clawtrace_otel.semconv.step import Call

ARGS = {"path": "report.xlsx"}
TEXT = json.dumps(ARGS)
CONVERSE = {"toolUse": {"toolUseId": "call_1", "name": "read_file", "input": ARGS}}
GOOGLE = {"functionCall": {"id": "call_1", "name": "read_file", "args": ARGS}}
GENAI_SDK = {"function_call": {"id": "call_1", "name": "read_file", "args": ARGS}}
CALLS = [
    CONVERSE,
    GOOGLE,
    GENAI_SDK,
    {"toolCallId": "call_1", "toolName": "read_file", "args": TEXT},
    {"toolCallId": "call_1", "toolName": "read_file", "input": TEXT},
    {"type": "tool-call", "toolCallId": "call_1", "toolName": "read_file", "input": ARGS},
    {"type": "tool_call", "id": "call_1", "name": "read_file", "arguments": ARGS},
]
each_call = pytest.mark.parametrize("part", CALLS, ids=json.dumps)


def read(value: object) -> tuple[list[str], list[Call]]:
    output = read_output(value)
    return output.texts, output.calls


@each_call
def test_a_call_is_the_same_in_the_words_of_every_provider(part: dict[str, object]) -> None:
    in_message = json.dumps([{"role": "assistant", "parts": [part]}])
    _, (call,) = read(in_message)
    assert (call.id, call.tool, call.args) == ("call_1", "read_file", '{"path":"report.xlsx"}')


@each_call
def test_a_list_of_parts_needs_no_message_around_it(part: dict[str, object]) -> None:
    texts, calls = read(json.dumps([{"text": "I plan."}, part]))
    assert texts == ["I plan."]
    assert [call.tool for call in calls] == ["read_file"]


@pytest.mark.parametrize("part", [GOOGLE, GENAI_SDK], ids=json.dumps)
def test_an_answer_of_googles_api_is_read_whole(part: dict[str, object]) -> None:
    content = {"parts": [{"text": "I plan."}, part], "role": "model"}
    answer = {"model_version": "gemini", "content": content, "usage_metadata": {"x": 1}}
    assert read(json.dumps(answer)) == read(json.dumps({"candidates": [{"content": content}]}))
    assert read(json.dumps(answer))[0] == ["I plan."]


def test_calls_beside_the_text_are_read_from_their_own_attribute() -> None:
    output = read_output("I plan.", json.dumps(CALLS[3:5]))
    assert output.does("") == "plan_then_tool"
    assert [call.id for call in output.calls] == ["call_1"]
    assert read_output("", json.dumps(CALLS[3:4])).does("") == "tool_call"


@pytest.mark.parametrize(
    "part",
    [{"reasoningContent": {"reasoningText": {"text": "Hm."}}}, {"thought": True, "text": "Hm."}],
)
def test_thoughts_are_no_answer(part: dict[str, object]) -> None:
    output = read_output(json.dumps([part]))
    assert (output.texts, output.does("")) == ([], "thinking_only")


@pytest.mark.parametrize(
    "part",
    [{"text": "x"}, {"role": "assistant", "function_call": {"name": "f"}}, {"toolUse": 1}, {}],
)
def test_other_parts_stay_as_they_are(part: dict[str, object]) -> None:
    assert official(part) is part
