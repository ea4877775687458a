"""Recorded spans for tests, as OTLP in JSON."""

import json
from collections.abc import Mapping

from clawtrace_otel.semconv import attributes as a


def line_of(tool: str, arguments: object, result: str) -> str:
    """A line of OTLP as JSON: one agent that calls one tool."""
    called = {
        a.GEN_AI_OPERATION_NAME: "execute_tool",
        a.GEN_AI_TOOL_NAME: tool,
        a.GEN_AI_TOOL_CALL_ARGUMENTS: json.dumps(arguments),
        a.GEN_AI_TOOL_CALL_RESULT: result,
    }
    agent = {a.GEN_AI_OPERATION_NAME: "invoke_agent", a.GEN_AI_AGENT_NAME: "worker"}
    spans = [
        _span("00f067aa0ba902b7", "", "invoke_agent worker", agent),
        _span("00f067aa0ba902b8", "00f067aa0ba902b7", f"execute_tool {tool}", called),
    ]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}) + "\n"


def _span(span_id: str, parent: str, name: str, attributes: Mapping[str, str]) -> dict[str, object]:
    return {
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
        "spanId": span_id,
        "parentSpanId": parent,
        "name": name,
        "startTimeUnixNano": "1763800000000000000",
        "endTimeUnixNano": "1763800001000000000",
        "attributes": [
            {"key": key, "value": {"stringValue": value}} for key, value in attributes.items()
        ],
    }
