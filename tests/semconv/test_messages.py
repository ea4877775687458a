import json
from typing import Any

import pytest

from clawtrace_otel.semconv.messages import (
    MAX_CALL_ARGS_CHARS,
    MAX_NAME_CHARS,
    Output,
    flattened,
    make_call,
    read_output,
    request_hash,
)
from clawtrace_otel.semconv.step import Does

ARGS = '{"path": "report.xlsx"}'
PLAN = "First I read the report."


def flat(prefix: str, **values: object) -> dict[str, object]:
    return {f"0.{prefix}{key.replace('__', '.')}": value for key, value in values.items()}


def parts(*items: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "assistant", "parts": list(items)}]


OFFICIAL = parts(
    {"type": "text", "content": PLAN},
    {
        "type": "tool_call",
        "id": "call_1",
        "name": "read_file",
        "arguments": {"path": "report.xlsx"},
    },
)
ANTHROPIC = [
    {
        "role": "assistant",
        "content": [
            {"type": "text", "text": PLAN},
            {"type": "tool_use", "id": "toolu_1", "name": "read_file", "input": json.loads(ARGS)},
        ],
    }
]
OPENAI = [
    {
        "role": "assistant",
        "content": PLAN,
        "tool_calls": [{"id": "call_2", "function": {"name": "read_file", "arguments": ARGS}}],
    }
]
OPENINFERENCE = flat(
    "message.",
    content=PLAN,
    tool_calls__0__tool_call__id="call_3",
    tool_calls__0__tool_call__function__name="read_file",
    tool_calls__0__tool_call__function__arguments=ARGS,
)
TRACELOOP_OLD = flat(
    "",
    content=PLAN,
    finish_reason="tool_calls",
    tool_calls__0__id="call_4",
    tool_calls__0__name="read_file",
    tool_calls__0__arguments=ARGS,
)
SHAPES = [OFFICIAL, json.dumps(OFFICIAL), ANTHROPIC, OPENAI, OPENINFERENCE, TRACELOOP_OLD]


@pytest.mark.parametrize("value", SHAPES)
def test_an_answer_is_read_from_every_shape_of_messages(value: object) -> None:
    output = read_output(value)
    assert output.texts == [PLAN]
    assert [(call.tool, call.args) for call in output.calls] == [
        ("read_file", '{"path":"report.xlsx"}')
    ]
    assert output.does("") == "plan_then_tool"


def test_an_answer_has_one_hash_in_every_shape_for_ids_are_left_out() -> None:
    assert len({read_output(value).hash() for value in SHAPES}) == 1
    assert read_output(parts({"type": "text", "content": "No."})).hash() not in (
        "",
        read_output(OFFICIAL).hash(),
    )


@pytest.mark.parametrize(
    ("value", "does"),
    [
        (parts({"type": "text", "content": "1648"}), "final_reply"),
        (parts({"type": "reasoning", "content": "hm"}), "thinking_only"),
        (parts({"type": "thinking", "content": "hm"}), "thinking_only"),
        (parts({"type": "tool_call", "name": "ls"}), "tool_call"),
        (parts({"type": "reasoning", "content": "hm"}, {"type": "tool_call"}), "tool_call"),
        (parts({"type": "text", "content": " \n"}, {"type": "tool_call"}), "tool_call"),
        (
            {
                "0.message.contents.0.message_content.type": "reasoning",
                "0.message.contents.0.message_content.text": "hm",
            },
            "thinking_only",
        ),
        ({"0.message.contents.0.message_content.type": "reasoning"}, "thinking_only"),
        ("1648", "final_reply"),
        ('[{"role": "assistant", "parts": [{"type": "tool_ca', "other"),
        ([], "other"),
        (None, "other"),
    ],
)
def test_the_role_of_a_call_is_told_from_its_answer(value: object, does: Does) -> None:
    assert read_output(value).does("") == does


@pytest.mark.parametrize(
    ("reasons", "does"),
    [
        ('["tool_calls"]', "tool_call"),
        ('["tool_call"]', "tool_call"),
        ("tool_use", "tool_call"),
        ("tool-calls", "tool_call"),
        ('["stop"]', "final_reply"),
        ("FinishReason.STOP", "final_reply"),
        ("end_turn", "final_reply"),
        ('["length"]', "other"),
        ("", "other"),
    ],
)
def test_without_content_the_role_is_told_from_the_finish_reason(reasons: str, does: Does) -> None:
    assert Output().does(reasons) == does


