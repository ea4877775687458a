"""A distillation is killed half-way, as by a machine that is switched off, or by Ctrl-C."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clawtrace_otel.costcraft.llm.session import analyse
from clawtrace_otel.demo.model_server import ModelServer
from clawtrace_otel.tracecard.read import read_cards
from tests.costcraft.llm.asked import PRUNE, always, options, proposing, runs_named
from tests.costcraft.llm.slow_server import SlowServer

NAMES = "abcdef"
SECONDS = 60.0

PROGRAM = """
import sys
from pathlib import Path
from clawtrace_otel.costcraft.llm.session import analyse
from tests.costcraft.llm.asked import options, runs_named
folder = Path(sys.argv[1])
analyse(runs_named(*"abcdef"), "", options(folder, sys.argv[2], concurrency=1), folder)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_what_was_answered_before_is_there_and_only_the_rest_is_asked(
    number: signal.Signals, tmp_path: Path
) -> None:
    answer = json.dumps({"proposals": [PRUNE]})
    with SlowServer(lambda _: answer, lambda _: 0.2) as server:
        program = [sys.executable, "-c", PROGRAM, str(tmp_path), server.url]
        with subprocess.Popen(program, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + SECONDS
            while len(server.requests) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
            process.send_signal(number)
            assert process.wait(SECONDS) != 0
    if number == signal.SIGINT:
        (card,) = [card for _, card in read_cards(tmp_path / "own-cards")]
        assert not isinstance(card, Exception)
        assert (card["status"], card["total"]["tokens"]["output"]) == ("complete", 200)
    with ModelServer(always(proposing(PRUNE))) as after:
        given = options(tmp_path, after.url)
        found = analyse(runs_named(*NAMES), "", given, tmp_path)
        assert len(after.requests) == 4
    assert (found.reused, found.patches[0].support.runs) == (2, 6)
