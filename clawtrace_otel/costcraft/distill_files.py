"""``clawtrace costcraft distill``: from files to files. What was done is kept, whatever fails."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from clawtrace_otel.costcraft.distill import Distilled, Task, distill
from clawtrace_otel.costcraft.gates.context import Options, StepName
from clawtrace_otel.costcraft.llm.options import LlmOptions
from clawtrace_otel.costcraft.merge import MAX_TOKENS
from clawtrace_otel.costcraft.model import PatchFile, Rule
from clawtrace_otel.costcraft.patch_file import write_patches
from clawtrace_otel.costcraft.read_runs import read_runs
from clawtrace_otel.costcraft.replay.record import Replays, load_replays
from clawtrace_otel.costcraft.report.view import ReportView
from clawtrace_otel.costcraft.report.write import write_report
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.costcraft.skill import EMPTY, Skill, parse_skill, read_skill
from clawtrace_otel.costcraft.task_facts import TaskFacts
from clawtrace_otel.costcraft.tokens import count_tokens
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.settings import Settings
from clawtrace_otel.storage.urls import Where
from clawtrace_otel.tracecard.factory import make_compiler
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import read_card
from clawtrace_otel.tracecard.write import write_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command was asked for; see its options."""

    cards: tuple[Where, ...] = ()
    recorded: tuple[Path, ...] = ()
    skill: Path | None = None
    output: Path
    replayed: Path | None = None
    task_data: tuple[Path, ...] = ()
    max_skill_tokens: int = MAX_TOKENS
    llm: LlmOptions | None = None
    reword: bool = False
    ablations: bool = False
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class Written:
    """What was made.

    Attributes:
        file: the patches.
        is_over_limit: the base skill alone has more tokens than the skill may have.
    """

    file: PatchFile
    is_over_limit: bool


def distill_files(asked: Asked, settings: Settings) -> Written:
    """Distil, and write ``SKILL.md``, ``patches.yaml``, ``report.md`` and ``report.html``.

    Raises:
        CostCraftError: a skill, a file or an endpoint cannot be used, or there is no run.
        ClawTraceError: cards cannot be read.
    """
    base = read_skill(asked.skill) if asked.skill else parse_skill(EMPTY, "the empty skill")
    replays = load_replays(asked.replayed) if asked.replayed else Replays()
    found = read_runs(asked.cards, asked.recorded, settings)
    task = Task(
        base=base,
        facts=TaskFacts(found.runs, asked.task_data),
        replayed=changes_of(replays),
        options=asked.options,
        max_tokens=asked.max_skill_tokens,
        pricer=make_compiler(settings).pricer,
    )
    own = Own()
    if asked.llm is None:
        distilled = distill(found.runs, task)
    else:
        distilled, task = _with_a_model(found.runs, task, asked, asked.llm, own)
    distilled.file.problems = [*found.problems, *own.problems, *_told(base, asked)]
    view = ReportView(
        file=distilled.file,
        runs=found.runs,
        base=base.text,
        evolved=distilled.text,
        replays=replays if replays.runs else None,
        own=own.cards,
    )
    _write(asked.output, view)
    if asked.ablations:
        _write_ablations(asked.output, found.runs, task)
    return Written(distilled.file, count_tokens(base.text) > asked.max_skill_tokens)


@dataclass(slots=True)
class Own:
    """What the distillation itself took.

    Attributes:
        cards: of its own calls of a model.
        problems: what went wrong with them.
    """

    cards: list[Card] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def _with_a_model(
    runs: Sequence[Run], task: Task, asked: Asked, options: LlmOptions, own: Own
) -> tuple[Distilled, Task]:
    """Distil with the patches that a model proposes; its calls are a card too.

    Returns:
        What was distilled, and the task with the patches that were proposed.
    """
    from clawtrace_otel.costcraft.llm.session import LlmSession

    with LlmSession(options, asked.output) as session:
        found = session.analyse(runs, task.base.text)
        own.problems += found.problems

        def reword(rules: Sequence[Rule]) -> list[Rule]:
            reworded, problems = session.reword(rules)
            own.problems.extend(problems)
            return reworded

        task = replace(task, proposed=found.patches)
        distilled = distill(runs, replace(task, reword=reword if asked.reword else None))
    own.cards += [read_card(path) for path in found.cards if path.exists()]
    return distilled, task


def _write_ablations(output: Path, runs: Sequence[Run], task: Task) -> None:
    """The skill and the patches with one thing switched off each, in folders of its name."""
    for flag in Options.FLAGS:
        options = replace(task.options, **{flag: True})
        ablated = distill(runs, replace(task, options=options))
        folder = output / flag.replace("_", "-")
        _write_skill(folder, ablated.text)
        write_patches(folder / "patches.yaml", ablated.file)


def changes_of(replays: Replays) -> dict[StepName, str]:
    """Steps that runs were executed without -> what that changed; empty if nothing.

    A step whose run changed only when others were left out too is taken for one that changes it.
    """
    alone = [d for d in replays.deletions if len(d.steps) == 1]
    found = {(d.trace_id, d.steps[0]): d.where for d in alone}
    for deletion in replays.deletions:
        if not deletion.unchanged and len(deletion.steps) > 1:
            changed = f"together with {len(deletion.steps) - 1} others: {deletion.where}"
            for n in deletion.steps:
                found[deletion.trace_id, n] = found.get((deletion.trace_id, n)) or changed
    return found


def _told(base: Skill, asked: Asked) -> list[str]:
    size = count_tokens(base.text)
    if size <= asked.max_skill_tokens:
        return []
    return [
        f"{asked.skill}: the base skill has up to {size:,} tokens, over the limit of "
        f"{asked.max_skill_tokens:,}: no rule was added; shorten it, or give --max-skill-tokens"
    ]


def _write_skill(folder: Path, text: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(text, folder / "SKILL.md")
    except OSError as e:
        msg = f"cannot write {folder / 'SKILL.md'}: {e}"
        raise CostCraftError(msg) from e


def _write(output: Path, view: ReportView) -> None:
    _write_skill(output, view.evolved)
    write_patches(output / "patches.yaml", view.file)
    write_report(output, view)
