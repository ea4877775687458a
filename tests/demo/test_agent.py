"""The demo's agent as a program of its own: a real model server, a real OTLP endpoint."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from clawtrace_otel.demo import scenario
from clawtrace_otel.demo.model_server import ModelServer, Request

Requests = list[ExportTraceServiceRequest]
Sink = Callable[[Requests], AbstractContextManager[str]]

# In the order of their start.
TREE = [
    "invoke_agent planner",
    "  openai.chat",
    "  execute_tool list_files",
    "  execute_tool run_tests ERROR",
    "  openai.chat",
    "  execute_tool read_file",
    "  execute_tool read_file",
    "  openai.chat",
    "  execute_tool read_file",
    "  openai.chat",
    "  execute_tool ask_researcher",
    "    invoke_agent researcher",
    "      openai.chat",
    "      execute_tool list_files",
    "      openai.chat",
    "      execute_tool read_file",
    "      execute_tool read_file",
    "      openai.chat",
    "  openai.chat",
    "  execute_tool write_file",
    "  openai.chat",
    "  execute_tool run_tests",
    "  openai.chat",
]


@contextmanager
def http_sink(received: Requests) -> Iterator[str]:
    """An OTLP/HTTP endpoint that keeps what it is sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def grpc_sink(received: Requests) -> Iterator[str]:
    """An OTLP/gRPC endpoint that keeps what it is sent."""

    class Servicer(TraceServiceServicer):
        def Export(  # noqa: N802 - named by the protocol
            self, request: ExportTraceServiceRequest, _: object
        ) -> ExportTraceServiceResponse:
            received.append(request)
            return ExportTraceServiceResponse()

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    add_TraceServiceServicer_to_server(Servicer(), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()


def attributes(holder: Any) -> dict[str, Any]:
    """The attributes of a span or a resource; all of the agent's are plain values or lists."""
    values: dict[str, Any] = {}
    for pair in holder.attributes:
        kind = pair.value.WhichOneof("value")
        values[pair.key] = getattr(pair.value, kind) if kind else None
    return values


class Run:
    """One run of the agent: what it said, what it sent."""

    def __init__(self, process: subprocess.CompletedProcess[str], received: Requests) -> None:
        self.process = process
        self.resources = [attributes(r.resource) for q in received for r in q.resource_spans]
        self.spans: list[Span] = sorted(
            (
                span
                for request in received
                for resource in request.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ),
            key=lambda span: span.start_time_unix_nano,
        )

    def tree(self, parent: bytes = b"", indent: str = "") -> list[str]:
        lines = []
        for span in self.spans:
            if span.parent_span_id == parent:
                error = " ERROR" if span.status.code == Status.STATUS_CODE_ERROR else ""
                lines.append(f"{indent}{span.name}{error}")
                lines.extend(self.tree(span.span_id, f"{indent}  "))
        return lines

    def named(self, name: str) -> list[dict[str, Any]]:
        return [attributes(span) for span in self.spans if span.name == name]


def run_agent(sink: Sink, arguments: Sequence[str], **extra: str) -> tuple[Run, list[Request]]:
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.upper().startswith(("OTEL_", "OPENAI_", "TRACELOOP_"))
    }
    received: Requests = []
    with ModelServer(scenario.script) as model, sink(received) as endpoint:
        process = subprocess.run(
            [sys.executable, "-m", "clawtrace_otel.demo.agent", *arguments],
            env=inherited
            | {
                "OPENAI_BASE_URL": model.url,
                "OPENAI_API_KEY": "scripted",
                "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
                "NO_PROXY": "127.0.0.1",
            }
            | extra,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    return Run(process, received), model.requests


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    scenario.write_project(folder)
    return folder


@pytest.fixture(scope="module")
def run(project: Path) -> Run:
    return run_agent(http_sink, [str(project)])[0]


def test_agent_ends_with_its_answer_and_without_a_warning(run: Run) -> None:
    assert run.process.returncode == 0
    assert run.process.stdout.startswith("Fixed: invoice.py")
    assert run.process.stderr == ""


def test_spans_are_one_tree_with_the_sub_agent_under_its_tool(run: Run) -> None:
    assert run.tree() == TREE
    assert len(run.spans) == len(TREE)
    assert len({span.trace_id for span in run.spans}) == 1


def test_story_has_the_calls_that_the_demo_expects(run: Run) -> None:
    assert len(run.named("openai.chat")) == scenario.LLM_CALLS == 10
    tools = [span for span in run.spans if span.name.startswith("execute_tool ")]
    assert len(tools) == scenario.TOOL_CALLS == 11


def test_service_is_named(run: Run) -> None:
    assert {resource["service.name"] for resource in run.resources} == {"clawtrace-demo"}


def test_only_the_root_agent_has_the_conversation(run: Run) -> None:
    (planner,) = run.named("invoke_agent planner")
    (researcher,) = run.named("invoke_agent researcher")
    assert planner["gen_ai.operation.name"] == researcher["gen_ai.operation.name"] == "invoke_agent"
    assert planner["gen_ai.agent.name"] == "planner"
    assert researcher["gen_ai.agent.name"] == "researcher"
    assert planner["gen_ai.conversation.id"].startswith("conv_")
    assert "gen_ai.conversation.id" not in researcher


def test_file_is_read_again_with_the_same_result_and_nothing_written_in_between(run: Run) -> None:
    tools = [attributes(span) for span in run.spans if span.name.startswith("execute_tool ")]
    same = [
        n
        for n, tool in enumerate(tools)
        if json.loads(tool["gen_ai.tool.call.arguments"]) == {"path": "invoice.py"}
    ]
    first, again = (tools[n] for n in same)
    assert first["gen_ai.tool.call.result"] == again["gen_ai.tool.call.result"]
    assert "def total(" in first["gen_ai.tool.call.result"]
    assert first["gen_ai.tool.call.id"] != again["gen_ai.tool.call.id"]
    assert all(tool["clawtrace.tool.read_only"] for tool in tools[same[0] : same[1] + 1])


def test_tests_fail_and_pass_when_called_again_with_the_same_arguments(run: Run) -> None:
    failed, passed = run.named("execute_tool run_tests")
    (span, _) = (span for span in run.spans if span.name == "execute_tool run_tests")
    assert failed["error.type"] == "ToolError"
    assert span.status.message == "AssertionError: Decimal('0.25') != Decimal('0.26')"
    assert "gen_ai.tool.call.result" not in failed
    assert passed["gen_ai.tool.call.result"] == "all tests passed"
    assert failed["gen_ai.tool.call.arguments"] == passed["gen_ai.tool.call.arguments"]
    assert not failed["clawtrace.tool.read_only"]


def test_error_text_goes_back_to_the_model(run: Run) -> None:
    second_prompt = json.loads(run.named("openai.chat")[1]["gen_ai.input.messages"])
    (response,) = second_prompt[-1]["parts"]
    assert response["id"] == "call_planner_1_2"
    assert response["response"].startswith("error: ToolError: AssertionError")


def test_usage_on_the_spans_is_what_the_model_reported(run: Run) -> None:
    planner, researcher = scenario.REPLIES["planner"], scenario.REPLIES["researcher"]
    in_order = [*planner[:4], *researcher, *planner[4:]]
    for span, reply in zip(run.named("openai.chat"), in_order, strict=True):
        assert span["gen_ai.usage.input_tokens"] == reply.input_tokens
        assert span["gen_ai.usage.output_tokens"] == reply.output_tokens
        assert span["gen_ai.usage.cache_read.input_tokens"] == reply.cache_read_tokens
        assert span["gen_ai.usage.reasoning_tokens"] == reply.reasoning_tokens


def test_cache_pays_a_growing_part_of_the_planner() -> None:
    cached = [reply.cache_read_tokens for reply in scenario.REPLIES["planner"]]
    assert cached[0] == 0
    assert cached == sorted(set(cached))


def test_project_is_repaired(run: Run, project: Path) -> None:
    assert run.process.returncode == 0
    assert "ROUND_HALF_UP" in (project / "invoice.py").read_text()


def test_grpc_is_used_when_the_environment_says_so() -> None:
    run, requests = run_agent(
        grpc_sink, [], OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_SERVICE_NAME="mine"
    )
    assert run.process.returncode == 0
    assert run.tree() == TREE
    assert {resource["service.name"] for resource in run.resources} == {"mine"}
    assert len(requests) == scenario.LLM_CALLS


@pytest.mark.slow
def test_model_that_cannot_be_reached_ends_the_agent_with_an_error_span(project: Path) -> None:
    run, requests = run_agent(http_sink, [str(project)], OPENAI_BASE_URL="http://127.0.0.1:1/v1")
    assert run.process.returncode == 1
    assert requests == []
    assert run.tree() == ["invoke_agent planner ERROR", "  openai.chat ERROR"]
