"""The environments that are known."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from clawtrace_otel.costcraft.replay.batch import MakeEnvironment
from clawtrace_otel.costcraft.replay.interface import Environment
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.importers.registry import importer, read_head

NAMES = ("folder", "tau2")


def found_for(runs: Iterable[Run]) -> str:
    """The environment that runs are of, as their files tell; empty if none is known."""
    files = {run.where for run in runs if run.is_recorded}
    return "tau2" if files and all(map(_is_of_tau2, files)) else ""


def _is_of_tau2(where: str) -> bool:
    return importer("tau2").recognises(read_head(Path(where)))


def maker(name: str, start: str = "") -> MakeEnvironment:
    """What makes an environment, in this process or another.

    Args:
        name: one of ``NAMES``.
        start: of ``folder``: where the runs began.
    """
    return partial(_MAKERS[name], start)


def _tau2(start: str) -> Environment:
    del start
    from clawtrace_otel.costcraft.replay.tau2.environment import Tau2

    return Tau2()


def _folder(start: str) -> Environment:
    from clawtrace_otel.costcraft.replay.folder.environment import Folder

    return Folder(start)


_MAKERS: Mapping[str, Callable[[str], Environment]] = {"folder": _folder, "tau2": _tau2}
