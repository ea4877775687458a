"""Whether a call may have done something, though its answer was the same as before."""

from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.semconv.words import telling_words

MIN_WORDS = 3
"""A tool of which nothing is known and that answers in fewer telling words may have acted: a
pressed key answers ``ok`` each time."""

MIN_TOKENS = 24
"""Of a result, where its words are not known."""


def may_act(run: Run, n: int) -> bool:
    """Whether a tool call may have done something: it is not known to read, and says too little.

    Of calls that write and were made again, none with an equal result did anything in the worlds
    that were tried (E3 in ``docs/evidence.md``); those answer in sentences.
    """
    if n in run.reading:
        return False
    if result := run.texts(n).result:
        return len(telling_words(result)) < MIN_WORDS
    return run.by_number[n].get("result_tokens", 0) < MIN_TOKENS
