"""The next card of a trace, with the revision that it deserves."""

from collections.abc import Iterable

from clawtrace_otel.exporters.card_folder import CardMark, mark
from clawtrace_otel.semconv.step import Evaluation, Step
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.model import Card


def revise(
    compiler: Compiler,
    steps: Iterable[Step],
    evaluations: Iterable[Evaluation],
    last: CardMark,
    *,
    closing: bool,
) -> tuple[Card, CardMark] | None:
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
        The card and its mark, or ``None`` if there is nothing new to write.
    """
    steps, evaluations = list(steps), list(evaluations)
    card = compiler.compile(steps, evaluations, last.revision)
    if card is None:
        return None
    closed = closing or last.closed
    now = mark(card, closed=closed)
    if now.digest == last.digest:
        return None if closed == last.closed else (card, now)
    if not last.closed:
        return card, now
    revised = compiler.compile(steps, evaluations, last.revision + 1)
    return (revised, mark(revised, closed=closed)) if revised else None
