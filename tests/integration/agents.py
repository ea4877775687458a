"""The demo's agent as a process, which knows only where its model and its OTLP endpoint are."""

import os
import re
import subprocess
import sys
from pathlib import Path

from clawtrace_otel.demo import scenario
from clawtrace_otel.demo.model_server import ModelServer

SECONDS = 120

_NOT_INHERITED = re.compile(r"(OTEL|OPENAI|TRACELOOP|CLAWTRACE)_.*|.*_PROXY", re.IGNORECASE)


def run_agent(folder: Path, endpoint: str, protocol: str = "") -> None:
    """Let the agent repair its project.

    Args:
        folder: of the project; must be new.
        endpoint: ``host:port`` that takes OTLP.
        protocol: ``grpc`` or ``http/protobuf``; without it the agent is told the endpoint alone.

    Raises:
        AssertionError: it failed, or could not export a span.
    """
    scenario.write_project(folder)
    inherited = {k: v for k, v in os.environ.items() if not _NOT_INHERITED.fullmatch(k)}
    with ModelServer(scenario.script) as model:
        told = {
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": "scripted",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{endpoint}",
        }
        if protocol:
            told["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol
            told["OTEL_SERVICE_NAME"] = service_name(protocol)
        command = [sys.executable, "-m", "clawtrace_otel.demo.agent", str(folder)]
        done = subprocess.run(
            command,
            env=inherited | told,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "Failed to export" not in done.stderr, done.stderr


def service_name(protocol: str) -> str:
    """What the agent calls itself that sends by a protocol."""
    return f"agent-{protocol.partition('/')[0]}"
