"""The skills that ``clawtrace costcraft distill --ablations`` wrote, as conditions of a bench."""

from collections.abc import Callable, Sequence
from pathlib import Path

from clawtrace_otel.costcraft.bench.conditions import SKILL_FILE
from clawtrace_otel.costcraft.gates.context import Options
from clawtrace_otel.errors import CostCraftError

FULL = "full"
"""The condition with nothing switched off."""

ABLATIONS = tuple(flag.replace("_", "-") for flag in Options.FLAGS)
"""Folders of the skills with something switched off, as the flags of ``distill`` are spelled."""


def ablated_skills(folder: Path, tell: Callable[[str], None]) -> Sequence[str]:
    """``NAME=PATH`` of each skill; of those that are equal the first.

    Args:
        folder: that ``distill`` wrote to.
        tell: is told which are equal.

    Raises:
        CostCraftError: a skill is not there.
    """
    places = {FULL: folder, **{name: folder / name for name in ABLATIONS}}
    seen: dict[bytes, str] = {}
    for name, place in places.items():
        try:
            content = (place / SKILL_FILE).read_bytes()
        except OSError as e:
            msg = f"cannot read {place / SKILL_FILE}: {e}; `distill --ablations` writes it"
            raise CostCraftError(msg) from e
        if content in seen:
            tell(f"the skill {name} is the same as {seen[content]}, which stands for both")
        seen.setdefault(content, name)
    return [f"{name}={places[name] / SKILL_FILE}" for name in seen.values()]
