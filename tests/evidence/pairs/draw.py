"""Pairs of calls of the recorded runs, by stratum, and the drawing of some of them.

Every tool call with arguments of its own, or with empty ones, is paired with that earlier call of
the same tool in its run whose arguments are the most similar, the latest of equally similar ones.
Pairs below a similarity of 0.6 are left out: none of the rules would call them repeats.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, sqrt
from typing import Literal, NamedTuple

from rapidfuzz.distance import Levenshtein

from clawtrace_otel.tracecard.items import Item
from tests.corpora.folder import CORPORA
from tests.evidence.known_tools import RECORDED
from tests.evidence.traces import Call, Trace, of_folder

Band = Literal["equal", "0.9", "0.8", "0.6"]

SEED = 6
"""Of the drawing; another seed draws pairs that nobody has read."""

_EQUAL, _OTHERS = (1.2, 4), (0.35, 2)
"""How many are drawn of a stratum: times the square root of its size, and at least so many.

Most repeats are among the calls with equal arguments: of these more are drawn."""

_BANDS: Mapping[Band, float] = {"equal": 1.0, "0.9": 0.9, "0.8": 0.8, "0.6": 0.6}
"""Names of the bands and their lower ends."""


class Key(NamedTuple):
    """Which pair is meant, without anything of what is in it.

    Attributes:
        file: below the folder of recorded runs.
        first, second: step numbers.
    """

    file: str
    trace_id: str
    first: int
    second: int


class Stratum(NamedTuple):
    """What pairs have in common.

    Attributes:
        source: the file, or the folder of files that are alike.
        equal_result: their results are equal.
        disturbed: a call in between is not known to only read, or a user acted.
    """

    source: str
    band: Band
    equal_result: bool
    disturbed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A call and the earlier one that is most like it."""

    trace: Trace
    first: Call
    second: Call
    similarity: float
    stratum: Stratum

    @property
    def key(self) -> Key:
        """Which pair it is."""
        file = self.trace.file.as_posix()
        return Key(file, self.trace.trace_id, self.first.n, self.second.n)


@cache
def recorded() -> tuple[Trace, ...]:
    """All recorded runs."""
    return tuple(of_folder(CORPORA))


@cache
def all_pairs() -> tuple[Pair, ...]:
    """Every pair of the recorded runs."""
    return tuple(pair for trace in recorded() for pair in pairs_of(trace))


@cache
def drawn() -> tuple[Pair, ...]:
    """The pairs that were read."""
    return tuple(draw(all_pairs()))


def draw(pairs: Iterable[Pair], seed: int = SEED) -> Iterator[Pair]:
    """Draw from each stratum, without replacement, in an order that depends on nothing else."""
    strata: defaultdict[Stratum, list[Pair]] = defaultdict(list)
    for pair in pairs:
        strata[pair.stratum].append(pair)
    for stratum in sorted(strata):
        found = sorted(strata[stratum], key=lambda pair: pair.key)
        chosen = random.Random(f"{seed} {stratum}").sample(found, quota(stratum, len(found)))
        yield from sorted(chosen, key=lambda pair: pair.key)


def quota(stratum: Stratum, size: int) -> int:
    """How many are drawn of a stratum of that size."""
    roots, least = _EQUAL if stratum.band == "equal" else _OTHERS
    return min(size, max(least, ceil(roots * sqrt(size))))


def weights(pairs: Sequence[Pair], population: Iterable[Pair]) -> list[float]:
    """How many pairs of the population each of the drawn ones stands for."""
    sizes = Counter(pair.stratum for pair in population)
    taken = Counter(pair.stratum for pair in pairs)
    return [sizes[pair.stratum] / taken[pair.stratum] for pair in pairs]


def pairs_of(trace: Trace) -> Iterator[Pair]:
    """The pairs of one run."""
    earlier: defaultdict[str, list[Call]] = defaultdict(list)
    disturbing = _disturbing(trace)
    for call in trace.calls():
        if call.recorded is None:
            continue
        if found := _most_similar(call, earlier[call.tool]):
            first, similarity = found
            between = any(first.n < n < call.n for n in disturbing)
            band = next((name for name, low in _BANDS.items() if similarity >= low), None)
            if band is not None:
                stratum = Stratum(_source(trace), band, first.result == call.result, between)
                yield Pair(trace, first, call, similarity, stratum)
        earlier[call.tool].append(call)


def _most_similar(call: Call, earlier: Sequence[Call]) -> tuple[Call, float] | None:
    scored = [
        (Levenshtein.normalized_similarity(other.arguments, call.arguments), other.n, other)
        for other in earlier
    ]
    if not scored:
        return None
    similarity, _, other = max(scored)
    return other, similarity


def _source(trace: Trace) -> str:
    """Files of tau2 are large and unlike one another; small ones are taken together."""
    folder, _, name = trace.file.as_posix().partition("/")
    if folder in _SMALL:
        return "others"
    return name.removesuffix(".json") if folder == "tau2" else folder


_SMALL = frozenset(
    {"langfuse-framework-traces", "openclaw-telemetry", "otlp-agent-prism", "otlp-agentpile"}
)


def _disturbing(trace: Trace) -> list[float]:
    """Step numbers of calls that may change something; a user acts between two steps."""
    items = [item for item in trace.items() if item.n]
    calls = [
        i for i in items if i.step.kind == "tool" and RECORDED.changes_state(i.step) is not False
    ]
    changes = [s for s in trace.steps if s.kind == "span" and s.read_only is False]
    return [float(i.n) for i in calls] + [_place(s.start_ns, items) for s in changes]


def _place(start_ns: int, items: Sequence[Item]) -> float:
    return max((i.n for i in items if i.step.start_ns < start_ns), default=0) + 0.5
