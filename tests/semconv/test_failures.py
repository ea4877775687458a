"""Results that are errors. The texts are what the frameworks hand to the model."""

import pytest

from clawtrace_otel.semconv.failures import error_in

ERRORS = [
    # LangGraph's ToolNode
    "Error: KeyError('x')\n Please fix your mistakes.",
    "Error invoking tool 'read' with kwargs {'path': 1} with error:\n path: Input should be text",
    "Error executing tool read_file: no such file",  # FastMCP
    "Error: User not found",  # tau-bench
    "ERROR: connection refused",
    "<tool_use_error>File does not exist.</tool_use_error>",  # Claude Code
    "An error occurred while running the tool. Please try again. Error: boom",  # OpenAI Agents
    "Traceback (most recent call last):\n  File 'x', line 1",
    "ValueError: no rows",
    "requests.exceptions.ConnectionError: timed out",
    "java.lang.IllegalStateException: closed",
]
NO_ERRORS = [
    "",
    "no error: all 12 rows fit",
    "The log says Error: 500 twice",
    "Errors: 0",
    "Error handling is described in chapter 3",
    "error_rate: 0.2",
    "0 failures",
    "def f():\n    raise ValueError('x')",
    "ValueError is raised by int('x')",
    '"ValueError: x" is what it prints',
    " Error: indented, and so quoted",
]


@pytest.mark.parametrize("text", ERRORS)
def test_a_text_that_begins_as_an_error_does_is_one(text: str) -> None:
    assert error_in(text) == text


@pytest.mark.parametrize("text", NO_ERRORS)
def test_a_text_that_speaks_of_errors_is_none(text: str) -> None:
    assert error_in(text) == ""


@pytest.mark.parametrize(
    ("result", "error"),
    [
        ({"error": "no such file"}, "no such file"),
        ({"error": "no such file", "code": 404, "rows": []}, "no such file"),
        ({"error": {"message": "no", "code": 4}}, '{"code":4,"message":"no"}'),
        ({"isError": True, "content": "no such file"}, "no such file"),  # MCP
        ({"is_error": True, "content": "no such file"}, "no such file"),  # Anthropic
        ({"is_error": True, "error": "no"}, "no"),
    ],
)
def test_an_object_that_says_that_it_is_an_error_is_one(result: object, error: str) -> None:
    assert error_in(result) == error


@pytest.mark.parametrize(
    "result",
    [
        {"error": None, "rows": [1]},
        {"error": ""},
        {"error": False},
        {"error": "one row was skipped", "rows": [1, 2]},
        {"error": "deprecated", "data": {"a": 1}},
        {"isError": False, "content": "text"},
        {"isError": "no", "content": "text"},
        {"errors": 3},
        {},
        [{"error": "x"}],
        None,
        42,
        True,
    ],
)
def test_an_object_with_data_beside_a_word_of_errors_is_none(result: object) -> None:
    assert error_in(result) == ""
