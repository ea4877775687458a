"""A user's own grader: a program that looks at the run's folder.

It ends with 0 (passed) or 1 (failed). If the last line that it prints is a JSON object with
``passed`` or ``score``, that counts instead. Any other status is the grader's own failure.
"""

from pathlib import Path

from clawtrace_otel.costcraft.bench.command import CommandLine
from clawtrace_otel.costcraft.bench.graders.json_result import (
    MAX_WHY_CHARS,
    last_line,
    read_said,
    verdict_of,
)
from clawtrace_otel.costcraft.bench.graders.spec import Grader
from clawtrace_otel.costcraft.bench.graders.verdict import Ended, GraderError, Verdict
from clawtrace_otel.costcraft.bench.process import Place, StartError, run_program

OUT, ERR = "grader.out", "grader.err"
STATUSES = {0: True, 1: False}


def grade_by_command(grader: Grader, run: Ended) -> Verdict:
    """What the program says.

    Raises:
        GraderError: it cannot be started, takes too long, or fails itself.
    """
    beside = run.stdout.parent
    place = Place(run.folder, run.environment, beside / OUT, beside / ERR)
    command = CommandLine.parse(grader.command or "", Path(grader.here))
    try:
        found = run_program(
            command.fill({"folder": str(run.folder)}), place, grader.time_limit, lambda: None
        )
    except StartError as e:
        msg = f"the grader {e}"
        raise GraderError(msg) from e
    if found.ending != "exited":
        msg = f"the grader took over {grader.time_limit:g} s"
        raise GraderError(msg)
    if said := read_said(last_line(place.stdout)):
        return verdict_of(said, grader.pass_score)
    if found.exit_code not in STATUSES:
        msg = f"the grader ended with status {found.exit_code}: {_last_words(place.stderr)}"
        raise GraderError(msg)
    return Verdict(STATUSES[found.exit_code], why=_text(last_line(place.stdout)))


def _last_words(path: Path) -> str:
    return _text(last_line(path)) or "it said nothing"


def _text(line: bytes) -> str:
    return line.decode(errors="replace")[:MAX_WHY_CHARS]
