"""One agent run made with the real SDK, with fixed ids and times, for whoever needs SDK spans."""

from itertools import count

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Status, StatusCode, set_span_in_context

from clawtrace_otel.semconv import attributes as a

START_NS = 1_793_613_600_000_000_000  # 2026-11-02T10:00:00Z


class CountingIds(IdGenerator):
    """Ids that count from 1."""

    def __init__(self) -> None:
        self._ids = count(1)

    def generate_span_id(self) -> int:
        return next(self._ids)

    def generate_trace_id(self) -> int:
        return 0xABCD_0000_0000_0000_0000_0000_0000_0000 + next(self._ids)


def provider() -> TracerProvider:
    """A provider whose spans have counted ids."""
    resource = Resource({"service.name": "agent"})
    return TracerProvider(resource=resource, id_generator=CountingIds(), shutdown_on_exit=False)


def run_agent(tracer_provider: TracerProvider) -> None:
    """Emit the spans of a run: five LLM calls, a repeated read, a failing tool, a sub-agent."""
    tracer = tracer_provider.get_tracer("agent-under-test")
    clock = iter(range(START_NS, START_NS + 10**10, 1_000_000))

    def start(name: str, parent: Span | None) -> Span:
        context = set_span_in_context(parent) if parent else None
        span = tracer.start_span(name, context, start_time=next(clock))
        assert isinstance(span, Span)
        return span

    def end(span: Span) -> None:
        span.end(next(clock))

    def llm(parent: Span, tokens: int, cached: int) -> None:
        span = start("chat gpt-5.4", parent)
        span.set_attributes(
            {
                a.GEN_AI_OPERATION_NAME: "chat",
                a.GEN_AI_PROVIDER_NAME: "openai",
                a.GEN_AI_REQUEST_MODEL: "gpt-5.4",
                a.GEN_AI_RESPONSE_MODEL: "gpt-5.4",
                a.GEN_AI_USAGE_INPUT_TOKENS: tokens,
                "gen_ai.usage.cache_read.input_tokens": cached,
                a.GEN_AI_USAGE_OUTPUT_TOKENS: 40,
                a.GEN_AI_RESPONSE_FINISH_REASONS: ["tool_calls"],
            }
        )
        end(span)

    def tool(parent: Span, name: str, result: str, error: str = "") -> None:
        span = start(f"execute_tool {name}", parent)
        span.set_attributes(
            {
                a.GEN_AI_OPERATION_NAME: "execute_tool",
                a.GEN_AI_TOOL_NAME: name,
                a.GEN_AI_TOOL_CALL_ARGUMENTS: '{"path": "report.xlsx"}',
                a.GEN_AI_TOOL_CALL_RESULT: result,
                a.CLAWTRACE_TOOL_READ_ONLY: True,
            }
        )
        if error:
            span.record_exception(ValueError(error), timestamp=next(clock))
            span.set_status(Status(StatusCode.ERROR))
        end(span)

    def agent(name: str, parent: Span | None) -> Span:
        span = start(f"invoke_agent {name}", parent)
        span.set_attributes({a.GEN_AI_OPERATION_NAME: "invoke_agent", a.GEN_AI_AGENT_NAME: name})
        span.set_attribute(a.GEN_AI_CONVERSATION_ID, "conv_1")
        return span

    root = agent("planner", None)
    llm(root, 1000, 0)
    tool(root, "read_file", "cells")
    llm(root, 1200, 900)
    tool(root, "read_file", "cells")
    llm(root, 1400, 1100)
    tool(root, "run_tests", "", error="no such file")
    tool(root, "run_tests", "passed")
    researcher = agent("researcher", root)
    llm(researcher, 500, 0)
    end(researcher)
    llm(root, 1600, 1300)
    end(root)


def finished_spans() -> InMemorySpanExporter:
    """The spans of one run, in the order in which they ended."""
    memory = InMemorySpanExporter()
    tracer_provider = provider()
    tracer_provider.add_span_processor(SimpleSpanProcessor(memory))
    run_agent(tracer_provider)
    return memory
