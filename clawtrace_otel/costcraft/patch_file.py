"""``patches.yaml``: everything that a distillation found, written and read."""

from functools import cache
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec import Struct

from clawtrace_otel.costcraft.model import PatchFile
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.tracecard.write import write_text
from clawtrace_otel.yaml_io import load_yaml
from clawtrace_otel.yaml_lines import ITEMS, Layout, dump

VERSION_KEY = "costcraft"
VERSION: int = get_args(PatchFile.__annotations__[VERSION_KEY])[0]

_PATCH_LINES: Layout = {"oracle": {}, "steps": {}, "counter_evidence": {}}
_LINES: Layout = {
    "source": {},
    "net": {},
    "rules": {},
    "conflicts": {},
    "problems": {},
    "patches": {ITEMS: _PATCH_LINES},
}
_LEFT_OUT = frozenset({"contrast", "net", "passed"})
"""Keys that are left out where they are ``None``; of all others, unknown is said to be ``null``."""


def write_patches(path: Path, file: PatchFile) -> None:
    """Write patches: readers see the old file or the new one.

    Raises:
        CostCraftError: the file cannot be written.
    """
    try:
        write_text(dump_patches(file), path)
    except OSError as e:
        msg = f"cannot write {path}: {e}"
        raise CostCraftError(msg) from e


def dump_patches(file: PatchFile) -> str:
    """Patches as YAML; equal ones give equal text."""
    return dump(_plain(file), _LINES)


def read_patches(path: Path) -> PatchFile:
    """The patches in a file.

    Raises:
        CostCraftError: the file cannot be read, is of another version, or a value does not fit; the
            message names the file and the path to the key, such as ``$.patches[2].rung``.
    """
    value = load_yaml(path, dict[str, object], CostCraftError)
    _check_version(path, value.get(VERSION_KEY))
    try:
        return msgspec.convert(value, PatchFile, strict=False)
    except msgspec.ValidationError as e:
        msg = f"{path}: {e}"
        raise CostCraftError(msg) from e


def _check_version(path: Path, version: object) -> None:
    if version is None:
        msg = f"{path} has no {VERSION_KEY!r}, the version of its format: it is no file of patches"
        raise CostCraftError(msg)
    if version != VERSION or isinstance(version, bool):
        msg = f"{path}: {VERSION_KEY} is {version!r}; this version of clawtrace reads {VERSION}"
        raise CostCraftError(msg)


def _plain(value: Any) -> Any:
    """Its fields in their order, without those that need not be there and say nothing."""
    if isinstance(value, Struct):
        fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
        needed = _needed(type(value))
        return {
            name: _plain(item)
            for name, item in fields
            if name in needed or not _says_nothing(name, item)
        }
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _needed(kind: type[Struct]) -> frozenset[str]:
    return frozenset(field.name for field in msgspec.structs.fields(kind) if field.required)


def _says_nothing(name: str, value: object) -> bool:
    return value in ("", []) or (value is None and name in _LEFT_OUT)
