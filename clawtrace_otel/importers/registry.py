"""The formats that are known.

No file is of two of them, but Harbor's trials hold files of others: it is asked first.
"""

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path

from clawtrace_otel.importers.formats.json_lines import read_first_value
from clawtrace_otel.importers.importer import HEAD_BYTES, Head, Importer

MODULES = {
    "harbor": "harbor.importer",
    "tau2": "tau.tau2",
    "tau-bench": "tau.tau_bench",
    "langfuse": "langfuse",
    "claude-code": "claude_code.importer",
    "openclaw": "openclaw.importer",
    "openclaw-telemetry": "openclaw_telemetry.importer",
    "otlp": "otlp_file",
}
"""Name of each format -> the module in ``formats`` whose ``IMPORTER`` it is. A module is imported
when a file is asked for its format: the command line starts without any of them."""


@cache
def importer(name: str) -> Importer:
    """The importer of a format.

    Raises:
        KeyError: there is no such format.
    """
    module = import_module(f"clawtrace_otel.importers.formats.{MODULES[name]}")
    found: Importer = module.IMPORTER
    return found


def recognise(path: Path, names: Iterable[str] = tuple(MODULES)) -> Importer | None:
    """The importer for a file; ``None`` if it is of no known format.

    Args:
        path: of the file.
        names: the formats to ask for.

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
