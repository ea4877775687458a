"""All miners over the recorded runs of other people."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from clawtrace_otel.costcraft.miners import unused_result
from clawtrace_otel.costcraft.miners.registry import PRUNE, SHORTEN, mine
from clawtrace_otel.costcraft.read_runs import read_runs
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.settings import Settings
from clawtrace_otel.storage.urls import Where
from clawtrace_otel.tracecard.fit import fit
from tests.corpora.folder import CORPORA, reads_corpora
from tests.evidence.known_tools import READ_ONLY

pytestmark = reads_corpora

FOLDERS = (
    "claude-code-sessions",
    "langfuse-framework-traces",
    "openclaw-pi-sessions",
    "openclaw-telemetry",
    "openclaw-uniclawbench",
    "otlp-agent-prism",
    "otlp-agentpile",
    "tau-bench-gpt-4o-airline",
    "tau2",
)
NO_CARDS: tuple[Where, ...] = ()


@cache
def recorded(folder: Path) -> list[Run]:
    return read_runs(NO_CARDS, [folder], Settings(read_only_tools=READ_ONLY)).runs


@pytest.mark.parametrize("folder", FOLDERS)
def test_patches_of_recorded_runs_are_the_same_every_time_and_name_no_step_twice(
    folder: str,
) -> None:
    runs = recorded(CORPORA / folder)
    cards = [Run(fit({**run.card}, list(run.items.values()), 4_096)) for run in runs]
    prunes = {miner.name for miner in (*PRUNE, *SHORTEN)}
    patches = list(mine(runs))
    assert patches == list(mine(runs))
    for found in (patches, mine(cards)):
        named = Counter(
            (ref.trace_id, ref.n)
            for patch in found
            if patch.pattern.miner in prunes
            for ref in patch.steps
        )
        assert all(times == 1 for times in named.values())


def test_the_loops_of_a_fine_tuned_model_are_polling_and_its_other_repeats_are_not() -> None:
    runs = recorded(CORPORA / "tau2" / "ft-gpt-4.1_telecom_1trial.json")
    found = Counter(
        ref.check.partition(":")[0]
        for patch in mine(runs)
        if patch.pattern.miner in ("polling", "repeated_call")
        for ref in patch.steps
    )
    assert found["harmless"] == 389  # each that the card calls "same"


def test_an_edit_that_failed_is_mended_by_reading_first() -> None:
    runs = recorded(CORPORA / "openclaw-pi-sessions")
    repairs = [patch for patch in mine(runs) if patch.action == "repair"]
    assert [patch.rule for patch in repairs] == ["Call `read` before `edit`, to get `oldText`."]
    assert len(repairs[0].oracle) == 3
    assert repairs[0].counter_evidence == []


def test_no_ordering_of_the_airline_runs_survives_the_correction() -> None:
    runs = recorded(CORPORA / "tau-bench-gpt-4o-airline")
    assert [patch.id for patch in mine(runs) if patch.action == "preserve"] == []


def test_a_reckoned_number_that_is_told_rounded_was_used() -> None:
    runs = recorded(CORPORA / "tau-bench-gpt-4o-airline")
    found = Counter(
        occurrence.verdict
        for run in runs
        for occurrence in unused_result.find(run)
        if occurrence.pattern.tool == "calculate"
    )
    assert found["harmful"] > 20 * found["harmless"]
    assert "prune:unused_result:calculate" not in {patch.id for patch in mine(runs)}
