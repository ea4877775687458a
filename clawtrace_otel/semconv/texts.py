"""What was said in a span: the content that a step keeps as hashes only."""

from typing import NamedTuple

from clawtrace_otel.semconv.canonical import text_of
from clawtrace_otel.semconv.messages import read_output
from clawtrace_otel.semconv.normalize import find_fields, kind_of
from clawtrace_otel.semconv.shells import read_arguments, read_result
from clawtrace_otel.span import Span


class Texts(NamedTuple):
    """The content of a span; what it does not have is empty.

    Attributes:
        args: of a tool call: its arguments as canonical JSON.
        result: of a tool call: what it answered.
        said: of an LLM call: the text of its answer.
        asked: of an LLM call: the messages that it was given.
    """

    args: str = ""
    result: str = ""
    said: str = ""
    asked: str = ""


def read_texts(span: Span) -> Texts:
    """The content of a span of any dialect. Never raises."""
    kind = kind_of(span)
    found = find_fields(span, kind)
    if kind == "tool":
        arguments = read_arguments(found.get("arguments"))
        result = read_result(found.get("result", ""))
        return Texts(args=arguments.text, result=result.text)
    if kind == "llm":
        output = read_output(found.get("output_messages"), found.get("output_calls"))
        return Texts(said="\n".join(output.texts), asked=text_of(found.get("input_messages", "")))
    return Texts()
