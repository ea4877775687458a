"""A small agent to be benched: OpenAI's SDK, a loop of tool calls, OpenTelemetry.

It knows nothing of ClawTrace. It learns its task and its skill from the environment:

    CLAWTRACE_PROMPT_FILE             the task
    CLAWTRACE_SKILL                   a SKILL.md, if there is one: it goes into the system prompt
    OPENAI_BASE_URL, OPENAI_API_KEY   the model's endpoint; OPENAI_MODEL its name
    OTEL_EXPORTER_OTLP_ENDPOINT       where the spans go
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from openai import OpenAI
from openai.types.chat import (
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageParam,
)
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode

INSTRUCTIONS = "Do the task with the tools. All paths are relative to your working folder."
MAX_TURNS = 30
PYTHON_SECONDS = 60

tracer = trace.get_tracer("bench-example")


def list_files() -> str:
    """List the files of the working folder, one a line."""
    return "\n".join(sorted(str(path) for path in Path().rglob("*") if path.is_file()))


def read_file(path: str) -> str:
    """Return the text of a file."""
    return Path(path).read_text(encoding="utf-8")


def write_file(path: str, content: str) -> str:
    """Write a text to a file."""
    Path(path).write_text(content, encoding="utf-8")
    return f"wrote {path}"


def run_python(code: str) -> str:
    """Run a Python program in the working folder; return what it prints. openpyxl is there."""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=PYTHON_SECONDS,
        check=False,
    )
    if run.returncode != 0:
        raise RuntimeError(run.stderr[-2000:])
    return run.stdout


# A tool, its parameters, and whether it only reads: a repeated call is waste only if nothing that
# came between may have changed what it reads.
TOOLS: Mapping[str, tuple[Callable[..., str], tuple[str, ...], bool]] = {
    "list_files": (list_files, (), True),
    "read_file": (read_file, ("path",), True),
    "write_file": (write_file, ("path", "content"), False),
    "run_python": (run_python, ("code",), False),
}


def schemas() -> list[ChatCompletionFunctionToolParam]:
    """What the model is told of the tools; every parameter is a string."""
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": function.__doc__ or "",
                "parameters": {
                    "type": "object",
                    "properties": {each: {"type": "string"} for each in parameters},
                    "required": list(parameters),
                },
            },
        }
        for name, (function, parameters, _) in TOOLS.items()
    ]


def call_tool(call: ChatCompletionMessageFunctionToolCall) -> str:
    """Do what the model asks for; return the result, or the text of the error."""
    name = call.function.name
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": call.id,
        "gen_ai.tool.call.arguments": call.function.arguments,
    }
    with tracer.start_as_current_span(f"execute_tool {name}", attributes=attributes) as span:
        try:
            function, _, read_only = TOOLS[name]
            span.set_attribute("clawtrace.tool.read_only", read_only)
            result = function(**json.loads(call.function.arguments))
        except Exception as error:  # whatever it was, the model has to know
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(Status(StatusCode.ERROR, str(error)))
            return f"error: {type(error).__qualname__}: {error}"
        span.set_attribute("gen_ai.tool.call.result", result)
        return result


def work(client: OpenAI, model: str, system: str, task: str) -> str:
    """Ask the model and do what it says until it has an answer; return the answer."""
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": system},
        {"role": "user", "content": task},
    ]
    for _ in range(MAX_TURNS):
        response = client.chat.completions.create(model=model, messages=messages, tools=schemas())
        message = response.choices[0].message
        if not message.tool_calls:
            return message.content or ""
        answer = message.model_dump(include={"role", "content", "tool_calls"})
        messages.append(cast("ChatCompletionMessageParam", answer))
        for call in message.tool_calls:
            if call.type == "function":
                result = call_tool(call)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    msg = f"no answer after {MAX_TURNS} turns"
    raise RuntimeError(msg)


def main() -> None:
    """Do the task; print the answer."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    OpenAIInstrumentor().instrument()
    system = INSTRUCTIONS
    if skill := os.environ.get("CLAWTRACE_SKILL"):
        system += "\n\n" + Path(skill).read_text(encoding="utf-8")
    task = Path(os.environ["CLAWTRACE_PROMPT_FILE"]).read_text(encoding="utf-8")
    above = propagate.extract({"traceparent": os.environ.get("TRACEPARENT", "")})
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "example"}
    try:
        with tracer.start_as_current_span("invoke_agent example", above, attributes=attributes):
            model = os.environ.get("OPENAI_MODEL", "gpt-5.4-mini")
            print(work(OpenAI(), model, system, task))
    finally:
        provider.shutdown()  # sends what is still queued


if __name__ == "__main__":
    main()
