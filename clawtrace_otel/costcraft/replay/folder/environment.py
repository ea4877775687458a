"""Plays runs whose tools work on a folder."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import cast

from clawtrace_otel import __version__
from clawtrace_otel.costcraft.replay.folder.sandbox import sandbox
from clawtrace_otel.costcraft.replay.folder.tools import TOOLS
from clawtrace_otel.costcraft.replay.interface import Answer, Episode, Played, RecordedCall
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.importers.importer import Problem
from clawtrace_otel.semconv.canonical import loads
from clawtrace_otel.tracecard.model import StepLine


class Folder:
    """See :class:`clawtrace_otel.costcraft.replay.interface.Environment`.

    It has no oracle: whoever looks at the files alone says of equal files the same.

    Args:
        start: the folder that the runs began with; ``{task}`` and ``{trace}`` stand for theirs.

    Raises:
        CostCraftError: there is none.
    """

    name = "folder"

    def __init__(self, start: str) -> None:
        if not start:
            msg = "say which folder the runs began with: --start FOLDER"
            raise CostCraftError(msg)
        self._start = start

    def version(self) -> str:
        """See the interface."""
        return f"folder of clawtrace-otel {__version__}, openpyxl {version('openpyxl')}"

    def episodes(self, runs: Sequence[Run]) -> Iterator[Episode | Problem]:
        """See the interface."""
        for run in runs:
            try:
                yield self._episode(run)
            except CostCraftError as e:
                yield Problem(Path(run.where), 0, f"trace {run.trace_id}: {e}")

    def play(self, episode: Episode, without: Collection[int] = ()) -> Played:
        """See the interface."""
        with sandbox(Path(str(episode.start["folder"]))) as box:
            answers = tuple(
                None if call.n in without else TOOLS[call.tool].call(box, call.arguments)
                for call in episode.calls
            )
            return Played(answers, box.state())

    def agrees(self, call: RecordedCall, answer: Answer) -> bool:
        """See the interface."""
        return TOOLS[call.tool].agrees(call.answer, answer)

    def _episode(self, run: Run) -> Episode:
        if not run.is_recorded:
            msg = "only its card is there"
            raise CostCraftError(msg)
        calls = tuple(_call(run, step) for step in run.steps if "tool" in step)
        folder = Path(_filled(self._start, {"task": run.task, "trace": run.trace_id}))
        if not folder.is_dir():
            msg = f"there is no folder {folder}"
            raise CostCraftError(msg)
        return Episode(run.trace_id, self.name, run.task, calls, {"folder": str(folder)})


def _call(run: Run, step: StepLine) -> RecordedCall:
    n, tool = step["n"], step["tool"]
    if tool not in TOOLS:
        msg = f"step {n} calls {tool!r}, which is none of {', '.join(TOOLS)}"
        raise CostCraftError(msg)
    said = run.texts(n)
    arguments = loads(said.args) if said.args else {}
    if not isinstance(arguments, dict):
        msg = f"the arguments of step {n} are no object"
        raise CostCraftError(msg)
    failed = "error" in step
    answer = Answer(said.result or (step["error"] if failed else ""), failed)
    return RecordedCall(n, tool, cast("Mapping[str, object]", arguments), answer)


def _filled(start: str, names: Mapping[str, str]) -> str:
    """The folder of a run; what a run says its task is must not lead elsewhere."""
    for key, value in names.items():
        if f"{{{key}}}" not in start:
            continue
        if value in {"", ".", ".."} or any(character in value for character in "/\\\0"):
            msg = f"{value!r} cannot stand for {{{key}}} in {start}"
            raise CostCraftError(msg)
        start = start.replace(f"{{{key}}}", value)
    return start