def test_text_that_openinference_writes_twice_is_one() -> None:
    value = flat("message.", content=PLAN, contents__0__message_content__text=PLAN)
    assert read_output(value).texts == [PLAN]


def test_tool_calls_are_in_the_order_of_their_numbers() -> None:
    numbered = {f"0.message.tool_calls.{n}.tool_call.function.name": f"t{n}" for n in (10, 2, 0)}
    assert [call.tool for call in read_output(numbered).calls] == ["t0", "t2", "t10"]


@pytest.mark.parametrize(
    "value",
    [
        parts({"type": "text", "content": "__REDACTED__"}),
        {"0.message.content": "__REDACTED__"},
        [],
        "",
    ],
)
def test_an_answer_that_is_hidden_or_missing_has_no_hash(value: object) -> None:
    assert read_output(value).hash() == ""


@pytest.mark.parametrize(
    "value",
    [
        5,
        [5, None, "x"],
        [{"parts": "x", "tool_calls": 5}],
        [{"content": {"a": 1}}],
        [{"parts": [{"type": ["text"], "content": 5}, 5, {"type": {}}]}],
        [{"tool_calls": [{"function": [], "id": {}}]}],
        {"0.message.contents.0.message_content.type": ["reasoning"]},
        {"0.tool_calls.9999999999999.name": "x"},
        "[" * 100_000,
        '[{"content": ' + "[" * 500 + "]" * 500 + "}]",
    ],
)
def test_messages_of_any_shape_are_read_without_an_error(value: object) -> None:
    output = read_output(value)
    assert isinstance(output.hash(), str)
    assert output.does("") in ("other", "final_reply", "tool_call")


def test_only_numbered_keys_belong_to_a_flattened_list() -> None:
    attributes = {"gen_ai.prompt.0.content": "a", "gen_ai.prompt.name": "b", "other": "c"}
    assert flattened(attributes, "gen_ai.prompt.") == {"0.content": "a"}


def test_requests_are_equal_if_model_messages_and_parameters_are() -> None:
    asked = request_hash("gpt-5", "[1]", {"top_p": 0.5, "seed": 1})
    assert asked == request_hash("gpt-5", "[1]", {"seed": 1, "top_p": 0.5})
    others = [
        request_hash("gpt-5-mini", "[1]", {"top_p": 0.5, "seed": 1}),
        request_hash("gpt-5", "[2]", {"top_p": 0.5, "seed": 1}),
        request_hash("gpt-5", "[1]", {"top_p": 0.7, "seed": 1}),
        request_hash("gpt-5", "[1]", {"top_p": 0.5}),
    ]
    assert asked
    assert asked not in others


@pytest.mark.parametrize("messages", [None, "", [], {}, {"0.message.content": "__REDACTED__"}])
def test_requests_whose_messages_are_hidden_or_missing_are_never_equal(messages: object) -> None:
    assert request_hash("gpt-5", messages, {"seed": 1}) == ""


def test_long_arguments_are_kept_as_their_hash_alone() -> None:
    short, long = "a" * MAX_CALL_ARGS_CHARS, "a" * 1_000_000
    assert make_call("", "t", short).args == short
    assert make_call("", "t", long).args == ""
    assert make_call("", "t", long).args_hash == make_call("", "t", long).args_hash != ""
    assert make_call("", "t", long).args_hash != make_call("", "t", long + "b").args_hash


def test_an_id_is_a_string_of_reasonable_length_that_says_something() -> None:
    assert make_call("<not specified>", "t", ARGS).id == ""
    assert make_call({"a": 1}, ["t"], ARGS).id == ""
    assert make_call("x" * 1000, "t", ARGS).id == "x" * MAX_NAME_CHARS


def test_arguments_with_lone_surrogates_can_be_written_down() -> None:
    call = make_call("a\ud800", "t\ud800", '{"q": "\\ud800"}')
    assert (call.id, call.tool, call.args) == ("a?", "t?", '{"q":"?"}')
