"""The next card of a trace, with the revision that it deserves."""

from collections.abc import Iterable

from clawtrace_otel.exporters.card_folder import CardMark, mark
from clawtrace_otel.semconv.step import Evaluation, Step
from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.write import dump_card


def revise(
    compiler: Compiler,
    steps: Iterable[Step],
    evaluations: Iterable[Evaluation],
    last: CardMark,
    *,
    closing: bool,
) -> tuple[str, CardMark] | None:
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
        The card as YAML and its mark, or ``None`` if there is nothing new to write.
    """
    steps, evaluations = list(steps), list(evaluations)
    closed = closing or last.closed

    def text_of(revision: int) -> str:
        card = compiler.compile(steps, evaluations, revision)
        return "" if card is None else dump_card(card)

    text = text_of(last.revision)
    now = mark(text, last.revision, closed=closed)
    if not text or now == last:
        return None
    if not last.closed or now.digest == last.digest:
        return text, now
    text = text_of(last.revision + 1)
    return text, mark(text, last.revision + 1, closed=True)
