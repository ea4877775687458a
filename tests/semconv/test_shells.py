import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.semconv.canonical import MAX_PARSED_CHARS
from clawtrace_otel.semconv.shells import MAX_SHELLS, Unwrapped, read_arguments, read_result

ARGS = {"path": "report.xlsx", "sheet": 2}
TEXT = '{"path":"report.xlsx","sheet":2}'


def traceloop(step: int, **more: Any) -> str:
    envelope = {"input_str": repr(ARGS), "tags": [], "metadata": {"langgraph_step": step}}
    return json.dumps(envelope | more)


def lc_message(content: object, **more: Any) -> dict[str, Any]:
    kwargs = {"content": content, "tool_call_id": "call_1", "status": "success"}
    return {"lc": 1, "type": "constructor", "id": ["ToolMessage"], "kwargs": kwargs | more}


def traceloop_result(output: object) -> str:
    return json.dumps({"output": output, "kwargs": {"tags": ["seq:step:3"], "name": "read_file"}})


def openinference(content: object, **more: Any) -> str:
    data = {"content": content, "tool_call_id": "call_1", "status": "success"}
    return json.dumps({"type": "tool", "data": data | more})


@pytest.mark.parametrize(
    "value",
    [
        TEXT,
        json.dumps(ARGS, indent=4),
        ARGS,
        {"args": [], "kwargs": ARGS},
        json.dumps({"args": [], "kwargs": ARGS}),
        {"input": ARGS},
        {"input": TEXT},
        json.dumps({"args": [], "kwargs": {"input": TEXT}}),
        traceloop(1, inputs=ARGS),
        traceloop(2, inputs=ARGS),
        traceloop(3, inputs=None),
        traceloop(4),
    ],
)
def test_arguments_are_equal_in_every_shell(value: object) -> None:
    assert read_arguments(value).text == TEXT


@pytest.mark.parametrize(
    "value",
    [
        *("", "{}", {}, [], None, "null", "__REDACTED__", {"input": "__REDACTED__"}),
        *({"args": [], "kwargs": {}}, {"input": "{}"}, traceloop(1, inputs={}, input_str="{}")),
    ],
)
def test_no_arguments_and_hidden_ones_are_empty_for_they_are_never_evidence(value: object) -> None:
    assert read_arguments(value).text == ""


def test_positional_and_named_arguments_are_both_kept() -> None:
    assert read_arguments({"args": ["a"], "kwargs": {}}).text == '["a"]'
    both = read_arguments({"args": ["a"], "kwargs": {"b": 1}})
    assert both.text == '{"args":["a"],"kwargs":{"b":1}}'


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"input": "x", "limit": 1}, {"input": "x", "limit": 2}),
        ({"path": "a"}, {"path": "b"}),
        ({"path": "a"}, {"file": "a"}),
        ({"args": "-l", "cwd": "/"}, {"args": "-l", "cwd": "/tmp"}),
        ({"inputs": [1]}, {"inputs": [2]}),
        (traceloop(1, inputs={"a": 1}), traceloop(1, inputs={"a": 2})),
        ("a" * MAX_PARSED_CHARS + "b", "a" * MAX_PARSED_CHARS + "c"),
    ],
)
def test_different_arguments_stay_different(one: object, other: object) -> None:
    assert read_arguments(one).text != read_arguments(other).text


def test_the_call_id_in_a_shell_is_kept() -> None:
    kwargs = {"color": "green", "tool_call_id": "call_7"}
    assert read_arguments(traceloop(1, inputs=ARGS, kwargs=kwargs)).call_id == "call_7"
    assert read_arguments(traceloop(1, inputs=ARGS, kwargs={"tool_call_id": 7})).call_id == ""


@pytest.mark.parametrize(
    "value",
    [
        openinference("Q1 410"),
        openinference("Q1 410", artifact=None, id="9a4f"),
        traceloop_result(lc_message("Q1 410")),
        traceloop_result(lc_message("Q1 410", id="9a4f")),
        traceloop_result("Q1 410"),
        lc_message("Q1 410"),
        [{"type": "text", "text": "Q1 410"}],
        openinference([{"type": "text", "text": "Q1 410"}]),
        "Q1 410",
        '"Q1 410"',
        '[{"text": "Q1 410"}]',
        '{"result": "Q1 410"}',
    ],
)
def test_results_are_equal_in_every_shell(value: object) -> None:
    assert read_result(value).text == "Q1 410"


@pytest.mark.parametrize(
    "value",
    [openinference("x"), traceloop_result(lc_message("x")), json.dumps(lc_message("x"))],
)
def test_a_result_says_which_call_it_answers(value: object) -> None:
    assert read_result(value) == Unwrapped("x", call_id="call_1")


def test_googles_function_response_is_opened_without_its_id() -> None:
    value = {"id": "adk-1", "name": "say_hello", "response": {"greeting": "hi"}}
    assert read_result(value) == Unwrapped('{"greeting":"hi"}', call_id="adk-1")


@pytest.mark.parametrize(
    "value",
    [openinference("no such file", status="error"), lc_message("no such file", status="error")],
)
def test_a_message_that_says_that_its_tool_failed_is_believed(value: object) -> None:
    assert read_result(value) == Unwrapped("no such file", call_id="call_1", failed=True)


@pytest.mark.parametrize(
    "value",
    [
        '{"b": 1, "a": 2}',
        '{"output": "x", "exit_code": 1}',
        '{"output": "x", "kwargs": {}}',
        '{"type": "file", "data": {"content": "x", "size": 3}}',
        '{"id": 1, "name": "a", "response": "ok", "status": 404}',
        '[{"type": "text", "text": "x", "page": 1}]',
        '[{"type": "image", "url": "x"}]',
        "[]",
        "",
    ],
)
def test_a_result_that_only_resembles_a_shell_is_compared_whole(value: str) -> None:
    assert read_result(value) == Unwrapped(value)


def test_a_hidden_result_is_none() -> None:
    assert read_result("__REDACTED__").text == ""
    assert read_result(openinference("__REDACTED__")).text == ""


def test_shells_are_opened_only_so_often() -> None:
    value: object = "x"
    for _ in range(MAX_SHELLS + 1):
        value = {"input": value}
    assert read_arguments(value).text == '{"input":"x"}'
    for _ in range(100_000):
        value = {"input": value}
    assert read_arguments(value).text == ""


_KEYS = st.sampled_from(
    [
        *("args", "kwargs", "input", "inputs", "input_str", "output", "lc", "type", "data"),
        *("content", "tool_call_id", "status", "id", "name", "response", "text"),
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(_VALUES)
def test_shells_with_anything_in_them_are_read_without_an_error(value: object) -> None:
    for read in (read_arguments, read_result):
        assert isinstance(read(value).text, str)
        assert isinstance(read(json.dumps(value)).text, str)


@pytest.mark.parametrize(("code", "failed"), [("0", False), ("1", True), ("-9", True)])
def test_what_codex_puts_before_the_output_of_a_command_is_taken_off(
    code: str, failed: bool
) -> None:
    head = f"Chunk ID: {{}}\nWall time: 0.{{}} seconds\nProcess exited with code {code}\n"
    count = "Original token count: 11\n"
    texts = [
        head.format("1f2ef8", "01") + count + "Output:\nQ1 410\n",
        head.format("fa2237", "95") + "Output:\nQ1 410\n",
        "Q1 410\n",
    ]
    read = [read_result(text) for text in texts]
    assert {found.text for found in read} == {"Q1 410\n"}
    assert [found.failed for found in read] == [failed, failed, False]
