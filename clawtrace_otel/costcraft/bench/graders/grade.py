"""A run that has ended is graded. A grader that fails says nothing of the run."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean

from clawtrace_otel.costcraft.bench.graders.command import grade_by_command
from clawtrace_otel.costcraft.bench.graders.json_result import (
    last_line,
    read_file,
    read_said,
    verdict_of,
)
from clawtrace_otel.costcraft.bench.graders.spec import STDOUT, Grader, kind_of
from clawtrace_otel.costcraft.bench.graders.tau2_reward import read_reward
from clawtrace_otel.costcraft.bench.graders.verdict import Ended, GraderError, Verdict
from clawtrace_otel.costcraft.bench.graders.workbooks import (
    PositionError,
    compare_workbooks,
)


def grade(grader: Grader, run: Ended) -> Verdict:
    """What the grader says of a run; ``passed`` is ``None`` if it fails, with the reason."""
    try:
        return _GRADERS[kind_of(grader)](grader, run)
    except GraderError as e:
        return Verdict(passed=None, why=str(e))


def _by_exit_code(grader: Grader, run: Ended) -> Verdict:
    passed = run.exit_code == grader.exit_code
    return Verdict(passed, why="" if passed else f"the agent ended with status {run.exit_code}")


def _by_json(grader: Grader, run: Ended) -> Verdict:
    name = grader.json or STDOUT
    data = last_line(run.stdout) if name == STDOUT else read_file(run.folder / name)
    where = "the last line of its output" if name == STDOUT else name
    said = read_said(data) if data is not None else None
    if said is None:
        return Verdict(passed=False, why=f"{where} is no JSON object with `passed` or `score`")
    return verdict_of(said, grader.pass_score)


def _by_tau2(grader: Grader, run: Ended) -> Verdict:
    name = grader.tau2 or ""
    data = read_file(run.folder / name)
    if data is None:
        return Verdict(passed=False, why=f"there is no {name}")
    return read_reward(data, name)


def _by_workbooks(grader: Grader, run: Ended) -> Verdict:
    """All must agree; the score is the share of those that do."""
    assert grader.workbooks is not None
    spec = grader.workbooks
    try:
        found = [
            compare_workbooks(Path(answer), run.folder / output, spec.position)
            for output, answer in spec.answers.items()
        ]
    except (PositionError, OSError, ValueError, KeyError, zipfile.BadZipFile) as e:
        msg = f"the answer cannot be compared with: {e}"
        raise GraderError(msg) from e
    why = next((each.why for each in found if not each.equal), "")
    return Verdict(all(each.equal for each in found), fmean(each.equal for each in found), why)


_GRADERS: Mapping[str, Callable[[Grader, Ended], Verdict]] = {
    "exit_code": _by_exit_code,
    "json": _by_json,
    "command": grade_by_command,
    "tau2": _by_tau2,
    "workbooks": _by_workbooks,
}
