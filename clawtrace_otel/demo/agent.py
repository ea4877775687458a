"""An agent that repairs a small Python project, traced as the GenAI conventions say.

Any program may look like this one: it knows nothing of ClawTrace, and learns from the environment
where the model and the OTLP endpoint are.

    OPENAI_BASE_URL, OPENAI_API_KEY   the model
    OTEL_EXPORTER_OTLP_ENDPOINT       where the spans go
    OTEL_EXPORTER_OTLP_PROTOCOL       http/protobuf (default) or grpc
    OTEL_SERVICE_NAME                 default: clawtrace-demo

    python -m clawtrace_otel.demo.agent [FOLDER]     without FOLDER: a sample in a temporary folder
"""

import inspect
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import click
from openai import OpenAI
from openai.types.chat import (
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageParam,
)
from opentelemetry import trace
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    OTEL_SERVICE_NAME,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as gen_ai
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import Status, StatusCode

from clawtrace_otel.demo.scenario import write_project

TASK = "The tests of this project fail. Find out why, and fix it."

_MAX_TURNS = 20
_TESTS_SECONDS = 60
# ClawTrace reads it: a repeated call is waste only if nothing in between may have changed state.
_READ_ONLY = "clawtrace.tool.read_only"

tracer = trace.get_tracer(__name__)


class ToolError(Exception):
    """A tool could not do what it was asked; the model reads the message."""


@dataclass(frozen=True)
class Tool:
    """A function that the model may call; its name, signature and docstring describe it."""

    function: Callable[..., str]
    read_only: bool = False

    @property
    def name(self) -> str:
        """The name that the model uses."""
        return self.function.__name__

    def schema(self) -> ChatCompletionFunctionToolParam:
        """Return what the model is told; every parameter is a string."""
        parameters = list(inspect.signature(self.function).parameters)
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": inspect.getdoc(self.function) or "",
                "parameters": {
                    "type": "object",
                    "properties": {name: {"type": "string"} for name in parameters},
                    "required": parameters,
                },
            },
        }


