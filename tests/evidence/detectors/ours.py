"""Our own verdicts, as they stand on cards."""

from collections.abc import Callable, Iterable

from clawtrace_otel.processors.redundancy import Repeat
from clawtrace_otel.processors.tool_effects import ToolEffects
from tests.evidence.detectors import Flagged
from tests.evidence.known_tools import NOTHING_KNOWN
from tests.evidence.traces import Trace

Counts = Callable[[Repeat], bool]


def is_waste(repeat: Repeat) -> bool:
    """What cards count as waste: the same call of the same agent, the same answer."""
    return repeat.verdict == "same" and repeat.kind == "equal" and not repeat.other_agent


def is_same(repeat: Repeat) -> bool:
    """Verdict ``same``: nearly equal calls, and those of other agents, are in it."""
    return repeat.verdict == "same"


def is_waste_or_unverified(repeat: Repeat) -> bool:
    """Also where something of which nothing is known lies between, or a result is unknown."""
    return is_waste(repeat) or (
        repeat.verdict == "unverified" and repeat.kind == "equal" and not repeat.other_agent
    )


def flag(traces: Iterable[Trace], counts: Counts, known: ToolEffects = NOTHING_KNOWN) -> Flagged:
    """The calls whose finding counts.

    Args:
        traces: the runs.
        counts: which findings do.
        known: what is known of the tools.
    """
    return frozenset(
        (trace.trace_id, item.step.span_id)
        for trace in traces
        for item in trace.items(known)
        if item.step.kind == "tool" and isinstance(item.finding, Repeat) and counts(item.finding)
    )
