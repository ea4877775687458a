"""Cards of recorded runs, written with the revision that they deserve."""

import re
from collections.abc import Callable, Mapping

from clawtrace_otel.errors import ConfigError
from clawtrace_otel.exporters.card_folder import CardFolder, CardMark, mark
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.write import dump_card

_REVISION = re.compile(r"^revision: (\d{1,9})$", re.MULTILINE)

NO_CARD = CardMark()


class CardKeeper:
    """Writes cards into a folder. A file whose card would be the same is left as it is.

    Args:
        folder: takes the cards.
        known: marks that count instead of what is in the folder, by trace id.

    Attributes:
        before: what stood in the folder before each card, by trace id.
    """

    def __init__(self, folder: CardFolder, known: Mapping[str, CardMark] | None = None) -> None:
        self._folder = folder
        self._known = known or {}
        self.before: dict[str, CardMark] = {}

    def keep(self, compiled: Callable[[int], Card | None]) -> Card | None:
        """Compile a card and write it. If there is another card of the trace, it is the next.

        Raises:
            ConfigError: the folder cannot be written to.
        """
        card = compiled(1)
        if card is None:
            return None
        trace_id = card["trace_id"]
        try:
            found = self._folder.text(trace_id)
            last = self._known.get(trace_id, _mark_of(found))
            self.before[trace_id] = last
            text = _next_text(compiled, card, last)
            if text != found:
                self._folder.write(trace_id, text)
        except OSError as e:
            msg = f"cards cannot be written to {self._folder.where}: {e}"
            raise ConfigError(msg) from e
        return card


def _mark_of(text: str) -> CardMark:
    found = _REVISION.search(text)
    return mark(text, int(found[1]), closed=True) if found else NO_CARD


def _next_text(compiled: Callable[[int], Card | None], first: Card, last: CardMark) -> str:
    """The text of the card with the revision of the last one, or with the next if it changed."""

    def text_of(revision: int) -> str:
        card = compiled(revision) if revision > 1 else first
        return "" if card is None else dump_card(card)

    text = text_of(last.revision)
    if not last.digest or mark(text, last.revision, closed=True) == last:
        return text
    return text_of(last.revision + 1)
