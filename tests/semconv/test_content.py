import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.content import MAX_KEPT_CHARS, kept_evaluation, shown_error
from clawtrace_otel.semconv.masking import MASK
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.read_step import read_step
from clawtrace_otel.semconv.step import Evaluation, Step, encode_step
from clawtrace_otel.settings import Content
from clawtrace_otel.span import Event, Span
from tests.semconv.secrets import PASSWORD, PLACED, TOKENS, dumped

POLICIES: tuple[Content, ...] = ("none", "hash", "sample")
ARGUMENTS = dumped(path="report.txt", password=PASSWORD)


def tool_span(arguments: str = ARGUMENTS, message: str = "", **attributes: object) -> Span:
    return Span(
        trace_id="a" * 32,
        span_id="b" * 16,
        name="execute_tool login",
        attributes={
            a.GEN_AI_OPERATION_NAME: "execute_tool",
            a.GEN_AI_TOOL_NAME: "login",
            a.GEN_AI_TOOL_CALL_ARGUMENTS: arguments,
            a.GEN_AI_TOOL_CALL_RESULT: f"welcome {PASSWORD}",
            **{key.replace("__", "."): value for key, value in attributes.items()},
        },
        failed=bool(message),
        status_message=message,
    )


def llm_span() -> Span:
    parts = [{"type": "tool_call", "id": "c1", "name": "login", "arguments": ARGUMENTS}]
    return Span(
        trace_id="a" * 32,
        span_id="c" * 16,
        attributes={
            a.GEN_AI_OPERATION_NAME: "chat",
            a.GEN_AI_INPUT_MESSAGES: [{"role": "user", "content": f"I am {PASSWORD}"}],
            a.GEN_AI_OUTPUT_MESSAGES: [{"role": "assistant", "parts": parts}],
        },
        events=[
            Event(
                a.GEN_AI_EVALUATION_RESULT,
                {a.GEN_AI_EVALUATION_EXPLANATION: f"password={PASSWORD} was shown"},
            )
        ],
    )


def test_a_sample_keeps_the_text_without_its_secrets() -> None:
    step = read_step(tool_span(message=f"password={PASSWORD} is wrong"), "sample")
    assert step.args == '{"password":"[masked]","path":"report.txt"}'
    assert step.error == "password=[masked] is wrong"


@pytest.mark.parametrize("content", ["none", "hash"])
def test_nothing_else_keeps_a_text(content: Content) -> None:
    step = read_step(tool_span(message="no such file: report.txt"), content)
    assert step.args == ""
    assert b"report" not in encode_step(step)
    assert step.error


@pytest.mark.parametrize("content", POLICIES)
@pytest.mark.parametrize("span", [tool_span(message=PLACED["plain"].text), llm_span()])
def test_no_step_holds_a_secret(span: Span, content: Content) -> None:
    assert PASSWORD.encode() not in encode_step(read_step(span, content))


@pytest.mark.parametrize("content", POLICIES)
@pytest.mark.parametrize("span", [tool_span(), llm_span()])
def test_calls_are_compared_by_what_they_really_were(span: Span, content: Content) -> None:
    def hashes(step: Step) -> tuple[object, ...]:
        asked = tuple(call.args_hash for call in step.calls)
        return step.args_hash, step.result_hash, step.request_hash, step.output_hash, asked

    assert hashes(read_step(span, content)) == hashes(normalize(span))
    assert any(hashes(normalize(span)))


@pytest.mark.parametrize("content", POLICIES)
def test_names_are_kept(content: Content) -> None:
    step = read_step(tool_span(), content)
    assert (step.tool, step.name) == ("login", "execute_tool login")
    assert [call.tool for call in read_step(llm_span(), content).calls] == ["login"]


@pytest.mark.parametrize(
    ("message", "error_type", "kept"),
    [
        ("AssertionError: Decimal('0.25') != Decimal('0.26')", "", "AssertionError"),
        ("botocore.exceptions.ClientError: no", "", "botocore.exceptions.ClientError"),
        ("TimeoutException", "", "TimeoutException"),
        ("the server is busy", "RateLimitError", "RateLimitError"),
        ("the server is busy", "rate_limit_exceeded", "error (rate_limit_exceeded)"),
        ("the server is busy", "503", "error (503)"),
        ("the server is busy", "", "error"),
        ("the server is busy", "it was too busy for us", "error"),
        ("hunter2", "", "error"),
        ("Password Error: hunter2", "", "error"),
    ],
)
def test_without_content_an_error_is_its_class(message: str, error_type: str, kept: str) -> None:
    typed = {"error__type": error_type} if error_type else {}
    assert read_step(tool_span(message=message, **typed), "none").error == kept
    hashed = read_step(tool_span(message=message, **typed), "hash").error or ""
    assert hashed.startswith(f"{kept} blake2b:")
    assert len(hashed) == len(f"{kept} blake2b:") + 12
    for content in ("none", "hash"):
        assert shown_error(
            read_step(tool_span(message=message, **typed), content).error or "", content
        ) == (kept if content == "none" else hashed)


def test_an_exception_names_the_class_where_the_status_does_not() -> None:
    span = tool_span(message="gone wrong")
    span.events = [Event(a.EXCEPTION_EVENT, {a.EXCEPTION_TYPE: "builtins.KeyError"})]
    assert read_step(span, "none").error == "builtins.KeyError"


def test_equal_errors_have_equal_hashes_and_others_have_others() -> None:
    errors = [read_step(tool_span(message=m), "hash").error for m in ("a b", "a b", "a c")]
    assert errors[0] == errors[1] != errors[2]


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_a_secret_that_the_cut_would_halve_is_masked_before(token: str) -> None:
    text = "e" * (MAX_KEPT_CHARS - len(token) // 2) + f" {token} and on"
    step = read_step(tool_span(message=text), "sample")
    assert step.error is not None
    assert token[: len(token) // 3] not in step.error
    assert len(step.error) <= MAX_KEPT_CHARS


@pytest.mark.parametrize(
    ("content", "kept"), [("none", ""), ("sample", "password=[masked], which is too short")]
)
def test_of_an_evaluation_only_the_explanation_is_content(content: Content, kept: str) -> None:
    told = Evaluation(
        name="judge",
        score=0.5,
        label="pass",
        explanation=f"password={PASSWORD}, which is too short",
    )
    found = kept_evaluation(told, content)
    assert (found.name, found.score, found.label) == ("judge", 0.5, "pass")
    assert found.explanation == kept
    assert kept_evaluation(found, content) == found


def test_the_hash_of_an_explanation_is_its_own() -> None:
    hashed = kept_evaluation(Evaluation(explanation="because"), "hash")
    assert hashed.explanation.startswith("blake2b:")
    assert kept_evaluation(hashed, "hash") == hashed


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.sampled_from(POLICIES))
@settings(max_examples=200, deadline=None)
def test_an_error_never_vanishes_and_is_kept_as_it_is_shown(text: str, content: Content) -> None:
    shown = shown_error(text, content)
    assert shown
    assert shown_error(shown, content) == shown


def test_secrets_of_a_call_that_a_model_asks_for_are_masked() -> None:
    (call,) = read_step(llm_span(), "sample").calls
    assert call.args == f'{{"password":"{MASK}","path":"report.txt"}}'
