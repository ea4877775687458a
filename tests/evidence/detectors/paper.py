"""The rule of the ClawTrace paper, from its description (arXiv 2604.23853).

A call is redundant if the arguments of an earlier call of the same tool in the run are at least 0.8
similar: 1 less the Levenshtein distance over the length of the longer text. Results are not looked
at, nor what lies between, nor who made the call.
"""

from collections import defaultdict
from collections.abc import Iterable

from rapidfuzz.distance.Levenshtein import normalized_similarity as similarity

from tests.evidence.detectors import Flagged
from tests.evidence.traces import Call, Trace

THRESHOLD = 0.8


def flag(traces: Iterable[Trace], threshold: float = THRESHOLD) -> Flagged:
    """The calls that the rule takes for redundant."""
    return frozenset(
        (trace.trace_id, call.span_id)
        for trace in traces
        for call in flagged_calls(trace.calls(), threshold)
    )


def flagged_calls(calls: Iterable[Call], threshold: float = THRESHOLD) -> list[Call]:
    """Those of one run; calls whose arguments were not recorded are passed over."""
    earlier: defaultdict[str, list[str]] = defaultdict(list)
    flagged: list[Call] = []
    for call in calls:
        if call.recorded is None:
            continue
        if any(similarity(call.recorded, text) >= threshold for text in earlier[call.tool]):
            flagged.append(call)
        earlier[call.tool].append(call.recorded)
    return flagged
