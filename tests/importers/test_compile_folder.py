"""Runs over folders of recorded sessions: skipped, in parallel, again."""

import os
import re
import threading
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path

import pytest

from clawtrace_otel.errors import ConfigError
from clawtrace_otel.exporters.card_folder import CardMark
from clawtrace_otel.importers.compile_folder import FolderRun, Outcome, earliest, sharing
from clawtrace_otel.importers.last_run import _OF_THE_SERVICE, NAME, fingerprint
from clawtrace_otel.importers.plan import Group, Plan, make_plan
from clawtrace_otel.importers.pool import DIED, MIN_BYTES, cores, jobs_for
from clawtrace_otel.settings import FIELDS, Settings
from tests.importers.captures import SPANS, TRACES, plan_of, write_runs

Compile = Callable[..., Outcome]


@pytest.fixture(name="cards")
def _cards(tmp_path: Path) -> Path:
    folder = tmp_path / "cards"
    folder.mkdir()
    return folder


@pytest.fixture(name="compiled")
def _compiled(cards: Path) -> Compile:
    def compiled(
        plan: Plan, settings: Settings | None = None, *, jobs: int = 1, force: bool = False
    ) -> Outcome:
        return FolderRun(plan, cards, settings or Settings(), jobs=jobs, force=force).run()

    return compiled


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("*.yaml"))}


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.yaml")}


def revisions(folder: Path) -> list[int]:
    return [int(n) for n in re.findall(r"\nrevision: (\d+)\n", "".join(texts(folder).values()))]


def shorten(path: Path) -> None:
    """Take the first request away: a trace is gone, and of the next there is less."""
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))


