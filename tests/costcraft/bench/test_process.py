"""Programs with limits: what they leave behind, and what is kept of what they print."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from clawtrace_otel.costcraft.bench import process
from clawtrace_otel.costcraft.bench.process import Ending, Exit, Place, StartError, run_program
from tests.collector.peers import until
from tests.costcraft.bench.orders import is_alive


def never() -> Ending | None:
    return None


def run(
    folder: Path,
    code: str,
    limit: float | None = 30,
    must_end: Callable[[], Ending | None] = never,
) -> Exit:
    place = Place(folder, {"A": "b"}, folder / "out", folder / "err")
    return run_program([sys.executable, "-c", code], place, limit, must_end)


def test_status_and_outputs_are_kept(tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['A']); print('x', file=sys.stderr); sys.exit(7)"
    found = run(tmp_path, code)
    assert (found.ending, found.exit_code) == ("exited", 7)
    assert (tmp_path / "out").read_text() == "b\n"
    assert (tmp_path / "err").read_text() == "x\n"


def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    code = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("pid", "w").write(str(child.pid))
time.sleep(600)
"""
    started = time.monotonic()
    found = run(tmp_path, code, limit=1.5)
    assert (found.ending, found.exit_code) == ("time limit", -9)
    assert time.monotonic() - started < 1.5 + process.GRACE_SECONDS + 10
    child = int((tmp_path / "pid").read_text())
    until(lambda: not is_alive(child))


def test_what_a_program_leaves_running_is_ended_too(tmp_path: Path) -> None:
    code = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid)
"""
    assert run(tmp_path, code).exit_code == 0
    child = int((tmp_path / "out").read_text())
    until(lambda: not is_alive(child))


def test_a_program_has_time_to_end_by_itself(tmp_path: Path) -> None:
    code = """
import signal, sys, time
def end(*_):
    print("sent the rest")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
open("ready", "w").close()
time.sleep(600)
"""
    ready = tmp_path / "ready"
    found = run(tmp_path, code, must_end=lambda: "money limit" if ready.exists() else None)
    assert (found.ending, found.exit_code) == ("money limit", 0)
    assert (tmp_path / "out").read_text() == "sent the rest\n"


def test_of_a_flood_beginning_and_end_are_kept(tmp_path: Path) -> None:
    code = """
import sys
print("first")
for _ in range(400):
    sys.stdout.write("x" * 65535 + "\\n")
print("last")
"""
    run(tmp_path, code)
    kept = (tmp_path / "out").read_bytes()
    assert kept.startswith(b"first\n")
    assert kept.endswith(b"last\n")
    assert b"bytes were dropped here" in kept
    assert len(kept) < process.HEAD_BYTES + 3 * process.TAIL_BYTES
    dropped = int(kept.partition(b"[")[2].partition(b" ")[0].replace(b",", b""))
    shown = len(kept) - len(f"\n[{dropped:,} bytes were dropped here]\n")
    assert shown + dropped == len("first\n") + 400 * 65536 + len("last\n")


def test_a_program_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(0o755)
    place = Place(tmp_path, {}, tmp_path / "out", tmp_path / "err")
    with pytest.raises(StartError, match="cannot be started"):
        run_program([str(tmp_path / "text")], place, 1, never)
