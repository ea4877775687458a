"""Which steps of a run are to be deleted."""

from collections.abc import Callable, Collection, Iterator, Mapping

from clawtrace_otel.costcraft.model import Patch
from clawtrace_otel.costcraft.run import Run

Choose = Callable[[Run], Collection[int]]
"""The numbers of the steps to delete."""


def repeats(run: Run) -> list[int]:
    """Tool calls that an earlier one equals: same tool, same arguments, same result."""
    return list(_repeats(run))


def every_call(run: Run) -> list[int]:
    """All tool calls."""
    return [step["n"] for step in run.steps if "tool" in step]


CHOICES: Mapping[str, Choose] = {"repeats": repeats, "all": every_call}
"""By the names that the command line has for them."""


def pruned(patches: Collection[Patch]) -> Choose:
    """The steps that patches would prune; also those of patches that were rejected.

    A patch may have been rejected for want of the evidence that a replay is.
    """
    named: dict[str, set[int]] = {}
    for patch in patches:
        if patch.action == "prune":
            for step in patch.steps:
                named.setdefault(step.trace_id, set()).add(step.n)
    return lambda run: named.get(run.trace_id, ())


def _repeats(run: Run) -> Iterator[int]:
    seen: dict[tuple[str, str], set[str]] = {}
    for step in run.steps:
        said = run.texts(step["n"])
        if "tool" not in step or not said.args:
            continue  # calls without arguments are no evidence of a repeat
        results = seen.setdefault((step["tool"], said.args), set())
        if said.result in results:
            yield step["n"]
        results.add(said.result)
