"""E1, detector truth: how often what is called a repeat is one, and how many are found."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tests.evidence.detectors import Flagged
from tests.evidence.detectors.all import CONFIGURED, OURS, PAPER, REDUNDO, flag_all
from tests.evidence.generated import KNOWN, Generated, generated
from tests.evidence.generated_scenes import SHARES
from tests.evidence.known_tools import RECORDED
from tests.evidence.pairs.draw import Pair, all_pairs, drawn, recorded, weights
from tests.evidence.pairs.labels import Label, labels
from tests.evidence.scores import Case, precision, recall, table

_SHOWN = {OURS: "ours", CONFIGURED: "ours, configured", PAPER: "paper", REDUNDO: "redundo"}
"""The detectors that are shown in detail."""

Stood = tuple[Pair, Label, float]
"""A drawn pair, what was said of it, and how many pairs it stands for."""


def tables() -> str:
    """All tables of E1, in Markdown."""
    truth = generated()
    of_truth = flag_all(truth.traces, KNOWN)
    read = _read_pairs()
    of_pairs = flag_all(recorded(), RECORDED)
    return "\n".join(
        (
            f"**(a)** {_about_generated(truth)}\n",
            _of_generated(truth, of_truth),
            "Flagged calls by scene:\n",
            _by_scene(truth, of_truth),
            f"**(b)** {_about_pairs(read)}\n",
            _of_pairs(read, of_pairs),
            "The drawn pairs by what is alike, and how many of each are flagged:\n",
            _by_band(read, of_pairs),
            "The same by where they were recorded:\n",
            _by_source(read, of_pairs),
            "By weight, had the close calls been decided the other way, and without the source "
            f"that most redundant calls are from, `{_most(read)}`:\n",
            _otherwise(read, of_pairs),
        )
    )


def _about_generated(truth: Generated) -> str:
    redundant = sum(known.redundant for known in truth.truths.values())
    calls = f"{len(truth.truths):,} calls in {len(truth.traces)} generated runs"
    return f"{calls}; {redundant:,} of them redundant."


def _of_generated(truth: Generated, detectors: Mapping[str, Flagged]) -> str:
    rows = []
    for name, flagged in detectors.items():
        cases = [Case(known.redundant, key in flagged) for key, known in truth.truths.items()]
        found, got = precision(cases), recall(cases)
        rows.append((name, f"{found.of:,}", f"{found.good:,}", found, got))
    return table(("detector", "flagged", "redundant", "precision", "recall"), rows)


def _by_scene(truth: Generated, detectors: Mapping[str, Flagged]) -> str:
    rows = []
    for scene in (*SHARES, "meanwhile"):
        keys = {key for key, known in truth.truths.items() if known.case == scene}
        redundant = sum(truth.truths[key].redundant for key in keys)
        share = SHARES.get(scene, "-")
        flagged = [f"{len(keys & detectors[name]):,}" for name in _SHOWN]
        rows.append((scene, share, f"{len(keys):,}", f"{redundant:,}", *flagged))
    return table(("scene", "% of scenes", "calls", "redundant", *_SHOWN.values()), rows)


def _read_pairs() -> list[Stood]:
    """The drawn pairs of which something can be told."""
    said, pairs = labels(), drawn()
    stands_for = zip(pairs, weights(pairs, all_pairs()), strict=True)
    return [(pair, said[pair.key], weight) for pair, weight in stands_for]


def _about_pairs(read: Sequence[Stood]) -> str:
    whole, close = len(all_pairs()), sum(label.close for _, label, _ in read)
    redundant = [weight for _, label, weight in read if label.redundant]
    untold = sum(label.said == "cannot tell" for _, label, _ in read)
    return (
        f"{len(read)} pairs read, of {whole:,}; {len(redundant)} redundant, which stand for "
        f"{sum(redundant):.0f}; {untold} left out because nothing can be told; {close} close calls."
    )


def _cases(read: Iterable[Stood], flagged: Flagged, *, weighted: bool = True) -> Iterator[Case]:
    for pair, label, weight in read:
        if label.said != "cannot tell":
            key = (pair.trace.trace_id, pair.second.span_id)
            yield Case(label.redundant, key in flagged, weight if weighted else 1.0)


def _of_pairs(read: Sequence[Stood], detectors: Mapping[str, Flagged]) -> str:
    rows = []
    for name, flagged in detectors.items():
        plain, weighted = (
            list(_cases(read, flagged, weighted=by_weight)) for by_weight in (False, True)
        )
        found, got = precision(plain), recall(plain)
        counts = f"{found.good} of {found.of}", f"{got.good} of {got.of}"
        shares = found, precision(weighted), got, recall(weighted)
        rows.append((name, counts[0], *shares[:2], counts[1], *shares[2:]))
    head = ("flagged redundant", "precision", "by weight", "redundant flagged", "recall")
    return table(("detector", *head, "by weight"), rows)


def _by_source(read: Sequence[Stood], detectors: Mapping[str, Flagged]) -> str:
    rows = []
    for source in sorted({pair.stratum.source for pair in all_pairs()}):
        whole = sum(pair.stratum.source == source for pair in all_pairs())
        told = [stood for stood in read if stood[0].stratum.source == source]
        worth = sum(weight for _, label, weight in told if label.redundant)
        rows.append((f"`{source}`", whole, *_counts(told, detectors), f"{worth:.0f}"))
    head = ("source", "pairs", "drawn", "redundant", *_SHOWN.values())
    return table((*head, "redundant ones stand for"), rows)


def _by_band(read: Sequence[Stood], detectors: Mapping[str, Flagged]) -> str:
    rows: list[tuple[object, ...]] = []
    for band in ("equal", "0.9", "0.8", "0.6"):
        for equal in (True, False):
            for disturbed in (False, True):
                rows += _band_row(read, detectors, (band, equal, disturbed))
    head = ("arguments", "result", "in between", "pairs", "drawn", "redundant")
    return table((*head, *_SHOWN.values()), rows)


def _band_row(
    read: Sequence[Stood], detectors: Mapping[str, Flagged], alike: tuple[str, bool, bool]
) -> Iterator[tuple[object, ...]]:
    def is_alike(pair: Pair) -> bool:
        return tuple(pair.stratum[1:]) == alike

    told = [stood for stood in read if is_alike(stood[0])]
    if not told:
        return
    band, equal, disturbed = alike
    yield (
        band if band == "equal" else f"{band} or more",
        "equal" if equal else "another",
        "may have changed" if disturbed else "only reads",
        sum(map(is_alike, all_pairs())),
        *_counts(told, detectors),
    )


def _counts(told: Sequence[Stood], detectors: Mapping[str, Flagged]) -> Iterator[int]:
    """How many were drawn, were redundant, and are flagged by each detector that is shown."""
    yield len(told)
    yield sum(label.redundant for _, label, _ in told)
    for name in _SHOWN:
        yield sum(case.flagged for case in _cases(told, detectors[name]))


def _otherwise(read: Sequence[Stood], detectors: Mapping[str, Flagged]) -> str:
    turned = [(pair, _turned(label) if label.close else label, w) for pair, label, w in read]
    without = [stood for stood in read if stood[0].stratum.source != _most(read)]
    rows = []
    for name in _SHOWN:
        both = [list(_cases(told, detectors[name])) for told in (turned, without)]
        rows.append((name, *(share(cases) for cases in both for share in (precision, recall))))
    head = ("precision, turned", "recall, turned", "precision, without", "recall, without")
    return table(("detector", *head), rows)


def _most(read: Sequence[Stood]) -> str:
    """The source that most redundant calls are from, by weight."""
    worth: Counter[str] = Counter()
    for pair, label, weight in read:
        worth[pair.stratum.source] += round(weight * label.redundant)
    return worth.most_common(1)[0][0]


def _turned(label: Label) -> Label:
    return Label("not redundant" if label.redundant else "redundant", label.close, label.reason)
