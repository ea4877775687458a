"""An agent's process that writes its cards to a bucket itself."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import read_cards
from tests.exporters.test_opentelemetry_instrument import AGENT, instrument
from tests.storage.s3 import S3

FORKS = f"""
import os
def run():
    {AGENT.replace(chr(10), chr(10) + "    ")}
run()
from opentelemetry.trace import get_tracer_provider
get_tracer_provider().force_flush()
child = os.fork()
run()
get_tracer_provider().shutdown()
if child:
    assert os.waitpid(child, 0)[1] == 0
"""


def run(folder: Path, program: str, where: str) -> str:
    """Run a program; what it wrote to standard error."""
    (folder / "agent.py").write_text(program)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "CLAWTRACE_"))}
    settings = {"OTEL_TRACES_EXPORTER": "tracecard", "CLAWTRACE_CARDS": where}
    settings |= {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    done = subprocess.run(
        [instrument(), sys.executable, str(folder / "agent.py")],
        env={**clean, **settings},
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    return done.stderr


def cards(where: str) -> list[Card]:
    return [card for _, card in read_cards(where) if not isinstance(card, Exception)]


def test_the_last_card_is_written_while_the_process_ends(tmp_path: Path, where: str) -> None:
    """No thread can be started by then, and the server's name has still to be looked up."""
    assert run(tmp_path, AGENT, where) == ""
    (card,) = cards(where)
    assert (card["status"], card["total"]["llm_calls"]) == ("complete", 1)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_writes_its_own_cards(tmp_path: Path, where: str) -> None:
    assert "Traceback" not in run(tmp_path, FORKS, where)
    assert [card["total"]["llm_calls"] for card in cards(where)] == [1, 1, 1]


@pytest.mark.slow
def test_an_agent_runs_although_the_bucket_is_away(tmp_path: Path, s3: S3, where: str) -> None:
    with s3.away():
        began = time.monotonic()
        told = run(tmp_path, AGENT, where)
    assert "the card of a trace cannot be written to " + where in told
    assert "Traceback" not in told
    assert time.monotonic() - began < 60