class Workspace:
    """The tools that work on the files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def list_files(self, folder: str) -> str:
        """List the files in a folder of the project, one a line."""
        files = (path for path in self._path(folder).rglob("*") if path.is_file())
        return "\n".join(sorted(path.relative_to(self._folder).as_posix() for path in files))

    def read_file(self, path: str) -> str:
        """Return the text of a file."""
        return self._path(path).read_text(encoding="utf-8")

    def write_file(self, path: str, content: str) -> str:
        """Replace a file."""
        self._path(path).write_text(content, encoding="utf-8")
        return f"wrote {path}"

    def run_tests(self, path: str) -> str:
        """Run a file of unit tests; fails if one of them does."""
        # -B: a stale .pyc of a file that write_file has replaced would test the old code.
        command = [sys.executable, "-B", str(self._path(path))]
        run = subprocess.run(
            command,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=_TESTS_SECONDS,
            check=False,
        )
        if run.returncode != 0:
            errors = [line for line in run.stderr.splitlines() if "Error" in line]
            raise ToolError(errors[-1] if errors else f"exit status {run.returncode}")
        return "all tests passed"

    def _path(self, name: str) -> Path:
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder):
            msg = f"{name!r} is outside of the project"
            raise ToolError(msg)
        return path


@dataclass(frozen=True)
class Agent:
    """A model with instructions and tools."""

    name: str
    model: str
    instructions: str
    tools: tuple[Tool, ...]

    def run(self, client: OpenAI, task: str, conversation: str | None = None) -> str:
        """Ask the model and do what it says until it has an answer; return the answer."""
        attributes = {
            gen_ai.GEN_AI_OPERATION_NAME: gen_ai.GenAiOperationNameValues.INVOKE_AGENT.value,
            gen_ai.GEN_AI_AGENT_NAME: self.name,
        }
        if conversation is not None:
            attributes[gen_ai.GEN_AI_CONVERSATION_ID] = conversation
        with tracer.start_as_current_span(f"invoke_agent {self.name}", attributes=attributes):
            return self._loop(client, task)

    def _loop(self, client: OpenAI, task: str) -> str:
        tools = {tool.name: tool for tool in self.tools}
        schemas = [tool.schema() for tool in self.tools]
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": self.instructions},
            {"role": "user", "content": task},
        ]
        for _ in range(_MAX_TURNS):
            response = client.chat.completions.create(
                model=self.model, messages=messages, tools=schemas
            )
            message = response.choices[0].message
            if not message.tool_calls:
                return message.content or ""
            answer = message.model_dump(include={"role", "content", "tool_calls"})
            messages.append(cast("ChatCompletionMessageParam", answer))
            for call in message.tool_calls:
                if call.type == "function":
                    result = call_tool(tools, call)
                    messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        msg = f"agent {self.name!r} has no answer after {_MAX_TURNS} turns"
        raise RuntimeError(msg)


def call_tool(tools: Mapping[str, Tool], call: ChatCompletionMessageFunctionToolCall) -> str:
    """Do what the model asks for; return the result, or the text of the error."""
    name = call.function.name
    attributes = {
        gen_ai.GEN_AI_OPERATION_NAME: gen_ai.GenAiOperationNameValues.EXECUTE_TOOL.value,
        gen_ai.GEN_AI_TOOL_NAME: name,
        gen_ai.GEN_AI_TOOL_TYPE: "function",
        gen_ai.GEN_AI_TOOL_CALL_ID: call.id,
        gen_ai.GEN_AI_TOOL_CALL_ARGUMENTS: call.function.arguments,
    }
    with tracer.start_as_current_span(f"execute_tool {name}", attributes=attributes) as span:
        try:
            tool = tools[name]
            span.set_attribute(_READ_ONLY, tool.read_only)
            result = tool.function(**json.loads(call.function.arguments))
        except Exception as error:  # whatever it was, the model has to know
            span.set_attribute(ERROR_TYPE, type(error).__qualname__)
            span.set_status(Status(StatusCode.ERROR, str(error)))
            return f"error: {type(error).__qualname__}: {error}"
        span.set_attribute(gen_ai.GEN_AI_TOOL_CALL_RESULT, result)
        return result


def planner(workspace: Workspace, client: OpenAI) -> Agent:
    """Return the agent that has all tools, one of which is another agent."""
    list_files = Tool(workspace.list_files, read_only=True)
    read_file = Tool(workspace.read_file, read_only=True)
    researcher = Agent(
        name="researcher",
        model="gpt-5.4-mini",
        instructions="You are the researcher. Answer from the documents in docs/, and quote them.",
        tools=(list_files, read_file),
    )

    def ask_researcher(question: str) -> str:
        """Ask a colleague who knows the documents of the project."""
        return researcher.run(client, question)

    return Agent(
        name="planner",
        model="gpt-5.4",
        instructions="You are the planner. Say what you will do, do it, and show that it worked.",
        tools=(
            list_files,
            read_file,
            Tool(workspace.write_file),
            Tool(workspace.run_tests),
            Tool(ask_researcher, read_only=True),  # its own tools only read
        ),
    )


def set_up_tracing() -> TracerProvider:
    """Trace every OpenAI call, and send all spans where the environment says."""
    os.environ.setdefault(OTEL_SERVICE_NAME, "clawtrace-demo")
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(_exporter()))
    trace.set_tracer_provider(provider)
    OpenAIInstrumentor().instrument()
    return provider


def _exporter() -> SpanExporter:
    protocol = os.environ.get(OTEL_EXPORTER_OTLP_TRACES_PROTOCOL) or os.environ.get(
        OTEL_EXPORTER_OTLP_PROTOCOL
    )
    # Imported here, so that an agent needs only the exporter that it uses.
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
            OTLPSpanExporter as GrpcSpanExporter,
        )

        return GrpcSpanExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
        OTLPSpanExporter as HttpSpanExporter,
    )

    return HttpSpanExporter()


def repair(folder: Path) -> str:
    """Let the planner repair the project in `folder`; return its answer."""
    provider = set_up_tracing()
    try:
        client = OpenAI()
        agent = planner(Workspace(folder), client)
        return agent.run(client, TASK, conversation=f"conv_{uuid.uuid4().hex[:8]}")
    finally:
        provider.shutdown()  # sends what is still queued


def main() -> None:
    """Repair the project in the folder that the command line names, else a sample of one."""
    if len(sys.argv) > 1:
        click.echo(repair(Path(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder)
        click.echo(repair(folder))


if __name__ == "__main__":
    main()