class TestAgain:
    def test_what_did_not_change_is_left_alone(
        self, tmp_path: Path, cards: Path, compiled: Compile
    ) -> None:
        files = write_runs(tmp_path / "runs", 3)
        first = compiled(plan_of(*files))
        assert (first.summary.spans, first.unchanged_files) == (3 * SPANS, 0)
        before = times(cards)
        second = compiled(plan_of(*files))
        assert (second.summary.spans, second.unchanged_files) == (0, 3)
        assert times(cards) == before

    def test_a_run_that_is_new_is_read_alone(
        self, tmp_path: Path, cards: Path, compiled: Compile
    ) -> None:
        files = write_runs(tmp_path / "runs", 3)
        compiled(plan_of(*files[:2]))
        outcome = compiled(plan_of(*files))
        assert (outcome.summary.spans, outcome.unchanged_files) == (SPANS, 2)
        assert len(texts(cards)) == 3 * TRACES

    def test_a_card_that_changes_gets_the_next_revision_and_no_other_is_touched(
        self, tmp_path: Path, cards: Path, compiled: Compile
    ) -> None:
        files = write_runs(tmp_path / "runs", 2)
        compiled(plan_of(*files))
        before, written = texts(cards), times(cards)
        whole = files[0].read_bytes()
        shorten(files[0])
        outcome = compiled(plan_of(*files))
        assert outcome.unchanged_files == 1
        after = texts(cards)
        changed = [name for name in before if after[name] != before[name]]
        assert changed
        assert len(changed) < len(before)
        assert all("\nrevision: 2\n" in after[name] for name in changed)
        assert {name for name in written if times(cards)[name] != written[name]} == set(changed)
        files[0].write_bytes(whole)
        compiled(plan_of(*files))
        for name in changed:
            assert texts(cards)[name] == before[name].replace("\nrevision: 1\n", "\nrevision: 3\n")

    def test_a_file_that_was_only_touched_changes_no_card(
        self, tmp_path: Path, cards: Path, compiled: Compile
    ) -> None:
        (file,) = write_runs(tmp_path / "runs", 1)
        compiled(plan_of(file))
        before = times(cards)
        os.utime(file, ns=(1, 1))
        assert compiled(plan_of(file)).summary.spans == SPANS
        assert times(cards) == before

    def test_a_card_that_was_deleted_is_made_again(
        self, tmp_path: Path, cards: Path, compiled: Compile
    ) -> None:
        files = write_runs(tmp_path / "runs", 2)
        compiled(plan_of(*files))
        before = texts(cards)
        (cards / next(iter(before))).unlink()
        assert compiled(plan_of(*files)).unchanged_files == 1
        assert texts(cards) == before

    def test_force_reads_all_again(self, tmp_path: Path, cards: Path, compiled: Compile) -> None:
        files = write_runs(tmp_path / "runs", 2)
        compiled(plan_of(*files))
        before = times(cards)
        outcome = compiled(plan_of(*files), force=True)
        assert (outcome.summary.spans, outcome.unchanged_files) == (2 * SPANS, 0)
        assert times(cards) == before

    def test_other_settings_read_all_again(
        self, tmp_path: Path, cards: Path, compiled: Compile
    ) -> None:
        (file,) = write_runs(tmp_path / "runs", 1)
        compiled(plan_of(file))
        small = Settings(max_card_bytes=1024)
        assert compiled(plan_of(file), small).summary.spans == SPANS
        assert compiled(plan_of(file), small).unchanged_files == 1
        assert max(revisions(cards)) == 2

    def test_a_price_file_that_changes_counts_as_another_setting(self, tmp_path: Path) -> None:
        prices = tmp_path / "prices.yaml"
        prints = set()
        for rate in (1, 2):
            prices.write_text(f"prices: 1\nmodels: [{{model: '*', input: 0, output: {rate}}}]")
            prints.add(fingerprint(Settings(prices=str(prices))))
        assert len({*prints, fingerprint(Settings())}) == 3

    def test_settings_of_the_service_count_for_nothing(self) -> None:
        other = Settings(cards="x", journal="y", forward="http://127.0.0.1:1", idle_seconds=1)
        assert fingerprint(other) == fingerprint(Settings())
        assert all(name in FIELDS for name in _OF_THE_SERVICE)

    def test_notes_that_are_damaged_or_of_another_version_cost_time_only(
        self, tmp_path: Path, cards: Path, compiled: Compile
    ) -> None:
        (file,) = write_runs(tmp_path / "runs", 1)
        compiled(plan_of(file))
        before = times(cards)
        for text in ("", "{", "[1]", '{"version": 2, "groups": {}}', '{"groups": {"x": 1}}'):
            (cards / NAME).write_text(text)
            assert compiled(plan_of(file)).summary.spans == SPANS
        assert times(cards) == before

    def test_what_gave_nothing_is_tried_and_told_again(
        self, tmp_path: Path, compiled: Compile
    ) -> None:
        file = tmp_path / "damaged.jsonl"
        file.write_text('{"resourceSpans": [\n')
        for _ in range(2):
            outcome = compiled(plan_of(file))
            assert outcome.unchanged == []
            assert len(outcome.summary.problems) == 1

    def test_cards_of_runs_that_are_gone_are_left(
        self, tmp_path: Path, cards: Path, compiled: Compile
    ) -> None:
        files = write_runs(tmp_path / "runs", 2)
        compiled(plan_of(*files))
        before = texts(cards)
        files[0].unlink()
        compiled(make_plan([tmp_path / "runs"]))
        assert texts(cards) == before

    def test_a_card_that_cannot_be_written_ends_the_run_and_what_was_done_is_remembered(
        self, tmp_path: Path, cards: Path, compiled: Compile
    ) -> None:
        files = write_runs(tmp_path / "runs", 2)
        compiled(plan_of(files[0]))
        obstacle = cards / f"{2:016x}{1:016x}.yaml"
        obstacle.mkdir()
        with pytest.raises(ConfigError, match="cards cannot be written to"):
            compiled(plan_of(*files), force=True)
        obstacle.rmdir()
        assert compiled(plan_of(*files)).unchanged_files == 1


