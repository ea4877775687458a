"""Cards by environment variables alone, and by two lines of code, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths, read_card

AGENT = """
from opentelemetry import trace
tracer = trace.get_tracer("agent")
with tracer.start_as_current_span("invoke_agent planner") as root:
    root.set_attribute("gen_ai.operation.name", "invoke_agent")
    with tracer.start_as_current_span("chat gpt-5.4") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.provider.name", "openai")
        span.set_attribute("gen_ai.request.model", "gpt-5.4")
        span.set_attribute("gen_ai.usage.input_tokens", 1000)
        span.set_attribute("gen_ai.usage.output_tokens", 10)
"""


def run(folder: Path, command: list[str], **environment: str) -> Card:
    """Run a command in ``folder``; the one card that it wrote."""
    clean = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("OTEL_", "CLAWTRACE_"))
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Traceback" not in done.stderr
    (path,) = card_paths(folder / "tracecards")
    return read_card(path)


@pytest.fixture(name="agent")
def _agent(tmp_path: Path) -> Path:
    path = tmp_path / "agent.py"
    path.write_text(AGENT)
    return path


def instrument() -> str:
    return str(Path(sys.executable).with_name("opentelemetry-instrument"))


def test_the_traces_exporter_variable_is_enough(agent: Path) -> None:
    card = run(
        agent.parent,
        [instrument(), sys.executable, str(agent)],
        OTEL_TRACES_EXPORTER="tracecard",
        OTEL_METRICS_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
    )
    assert card["status"] == "complete"
    assert card["total"]["cost_usd"] == 0.00265


@pytest.mark.slow
def test_a_configuration_file_gives_the_exporter_its_settings(agent: Path) -> None:
    config = agent.with_name("otel.yaml")
    config.write_text(
        """
file_format: "1.0"
tracer_provider:
  processors:
    - batch:
        exporter:
          tracecard: {cards: tracecards, max_card_bytes: 1024}
"""
    )
    card = run(
        agent.parent,
        [instrument(), sys.executable, str(agent)],
        OTEL_CONFIG_FILE=str(config),
    )
    assert card["total"]["llm_calls"] == 1


def test_two_lines_of_code_are_enough(agent: Path) -> None:
    agent.write_text("import clawtrace_otel\nclawtrace_otel.configure()\n" + AGENT)
    card = run(agent.parent, [sys.executable, str(agent)])
    assert card["root"]["agent"] == "invoke_agent planner"
    assert card["total"]["cost_usd"] == 0.00265


def test_an_agent_that_fails_still_leaves_its_card(agent: Path) -> None:
    agent.write_text(
        "import clawtrace_otel\nclawtrace_otel.configure(cards='tracecards')\n"
        + AGENT
        + "    import sys; sys.exit('the agent gave up')\n"
    )
    with pytest.raises(subprocess.CalledProcessError):
        run(agent.parent, [sys.executable, str(agent)])
    (path,) = card_paths(agent.parent / "tracecards")
    assert read_card(path)["total"]["llm_calls"] == 1
