"""Contrast of an order of calls: do passing runs of a task make it, and failing ones not?"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy import stats

from clawtrace_otel.costcraft.model import Contrast
from clawtrace_otel.costcraft.run import Run


def contrast_of(calls: Sequence[str], runs: Sequence[Run]) -> Contrast | None:
    """What runs of tasks that have both outcomes say of calls in this order.

    Args:
        calls: names of tools; other calls may stand in between.
        runs: all that were looked at.

    Returns:
        ``None`` if there are no calls, or no task has passing and failing runs.
    """
    by_task: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if run.passed is not None:
            by_task[run.task].append(run)
    mixed = [of for of in by_task.values() if len({run.passed for run in of}) == 2]
    if not calls or not mixed:
        return None
    passed = [_makes(run, calls) for of in mixed for run in of if run.passed]
    failed = [_makes(run, calls) for of in mixed for run in of if not run.passed]
    made, not_made = [sum(passed), sum(failed)], [passed.count(False), failed.count(False)]
    table = np.array([made, not_made]).T
    return Contrast(
        tasks=len(mixed),
        passed_with=sum(passed),
        passed=len(passed),
        failed_with=sum(failed),
        failed=len(failed),
        p_value=float(stats.fisher_exact(table, alternative="greater").pvalue),
    )


def _makes(run: Run, calls: Sequence[str]) -> bool:
    """Whether the calls are in the run, in this order. A failed call is none."""
    made = (step["tool"] for step in run.steps if "tool" in step and "error" not in step)
    return all(call in made for call in calls)
