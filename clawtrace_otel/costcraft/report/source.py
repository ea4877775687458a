"""What was distilled, and what that means for the whole."""

from collections.abc import Mapping

from clawtrace_otel.costcraft.model import Net, PatchFile, Source
from clawtrace_otel.costcraft.report.words import UNKNOWN, line, usd, usd_interval
from clawtrace_otel.costcraft.wording import counted

_ABLATIONS: Mapping[str, str] = {
    "no-cost": "costs played no part in what was kept",
    "no-prune": "nothing was pruned",
    "no-counterfactual": "prunes needed no counterfactual",
}


def summary(file: PatchFile) -> list[str]:
    """The whole in a few sentences."""
    source = file.source
    rules = counted(len(file.rules), "rule") if file.rules else "No rule"
    of = f"{counted(source.runs, 'run')} of {counted(source.tasks, 'task')}"
    return [f"{rules} came of {of}.", _net(file)]


def _net(file: PatchFile) -> str:
    if not file.rules:
        return "The skill is what it was."
    net = file.net.net_usd if file.net else None
    if net is None:
        return "Whether the skill saves more than reading it costs is unknown."
    low, high = net
    if low >= 0:
        return f"Net of what reading it costs, the skill saves {usd_interval(net)} a run."
    if high > 0:
        end = "at the low end reading it costs more than it saves"
        return f"Net of what reading it costs, the skill saves {usd_interval(net)} a run: {end}."
    return f"Reading the skill costs more than it saves: {usd_interval((-high, -low))} a run."


def tiles(file: PatchFile) -> list[tuple[str, str]]:
    """The figures that people look for first: names and values."""
    net = file.net or Net(skill_tokens=0, turns=0.0)
    if not file.rules:
        rejected = sum(bool(patch.rejected) for patch in file.patches)
        return [("Rules", "0"), ("Patches rejected", f"{rejected:,}"), _runs(file)]
    return [
        ("Rules", f"{len(file.rules):,}"),
        ("Net saving a run", usd_interval(net.net_usd)),
        ("Reading the skill costs a run", usd(net.costs_usd)),
        _runs(file),
    ]


def _runs(file: PatchFile) -> tuple[str, str]:
    return "Runs looked at", f"{file.source.runs:,}"


def facts(source: Source) -> list[tuple[str, str]]:
    """What was distilled: names and values."""
    return [
        ("Runs", f"{source.runs:,}"),
        ("Tasks", f"{source.tasks:,}"),
        ("Outcomes", _outcomes(source)),
        ("Cost", _cost(source)),
        ("Recorded", _recorded(source)),
    ]


def _outcomes(source: Source) -> str:
    return f"{source.passed:,} passed, {source.failed:,} failed, {source.unknown:,} {UNKNOWN}"


def _cost(source: Source) -> str:
    if not source.unpriced:
        return usd(source.cost_usd)
    of = counted(source.unpriced, "run")
    known = f"{usd(source.cost_usd)} as far as it is known; " if source.cost_usd is not None else ""
    return f"{known}{UNKNOWN} of {of}"


def _recorded(source: Source) -> str:
    if source.recorded >= source.runs:
        return "all runs, not only their cards"
    only = counted(source.runs - source.recorded, "run")
    return f"{counted(source.recorded, 'run')}; of {only} there was only the card"


def notes(file: PatchFile) -> list[str]:
    """What a reader has to know before the rules."""
    found = [f"Ablation {line(o)}: {_ABLATIONS.get(o, 'see the manual')}." for o in file.options]
    source = file.source
    if source.runs and not source.passed and not source.failed:
        found.append(
            "Nobody said of any run whether it passed. So nothing can be preserved, and nothing "
            "here ties a rule to success or failure."
        )
    if source.recorded < source.runs:
        found.append(
            "Of a run with a card alone, folded steps, texts of results and exact token accounting "
            "are missing: less can be checked, and savings are those of the card."
        )
    return found
