"""One target, fuzzed for a while in a process of its own, and what libFuzzer says of it."""

import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.seeds import write_seeds
from tests.fuzz.targets import Target

GRACE_SECONDS = 120
"""For imports, for reading the seeds, and for the last input."""

_EXECUTIONS = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
_PEAK = re.compile(r"^stat::peak_rss_mb:\s*(\d+)", re.MULTILINE)
_STATUS = re.compile(r"^#(\d+)\s+\w+.*? cov: (\d+) .*?corp: (\d+)/", re.MULTILINE)
_FAILURE_CHARS = 6000


@dataclass(slots=True)
class Session:
    """What became of one target.

    Attributes:
        executions: inputs that were tried.
        edges: branches of the package that they reached, as atheris counts them.
        inputs: of the corpus: each reaches something that the others do not.
        crashes: files with the inputs that crashed; libFuzzer stops at the first.
        failure: what libFuzzer said last, if it did not end well.
    """

    target: str
    seconds: int
    executions: int = 0
    edges: int = 0
    inputs: int = 0
    peak_mb: int = 0
    crashes: list[Path] = field(default_factory=list)
    failure: str = ""


def fuzz(target: Target, folder: Path, seconds: int) -> Session:
    """Fuzz a target.

    Args:
        target: what to fuzz.
        folder: takes the corpus, and the inputs that crash.
        seconds: after which libFuzzer ends.
    """
    corpus, seeds, crashes = (
        folder / what / target.name for what in ("corpus", "seeds", "crashes")
    )
    for path in (corpus, crashes):
        path.mkdir(parents=True, exist_ok=True)
    write_seeds(target, seeds)
    before = set(crashes.iterdir())
    command = [sys.executable, "-m", "tests.fuzz.fuzzer", target.name]
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={crashes}/"]
    began = time.monotonic()
    log = folder / f"{target.name}.log"
    with log.open("wb") as output:
        done = subprocess.run(
            [*command, *options, str(corpus), str(seeds)],
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=seconds + GRACE_SECONDS,
            check=False,
        )
    said = log.read_text(encoding="utf-8", errors="replace")
    session = _read(target.name, round(time.monotonic() - began), said)
    session.crashes = sorted(set(crashes.iterdir()) - before)
    if done.returncode:
        session.failure = f"exit status {done.returncode}\n{_last_words(said)}\n"
    return session


def _last_words(said: str) -> str:
    """What was said behind the lines that tell of progress."""
    return said[said.rfind("\n#") + 1 :].partition("\n")[2][-_FAILURE_CHARS:]


def _read(name: str, seconds: int, said: str) -> Session:
    executions, peak = _EXECUTIONS.findall(said), _PEAK.findall(said)
    status = _STATUS.findall(said)
    tried, edges, inputs = map(int, status[-1]) if status else (0, 0, 0)
    return Session(
        target=name,
        seconds=seconds,
        executions=int(executions[-1]) if executions else tried,
        edges=edges,
        inputs=inputs,
        peak_mb=int(peak[-1]) if peak else 0,
    )
