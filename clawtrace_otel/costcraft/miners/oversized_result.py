"""Large results that are carried for long, and of which little is used.

A result is large if it has at least ``MIN_TOKENS`` tokens, and carried for long if that took at
least ``MIN_SHARE`` of what the run cost. How much of it was used is told by its words: those that
came up nowhere before it and come up in nothing later were not used; words that were there before
count as used. This is a ``proxy``: a word stands for its part of the tokens, and what is read
around a word may be needed to find it. So nothing is certain of the saving; at most it is the share
of the carry that the unused words have.

Only calls are looked at that left out an argument by which other calls of the same tool asked for
less: where there is no such argument there is no rule that anybody could follow. The steps would be
made all the same; none is left out.
"""

from collections.abc import Iterator, Sequence

from clawtrace_otel.costcraft.miners.arguments import read_arguments
from clawtrace_otel.costcraft.miners.miner import PruneMiner
from clawtrace_otel.costcraft.miners.occurrence import Occurrence, Verdict
from clawtrace_otel.costcraft.miners.words import mentions_of
from clawtrace_otel.costcraft.model import Pattern
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.wording import listed
from clawtrace_otel.tracecard.model import StepLine

NAME = "oversized_result"

MIN_TOKENS = 1_000
MIN_SHARE = 0.01
MIN_WORDS = 20
"""New words, below which their share says little."""

UNUSED = 0.8
"""Share of all words from which on hardly anything was used."""

USED = 0.5
"""Share of the new words from which on asking for less would have left out what was needed."""

LIMITS = frozenset(
    (
        *("columns", "count", "end", "end_line", "fields", "filter", "glob", "head_limit", "limit"),
        *("line_end", "line_start", "lines", "max_count", "max_lines", "max_results", "n"),
        *("offset", "page", "page_size", "per_page", "range", "start", "start_line", "top"),
        *("top_k", "view_range"),
    )
)
"""Arguments by which tools are commonly told to return less."""


def find(run: Run) -> Iterator[Occurrence]:
    """Every large result that was carried for long and could have been asked to be shorter."""
    for step in run.steps:
        if not _is_large(run, step) or "repeat" in step or not (limits := _limits(run, step)):
            continue
        verdict, check, unused = _judge(run, step["n"])
        pattern = Pattern(miner=NAME, tool=step["tool"], detail=limits)
        yield Occurrence(pattern, run, (step["n"],), verdict, check, share=unused)


def _is_large(run: Run, step: StepLine) -> bool:
    if "tool" not in step or "error" in step or not run.cost:
        return False
    carry = step.get("carry_usd", 0.0)
    return step.get("result_tokens", 0) >= MIN_TOKENS and carry >= MIN_SHARE * run.cost


def _judge(run: Run, n: int) -> tuple[Verdict, str, float]:
    """What is known of asking for less, and the share that was not used."""
    mentions = mentions_of(run) if run.is_recorded else None
    brought = mentions.brought(n) if mentions else frozenset[str]()
    if mentions is None or len(brought) < MIN_WORDS:
        return "unknown", "how much of the result was used is not known", 1.0
    words, used = mentions.words(n), mentions.used_later(n)
    unused = (len(brought) - len(used)) / len(words)
    check = f"{unused:.0%} of its {len(words):,} words come up nowhere before it and nowhere later"
    if len(used) >= USED * len(brought):
        return "harmful", check, unused
    return ("harmless" if unused >= UNUSED else "unknown"), check, unused


def _limits(run: Run, step: StepLine) -> str:
    """The arguments by which other calls of the tool asked for less, and this one did not."""
    keys: set[str] = set()
    for other in run.steps:
        if other.get("tool") == step["tool"]:
            keys |= _keys(run, other)
    return ",".join(sorted((keys & LIMITS) - _keys(run, step)))


def _keys(run: Run, step: StepLine) -> set[str]:
    arguments = read_arguments(run.args(step["n"]))
    return set(arguments.forms) if arguments else set()


def wording(patterns: Sequence[Pattern]) -> str:
    """One rule for all the tools; they have the same arguments that limit."""
    tools = listed([f"`{pattern.tool}`" for pattern in patterns])
    limits = listed([f"`{key}`" for key in patterns[0].detail.split(",")], "or")
    return f"Ask {tools} for no more than you need: pass {limits}."


MINER = PruneMiner(
    name=NAME,
    section="Cost control",
    find=find,
    wording=wording,
    counterfactual=(
        "Nothing that was said or called later has a word of the part that would not have been "
        "read; that the rest would have been found without it is not shown."
    ),
)
