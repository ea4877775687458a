"""Proposals of many runs become patches: equal and near-equal ones together, others left out.

Whatever a model claims of savings is not read. What a patch says of steps, savings and rung is
found by programs when it is judged.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rapidfuzz import fuzz, process

from clawtrace_otel.costcraft.llm.answers import Proposal
from clawtrace_otel.costcraft.llm.checks import forbids, signature, why_no_rule
from clawtrace_otel.costcraft.llm.contrast import contrast_of
from clawtrace_otel.costcraft.llm.oracle import evidence_for
from clawtrace_otel.costcraft.llm.record import tools_of
from clawtrace_otel.costcraft.miners.miner import patch_id, support_of
from clawtrace_otel.costcraft.model import Action, Patch, Pattern, Section, StepRef
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.ids import derived_id
from clawtrace_otel.semconv.canonical import loads
from clawtrace_otel.semconv.masking import mask

SAME_RULE = 90
"""Similarity, of 100, from which on two proposals with the same names and negations are one."""

MINER = "llm"
_DETAIL_BYTES = 6
_MAX_WHY_CHARS = 300
_MAX_STEPS = 50


class _Kind(NamedTuple):
    """What proposals must have in common to be one. Steps that are not there spoil no other's."""

    action: Action
    section: Section
    tool: str
    names: tuple[str, ...]
    numbers: tuple[str, ...]
    turning: tuple[tuple[str, int], ...]
    calls: tuple[str, ...]
    there: bool


@dataclass(eq=False)
class _Cluster:
    """Proposals that say the same."""

    rules: Counter[str] = field(default_factory=Counter)
    runs: dict[str, Run] = field(default_factory=dict)
    steps: dict[tuple[str, int], StepRef] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)


Found = tuple[Run, Sequence[Proposal]]


@dataclass(frozen=True, slots=True)
class Names:
    """What rules may name: tools, and arguments of their calls, of all runs that are looked at."""

    tools: frozenset[str]
    arguments: frozenset[str]

    @classmethod
    def of(cls, runs: Iterable[Run]) -> "Names":
        """Those of some runs."""
        tools: set[str] = set()
        arguments: set[str] = set()
        for run in runs:
            for step in run.steps:
                if "tool" in step:
                    tools.add(step["tool"])
                    given = loads(run.args(step["n"]))
                    arguments.update(given if isinstance(given, dict) else ())
        return cls(frozenset(tools), frozenset(arguments))


def usable(
    run: Run, proposals: Sequence[Proposal], actions: Sequence[Action], names: Names
) -> tuple[list[Proposal], list[str]]:
    """The proposals of a run that can be judged, and why others cannot."""
    kept: list[Proposal] = []
    problems: list[str] = []
    for proposal in proposals:
        why = _why_not(run, proposal, actions, names)
        if why:
            problems.append(f"trace {run.trace_id}: a proposal was left out: {why}")
        else:
            kept.append(proposal)
    return kept, problems


def make_patches(found: Iterable[Found], runs: Sequence[Run]) -> list[Patch]:
    """Patches in an order that follows from the runs alone.

    Args:
        found: runs in the order of their trace ids, and what can be used of their proposals.
        runs: all that were looked at.
    """
    clusters: dict[_Kind, dict[str, _Cluster]] = defaultdict(dict)
    for run, proposals in found:
        for proposal in proposals:
            _put(clusters[_kind(run, proposal)], run, proposal)
    return [
        _patch(kind, cluster, runs)
        for kind, alike in sorted(clusters.items(), key=lambda pair: pair[0])
        for cluster in alike.values()
    ]


def _why_not(run: Run, proposal: Proposal, actions: Sequence[Action], names: Names) -> str:
    if proposal.action not in actions:
        return f"{proposal.action} is not for a run with this outcome"
    if proposal.tool and proposal.tool not in names.tools:
        return "it is about a tool that no run called"
    if any(n < 1 for n in proposal.steps) or len(proposal.steps) > _MAX_STEPS:
        return f"its steps are no step numbers, or more than {_MAX_STEPS}"
    if not set(proposal.calls).issubset(tools_of(run)):
        return "it is about calls that the run did not make"
    why = why_no_rule(proposal.rule, names.tools | names.arguments)
    return why or _why_beside_the_point(run, proposal, names)


def _why_beside_the_point(run: Run, proposal: Proposal, names: Names) -> str:
    """Why a rule is not about its evidence: what is shown of some steps speaks for no others."""
    named = names.tools.intersection(signature(proposal.rule).names)
    if proposal.action == "prune":
        if not forbids(proposal.rule):
            return "it is to prune, but forbids nothing"
        steps = (run.by_number.get(n) for n in proposal.steps)
        shown = {step["tool"] for step in steps if step is not None and "tool" in step}
    elif proposal.action == "preserve":
        shown = set(proposal.calls)
    else:
        return ""
    beside = sorted(named - shown)
    return f"it names `{beside[0]}`, which none of its evidence is about" if beside else ""


def _kind(run: Run, proposal: Proposal) -> _Kind:
    says = signature(proposal.rule)
    return _Kind(
        action=proposal.action,
        section=proposal.section,
        tool=proposal.tool,
        names=says.names,
        numbers=says.numbers,
        turning=says.turning,
        calls=tuple(proposal.calls) if proposal.action == "preserve" else (),
        there=all(n in run.by_number for n in proposal.steps),
    )


def _put(alike: dict[str, _Cluster], run: Run, proposal: Proposal) -> None:
    """Put a proposal to those that it is most like, if it is like any."""
    rule = " ".join(proposal.rule.split())
    plain = _plain(rule)
    like = process.extractOne(plain, list(alike), scorer=fuzz.ratio, score_cutoff=SAME_RULE)
    cluster = alike.setdefault(like[0] if like else plain, _Cluster())
    cluster.rules[rule] += 1
    cluster.runs[run.trace_id] = run
    for n in sorted(set(proposal.steps)):
        ref = StepRef(trace_id=run.trace_id, n=n, passed=run.passed)
        cluster.steps[run.trace_id, n] = ref
    if proposal.why.strip():
        cluster.why.append(proposal.why)


def _patch(kind: _Kind, cluster: _Cluster, runs: Sequence[Run]) -> Patch:
    rule = min(cluster.rules, key=lambda text: (-cluster.rules[text], len(text), text))
    detail = derived_id(_DETAIL_BYTES, _plain(rule), *map(repr, kind))
    pattern = Pattern(miner=MINER, tool=kind.tool, detail=detail)
    steps = list(cluster.steps.values())
    is_prune, is_preserve = kind.action == "prune", kind.action == "preserve"
    return Patch(
        id=patch_id(kind.action, pattern),
        action=kind.action,
        rule=rule,
        section=kind.section,
        analyst="llm",
        pattern=pattern,
        support=support_of(cluster.runs.values(), runs),
        counterfactual=_claim(cluster.why) if is_prune else "",
        contrast=contrast_of(kind.calls, runs) if is_preserve else None,
        oracle=evidence_for(rule, cluster.runs, steps) if kind.action == "repair" else [],
        steps=steps,
    )


def _claim(whys: Sequence[str]) -> str:
    """The shortest reason that was given; programs check it, the text is for people."""
    if not whys:
        return ""
    shortest = " ".join(min(whys, key=lambda why: (len(why), why)).split())
    return f"the model's words, unchecked: {mask(shortest)[:_MAX_WHY_CHARS]}"


def _plain(rule: str) -> str:
    return " ".join(rule.casefold().split()).rstrip(".")
