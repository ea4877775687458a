"""Where on the page each patch is: a link to ``report.html#patch-<id>`` gets there."""

import re
from collections.abc import Iterable

from clawtrace_otel.costcraft.model import Patch

_ODD = re.compile(r"[^A-Za-z0-9_.:-]+")


class Anchors:
    """The anchors of patches. Signs that a link would have to escape become hyphens.

    Args:
        patches: all that are on the page, in its order; where two would share an anchor, the
            later ones get numbers.
    """

    def __init__(self, patches: Iterable[Patch]) -> None:
        self._anchors: dict[int, str] = {}
        self._by_id: dict[str, Patch] = {}
        taken: set[str] = set()
        for patch in patches:
            self._by_id.setdefault(patch.id, patch)
            self._anchors[id(patch)] = anchor = _free(f"patch-{_ODD.sub('-', patch.id)}", taken)
            taken.add(anchor)

    def of(self, patch: Patch) -> str:
        """The anchor of one of the patches."""
        return self._anchors[id(patch)]

    def patch(self, patch_id: str) -> Patch | None:
        """The first patch with an id; ``None`` if there is none."""
        return self._by_id.get(patch_id)


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name
