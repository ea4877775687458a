"""All detectors beside each other, in the order of the tables."""

from collections.abc import Sequence

from clawtrace_otel.processors.tool_effects import ToolEffects
from tests.evidence.detectors import Flagged, ours, paper, redundo
from tests.evidence.traces import Trace

OURS = "ours: what cards count as waste"
CONFIGURED = f"{OURS}, tools configured"
PAPER = "the paper's rule"
REDUNDO = "redundo, its plugin's spans, tools configured: confirmed or unclassified"


def flag_all(traces: Sequence[Trace], known: ToolEffects) -> dict[str, Flagged]:
    """What each flags, by its name.

    Args:
        traces: the runs.
        known: what is known of the tools, for those detectors that can be told.
    """
    return _ours(traces, known) | {PAPER: paper.flag(traces)} | _redundo(traces, known)


def _ours(traces: Sequence[Trace], known: ToolEffects) -> dict[str, Flagged]:
    return {
        OURS: ours.flag(traces, ours.is_waste),
        CONFIGURED: ours.flag(traces, ours.is_waste, known),
        "ours: every `same`": ours.flag(traces, ours.is_same),
        "ours: every `same`, tools configured": ours.flag(traces, ours.is_same, known),
        "ours: waste or `unverified`": ours.flag(traces, ours.is_waste_or_unverified),
    }


def _redundo(traces: Sequence[Trace], known: ToolEffects) -> dict[str, Flagged]:
    plain = redundo.run(traces, redundo.OPENINFERENCE)
    rich = redundo.run(traces, redundo.LOCALTRACE, known)
    exact = rich[redundo.CONFIRMED] | rich[redundo.UNCLASSIFIED]
    return {
        "redundo, OpenInference spans: confirmed": plain[redundo.CONFIRMED],
        "redundo, OpenInference spans: confirmed or unclassified": plain[redundo.CONFIRMED]
        | plain[redundo.UNCLASSIFIED],
        "redundo, its plugin's spans, tools configured: confirmed": rich[redundo.CONFIRMED],
        REDUNDO: exact,
        "redundo, its plugin's spans, tools configured: also near duplicates": exact
        | rich[redundo.NEAR],
    }