class TestParallel:
    def test_processes_write_the_same_cards_as_one_byte_by_byte(self, tmp_path: Path) -> None:
        files = write_runs(tmp_path / "runs", 5)
        (tmp_path / "runs" / "damaged.jsonl").write_text('{"resourceSpans": 5}\n')
        plan = plan_of(*files, tmp_path / "runs" / "damaged.jsonl")
        outcomes = []
        for jobs in (1, 2):
            folder = tmp_path / str(jobs)
            folder.mkdir()
            outcomes.append(FolderRun(plan, folder, Settings(), jobs=jobs).run())
        assert outcomes[0] == outcomes[1]
        assert outcomes[0].summary.cards == [
            f"{run:016x}{trace:016x}" for run in range(1, 6) for trace in range(1, 8)
        ]
        assert texts(tmp_path / "1") == texts(tmp_path / "2") != {}
        assert (tmp_path / "1" / NAME).read_text() == (tmp_path / "2" / NAME).read_text()

    def test_what_was_read_is_told_up_to_the_end(self, tmp_path: Path, cards: Path) -> None:
        plan = plan_of(*write_runs(tmp_path / "runs", 3))
        for jobs in (1, 2):
            told: list[int] = []
            run = FolderRun(plan, cards, Settings(), jobs=jobs, force=True)
            run.run(told.append)
            assert told == sorted(told)
            assert told[-1] == run.size == sum(group.size for group in plan.groups)

    @pytest.mark.slow
    def test_a_process_that_dies_is_a_problem_of_the_file_that_it_read(
        self, tmp_path: Path, compiled: Compile
    ) -> None:
        """It is blocked by a pipe that nobody writes to, and killed there, every time."""
        files = write_runs(tmp_path / "runs", 2)
        pipe = tmp_path / "runs" / "pipe.jsonl"
        os.mkfifo(pipe)
        groups = [Group("otlp", "pipe", [pipe], {str(pipe): (1 << 40, 0)}), *plan_of(*files).groups]
        killer = threading.Thread(target=_kill_readers, args=(pipe, 2))
        killer.start()
        outcome = compiled(Plan(groups), jobs=2)
        killer.join()
        assert [str(problem) for problem in outcome.summary.problems] == [f"{pipe}: {DIED}"]
        assert outcome.summary.spans == 2 * SPANS

    def test_a_process_more_is_started_only_where_it_is_worth_it(self) -> None:
        small, large = (Group("otlp", "", [], {"x": (size, 0)}) for size in (1, MIN_BYTES))
        assert jobs_for([]) == 1
        assert jobs_for([small] * 100) == 1
        assert jobs_for([large]) == 1
        assert jobs_for([large, small, small]) == min(cores(), 3)
        assert jobs_for([small] * 100, asked=3) == 3
        assert jobs_for([large], asked=3) == 1


def _kill_readers(pipe: Path, times: int) -> None:
    """Kill the processes of the pool, so often, each time when one of them reads from the pipe."""
    for _ in range(times):
        with pipe.open("wb"):  # waits for a reader
            for child in active_children():
                child.kill()
            for child in active_children():
                child.join()


class TestTheSameTraceTwice:
    @pytest.fixture(name="halves")
    def _halves(self, tmp_path: Path) -> list[Path]:
        """A run in two files that are not of one group, and a copy of the first."""
        (file,) = write_runs(tmp_path / "runs", 1)
        lines = file.read_bytes().splitlines(keepends=True)
        paths = [tmp_path / f"{n}.jsonl" for n in range(3)]
        for path, part in zip(paths, (lines[:1], lines[1:], lines[:1]), strict=True):
            path.write_bytes(b"".join(part))
        return paths

    @pytest.mark.parametrize("jobs", [1, 3])
    def test_gives_the_card_of_all_that_is_known(
        self, tmp_path: Path, cards: Path, compiled: Compile, halves: list[Path], jobs: int
    ) -> None:
        whole = tmp_path / "whole"
        whole.mkdir()
        FolderRun(plan_of(tmp_path / "runs" / "1.jsonl"), whole, Settings()).run()
        outcome = compiled(plan_of(*halves), jobs=jobs)
        assert texts(cards) == texts(whole)
        assert len(outcome.summary.cards) == TRACES
        assert compiled(plan_of(*halves)).unchanged_files == 3

    def test_also_when_one_of_the_files_did_not_change(
        self, cards: Path, compiled: Compile, halves: list[Path]
    ) -> None:
        compiled(plan_of(*halves))
        before = texts(cards)
        halves[1].write_bytes(halves[1].read_bytes() + b"\n")
        outcome = compiled(plan_of(*halves))
        assert outcome.unchanged_files == 2
        assert texts(cards) == before

    def test_a_change_counts_as_one(
        self, cards: Path, compiled: Compile, halves: list[Path]
    ) -> None:
        second = halves[1].read_bytes()
        shorten(halves[1])
        compiled(plan_of(*halves))
        halves[1].write_bytes(second)
        for path in halves:
            os.utime(path, ns=(1, 1))
        compiled(plan_of(*halves), jobs=3)
        assert set(revisions(cards)) == {1, 2}

    def test_groups_are_put_together_by_their_cards(self) -> None:
        cards = {"a": "12", "b": "3", "c": "24", "d": "5", "e": "46", "f": "3"}
        groups = [Group("otlp", key) for key in cards]
        found = sharing(groups, lambda group: list(cards[group.key]))
        assert [[group.key for group in joined] for joined in found] == [
            ["a", "c", "e"],
            ["b", "f"],
        ]

    def test_what_stood_there_before_is_the_oldest_account(self) -> None:
        none, first, second = CardMark(), CardMark(1, b"x", True), CardMark(2, b"y", True)
        found = earliest([{"a": first, "b": second}, {"a": none, "b": first, "c": second}])
        assert found == {"a": none, "b": first, "c": second}
