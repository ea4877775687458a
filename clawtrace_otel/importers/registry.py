"""The formats that are known, in the order in which a file is asked for them."""

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path

from clawtrace_otel.importers.importer import HEAD_BYTES, Head, Importer
from clawtrace_otel.importers.json_lines import read_first_value

MODULES = {
    "tau2": "tau2",
    "tau-bench": "tau_bench",
    "langfuse": "langfuse",
    "claude-code": "claude_code",
    "openclaw": "pi_session",
    "openclaw-telemetry": "openclaw_telemetry",
    "otlp": "otlp_file",
}
"""Name of each format -> the module whose ``IMPORTER`` it is. A module is imported when a file is
asked for its format: the command line starts without any of them."""


@cache
def importer(name: str) -> Importer:
    """The importer of a format.

    Raises:
        KeyError: there is no such format.
    """
    module = import_module(f"clawtrace_otel.importers.{MODULES[name]}")
    found: Importer = module.IMPORTER
    return found


def recognise(path: Path, names: Iterable[str] = tuple(MODULES)) -> Importer | None:
    """The importer for a file; ``None`` if it is of no known format.

    Args:
        path: of the file.
        names: the formats to ask for, in order.

    Raises:
        OSError: the file cannot be read.
    """
    head = read_head(path)
    return next((found for found in map(importer, names) if found.recognises(head)), None)


def read_head(path: Path) -> Head:
    """The beginning of a file.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(HEAD_BYTES)
    return Head(path, data, read_first_value(data))


def suffixes(names: Iterable[str] = tuple(MODULES)) -> frozenset[str]:
    """Those of the files that are looked for in folders."""
    return frozenset[str]().union(*(importer(name).suffixes for name in names))
