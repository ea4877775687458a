"""E3, executed deletion: recorded runs again without the steps that miners name."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from clawtrace_otel.costcraft.gates.context import StepName
from clawtrace_otel.costcraft.model import Patch
from clawtrace_otel.costcraft.run import Run
from tests.evidence.deletions import Executed, Kind, controls, executed, kinds
from tests.evidence.distilled import prunes
from tests.evidence.doubled import doubled
from tests.evidence.recorded_runs import (
    DOMAINS,
    KNOWN,
    Domain,
    Known,
    files_of,
    runs_in,
    runs_of,
    short,
)
from tests.evidence.scores import Share, table
from tests.evidence.shares import share_of
from tests.evidence.unused import Label, labels

PARTS = {
    "final": "the final state",
    "result": "the result of another call",
    "verdict": "the oracle's verdict",
}
"""What a deletion can change."""


def tables() -> str:
    """All tables of E3, in Markdown."""
    return "\n".join(
        (
            _about(),
            "Each step alone, by the miner that names it first and its verdict:\n",
            _by_kind(),
            "The controls made twice in a row: did those do anything whose result was equal?\n",
            _doubled(),
            "Steps of accepted prunes, distilled by file and by domain:\n",
            _accepted(),
            "Results that `unused_result` calls unused, read by hand:\n",
            _read(),
            "What changed without a step that a miner names:\n",
            _changes(),
            "What changed without a control:\n",
            _control_changes(),
        )
    )


def _about() -> str:
    lines = []
    for domain in DOMAINS:
        done = executed(domain)
        played = share_of(run.reproduced for run in done.runs.values())
        whole = share_of(deletion.unchanged for deletion in done.together)
        lines.append(
            f"* {domain}: {len(done.changed):,} deletions of one step. Played whole, {played.good} "
            f"of {played.of} runs reproduced every result and the verdict. Without all harmless "
            f"steps at once {whole.good} of {whole.of} runs were unchanged.\n"
        )
    return "".join(lines)


def _by_kind() -> str:
    rows = [row for domain in DOMAINS for row in _kind_rows(domain)]
    return table(
        ("domain", "tools", "step", "verdict", "runs", "deleted", "unchanged", "share"), rows
    )


def _kind_rows(domain: Domain) -> Iterator[tuple[object, ...]]:
    done = executed(domain)
    for known in KNOWN:
        yield from _rows(domain, known, kinds(runs_in(domain, known)), done)
    yield from _rows(domain, "-", controls(domain), done)


def _rows(
    domain: Domain, known: str, named: Mapping[StepName, Kind], done: Executed
) -> Iterator[tuple[object, ...]]:
    for kind in sorted(set(named.values())):
        names = [name for name, of in named.items() if of == kind and name in done.changed]
        share = unchanged(done, names)
        if share.of:
            runs = len({trace_id for trace_id, _ in names})
            yield domain, known, *kind, runs, share.of, share.good, share


def unchanged(done: Executed, names: Iterable[StepName]) -> Share:
    """How many of the steps that were deleted changed nothing."""
    return share_of(not done.changed[name] for name in names if name in done.changed)


def _doubled() -> str:
    rows = []
    for domain in DOMAINS:
        for does in ("reads", "writes"):
            made = [call for call in doubled(domain) if call.kind[1] == does]
            equal = [call for call in made if call.equal]
            acted = share_of(call.acted for call in equal)
            others = sum(call.acted for call in made if not call.equal)
            rows.append((domain, does, len(made), len(equal), acted.good, acted, others))
    head = ("domain", "control", "made twice", "equal result", "of them acted", "share")
    return table((*head, "of the others acted"), rows)


def _accepted() -> str:
    rows = [row for domain in DOMAINS for known in KNOWN for row in _accepted_rows(domain, known)]
    return table(("runs of", "tools", "accepted prune", "steps", "deleted", "unchanged"), rows)


def _accepted_rows(domain: Domain, known: Known) -> Iterator[tuple[object, ...]]:
    sources = {short(path): runs_of(path, known) for path in files_of(domain)}
    for name, runs in {**sources, f"all of {domain}": runs_in(domain, known)}.items():
        found = prunes(runs)
        for patch in found:
            yield name, known, f"`{patch.id}`", len(patch.steps), *_executed(patch, domain)
        if not found:
            yield name, known, "none", 0, 0, "-"


def _executed(patch: Patch, domain: Domain) -> tuple[int, Share]:
    share = unchanged(executed(domain), ((ref.trace_id, ref.n) for ref in patch.steps))
    return share.of, share


def defects(domain: Domain, runs: Sequence[Run]) -> list[tuple[str, StepName, str]]:
    """Steps of accepted prunes whose deletion changed anything: patch, step and what changed."""
    done = executed(domain)
    return [
        (patch.id, (ref.trace_id, ref.n), change)
        for patch in prunes(runs)
        for ref in patch.steps
        if (change := done.changed.get((ref.trace_id, ref.n)))
    ]


def _read() -> str:
    """Of those that it still says so of, and of all that it ever said so of when they were read."""
    now = {
        name
        for domain in DOMAINS
        for name, kind in kinds(runs_in(domain, "tools configured")).items()
        if kind == ("unused_result", "likely")
    }
    said = labels()
    rows = [
        ("called likely now", *_read_row([said[name] for name in now if name in said], len(now))),
        ("read", *_read_row(list(said.values()), len(said))),
    ]
    return table(("results", "steps", "read", "not used", "used", "cannot tell", "share"), rows)


def _read_row(said: Sequence[Label], steps: int) -> tuple[object, ...]:
    counts = [said.count(label) for label in ("not used", "used", "cannot tell")]
    told = [label == "not used" for label in said if label != "cannot tell"]
    return steps, len(said), *counts, share_of(told)


def _changes() -> str:
    lines = []
    for domain in DOMAINS:
        named = {**kinds(runs_in(domain, "tools configured")), **kinds(runs_in(domain))}
        for name, change in executed(domain).changed.items():
            if change and name in named and name not in controls(domain):
                where = f"trace {name[0]} step {name[1]}"
                what = " and ".join(PARTS[part] for part in sorted(parts_of(change)))
                lines.append(f"* {domain}, {' '.join(named[name])}, {where}: {what}\n")
    return "".join(lines) or "* nothing\n"


def _control_changes() -> str:
    rows = []
    for domain in DOMAINS:
        for kind in sorted(set(controls(domain).values())):
            names = [name for name, of in controls(domain).items() if of == kind]
            rows.append((domain, *kind, len(names), *what_changed(domain, names)))
    return table(("domain", "step", "verdict", "deleted", *PARTS.values()), rows)


def what_changed(domain: Domain, names: Iterable[StepName]) -> list[int]:
    """How many deletions changed each of ``PARTS``."""
    found: Counter[str] = Counter()
    for name in names:
        found.update(parts_of(executed(domain).changed.get(name, "")))
    return [found[part] for part in PARTS]


def parts_of(change: str) -> set[str]:
    """Which of ``PARTS`` a change is of."""
    said = [part.split(" ", 1)[0] for part in change.split("; ") if part]
    return {word if word in ("final", "verdict") else "result" for word in said}
