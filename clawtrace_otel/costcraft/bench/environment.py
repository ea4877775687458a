"""The environment of an agent: the user's own, with a few variables set for the run.

``docs/bench.md`` lists them.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from opentelemetry.sdk.environment_variables import (
    OTEL_BSP_SCHEDULE_DELAY,
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    OTEL_RESOURCE_ATTRIBUTES,
)

from clawtrace_otel.costcraft.bench.service import BackgroundService
from clawtrace_otel.costcraft.bench.telemetry import RunSpan
from clawtrace_otel.semconv import attributes as a

TRACEPARENT = "TRACEPARENT"
TASK, RUN = "CLAWTRACE_TASK", "CLAWTRACE_RUN"
PROMPT, PROMPT_FILE, SKILL = "CLAWTRACE_PROMPT", "CLAWTRACE_PROMPT_FILE", "CLAWTRACE_SKILL"

MAX_PROMPT_BYTES = 100_000
"""Of the variable; Linux takes 128 KiB. A longer prompt is in the file alone."""

FLUSH_MS = "1000"
"""How long the SDK's batch processor waits unless the user says: limits look at what came in."""

_NOT_INHERITED = re.compile(
    # Where spans go, by which key, and below which span: all of that is this run's.
    r"OTEL_EXPORTER_OTLP_(?!.*(PROTOCOL|TIMEOUT|COMPRESSION)$).*|TRACEPARENT|TRACESTATE"
    r"|CLAWTRACE_(TASK|RUN|PROMPT|PROMPT_FILE|SKILL)"
)


def otel_environment(
    inherited: Mapping[str, str], span: RunSpan, service: BackgroundService
) -> dict[str, str]:
    """What leads the agent's spans to the service, and marks them as those of the run.

    Args:
        inherited: the user's environment.
        span: of the run.
        service: takes the spans.
    """
    protocol = inherited.get(OTEL_EXPORTER_OTLP_TRACES_PROTOCOL) or inherited.get(
        OTEL_EXPORTER_OTLP_PROTOCOL, "http/protobuf"
    )
    marks = {a.CLAWTRACE_TASK_ID: span.task, a.CLAWTRACE_RUN_ID: span.run}
    own = [f"{key}={quote(value)}" for key, value in marks.items()]
    users = inherited.get(OTEL_RESOURCE_ATTRIBUTES, "").strip(", ")
    return {
        OTEL_EXPORTER_OTLP_ENDPOINT: service.grpc if protocol == "grpc" else service.http,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_RESOURCE_ATTRIBUTES: ",".join([*([users] if users else []), *own]),
        OTEL_BSP_SCHEDULE_DELAY: inherited.get(OTEL_BSP_SCHEDULE_DELAY, FLUSH_MS),
        TRACEPARENT: span.traceparent,
    }


def kept(inherited: Mapping[str, str]) -> dict[str, str]:
    """The user's variables that an agent gets."""
    return {key: value for key, value in inherited.items() if not _NOT_INHERITED.fullmatch(key)}


def told(span: RunSpan, prompt: str, prompt_file: Path, skill: Path | None) -> dict[str, str]:
    """The run's task and skill. There is no ``CLAWTRACE_SKILL`` in a run without one."""
    found = {TASK: span.task, RUN: span.run, PROMPT_FILE: str(prompt_file)}
    if len(prompt.encode("utf-8", "surrogatepass")) <= MAX_PROMPT_BYTES:
        found[PROMPT] = prompt
    if skill is not None:
        found[SKILL] = str(skill)
    return found
