"""The next card of a trace, with the revision that it deserves."""

from collections.abc import Iterable
from typing import NamedTuple

from clawtrace_otel.exporters.card_folder import CardMark, mark
from clawtrace_otel.semconv.step import Evaluation, Step
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.write import dump_card


class Revised(NamedTuple):
    """A card that is to be written.

    Attributes:
        text: the card as YAML.
    """

    card: Card
    text: str
    mark: CardMark


def revise(
    compiler: Compiler,
    steps: Iterable[Step],
    evaluations: Iterable[Evaluation],
    last: CardMark,
    *,
    closing: bool,
) -> Revised | None:
    """Compile a trace again.

    A card that changes after its trace was closed gets the next revision. A card of a trace that
    still runs is always the first.

    Args:
        compiler: compiles.
        steps: all of the trace.
        evaluations: from log records.
        last: the mark of the last card that was written.
        closing: the trace is closed with this card.

    Returns:
        The card, or ``None`` if there is nothing new to write.
    """
    steps, evaluations = list(steps), list(evaluations)
    closed = closing or last.closed

    def of(revision: int) -> Revised | None:
        card = compiler.compile(steps, evaluations, revision)
        if card is None:
            return None
        text = dump_card(card)
        return Revised(card, text, mark(text, revision, closed=closed))

    same = of(last.revision)
    if same is None or same.mark == last:
        return None
    if not last.closed or same.mark.digest == last.digest:
        return same
    return of(last.revision + 1)
