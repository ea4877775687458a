"""The recorded runs as CostCraft reads them, file by file.

Each file is read twice: with nothing known of its tools, as users start, and with the tools
configured that only read.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from clawtrace_otel.costcraft.read_runs import read_runs
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.settings import Settings
from tests.corpora.folder import CORPORA
from tests.evidence.known_tools import READ_ONLY

Known = Literal["nothing known", "tools configured"]
"""What is known of the tools: see :data:`tests.evidence.known_tools.READ_ONLY`."""

KNOWN: tuple[Known, ...] = get_args(Known)

Domain = Literal["airline", "telecom"]

DOMAINS: tuple[Domain, ...] = get_args(Domain)

TAU_BENCH = CORPORA / "tau-bench-gpt-4o-airline" / "gpt-4o-airline.json"


@cache
def files_of(domain: Domain) -> tuple[Path, ...]:
    """The simulations of tau2 in a domain."""
    return tuple(sorted((CORPORA / "tau2").glob(f"*_{domain}_*.json")))


@cache
def runs_of(path: Path, known: Known = "nothing known") -> tuple[Run, ...]:
    """The runs of a file or a folder, in the order of their trace ids.

    Raises:
        ValueError: something in it cannot be used.
    """
    found = read_runs((), (path,), _SETTINGS[known])
    if problems := [text for text in found.problems if "of no known format" not in text]:
        msg = "; ".join(problems[:3])
        raise ValueError(msg)
    return tuple(found.runs)


def runs_in(domain: Domain, known: Known = "nothing known") -> list[Run]:
    """The runs of all files of a domain."""
    return [run for path in files_of(domain) for run in runs_of(path, known)]


def tasks_of(runs: Iterable[Run]) -> list[str]:
    """Their tasks, sorted."""
    return sorted({run.task for run in runs})


def short(path: Path) -> str:
    """A file's name in a table."""
    return f"`{path.stem.partition('_with_')[0]}`"


def by_task(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Task -> its runs."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.task, []).append(run)
    return found


_SETTINGS = {KNOWN[0]: Settings(), KNOWN[1]: Settings(read_only_tools=READ_ONLY)}
