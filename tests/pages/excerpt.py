"""What a page shows of a card."""

import re
from collections.abc import Sequence
from pathlib import Path

_LEFT_OUT = re.compile(r"(tracecard|trace_id|started|duration_s|revision|prices): .*\n")


def excerpt(cards: Sequence[Path], shown: int) -> str:
    """The first cards without the lines that tell nothing of the run; `---` between them."""
    texts = [path.read_text(encoding="utf-8") for path in cards[:shown]]
    return "---\n".join(_LEFT_OUT.sub("", text) for text in texts)
