"""The table of the folder's tools in docs/replay.md; run as a module it is written again."""

import re
from itertools import groupby
from pathlib import Path

from clawtrace_otel.costcraft.replay.folder.tools import ALIASES, TOOLS, Tool

PAGE = Path(__file__).parents[3] / "docs" / "replay.md"

_TABLE = re.compile(r"<!-- tools -->\n.*<!-- /tools -->", re.DOTALL)
_ALIASES = re.compile(r"^Arguments may have other names: .*$", re.MULTILINE)


def page() -> str:
    """The page as it should be."""
    text = _TABLE.sub(lambda _: _table(), PAGE.read_text(encoding="utf-8"))
    return _ALIASES.sub(lambda _: f"Arguments may have other names: {_aliases()}.", text)


def _table() -> str:
    rows = ["| tool | arguments | does | compared |", "|---|---|---|---|"]
    rows += [_row(name, tool) for name, tool in TOOLS.items()]
    return "\n".join(["<!-- tools -->", *rows, "<!-- /tools -->"])


def _row(name: str, tool: Tool) -> str:
    fields = tool.arguments.__struct_fields__
    required = len(fields) - len(tool.arguments.__struct_defaults__)
    told = [f"`{field}`" if n < required else f"`{field}`?" for n, field in enumerate(fields)]
    does = (tool.arguments.__doc__ or "").strip().rstrip(".")
    return f"| `{name}` | {', '.join(told)} | {does} | `{tool.compared}` |"


def _aliases() -> str:
    ordered = sorted(ALIASES.items(), key=lambda item: item[1])
    groups = groupby(ordered, key=lambda item: item[1])
    return "; ".join(
        f"`{name}` {', '.join(f'`{other}`' for other, _ in others)}" for name, others in groups
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
