"""Runs that work on a folder: what other programs recorded is executed here, and cannot get out."""

import json
import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from clawtrace_otel.costcraft.replay.batch import plan, replay_runs
from clawtrace_otel.costcraft.replay.choose import every_call, repeats
from clawtrace_otel.costcraft.replay.folder.environment import Folder
from clawtrace_otel.costcraft.replay.folder.sandbox import Sandbox, ToolError, sandbox
from clawtrace_otel.costcraft.replay.folder.tools import TOOLS
from clawtrace_otel.costcraft.replay.record import Deletion
from clawtrace_otel.errors import CostCraftError
from tests.costcraft.replay import tools_table
from tests.costcraft.replay.worked import Work
from tests.costcraft.runs import RunBuilder, number
from tests.semconv.secrets import TOKENS


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """A folder with texts and a workbook."""
    folder = tmp_path / "start"
    (folder / "notes").mkdir(parents=True)
    (folder / "notes" / "todo.txt").write_text("sum the orders\n")
    (folder / "rate.txt").write_text("rate = 0.20\n")
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Orders"
    for row in ((date(2026, 11, 1), 12.5), (date(2026, 11, 2), 20)):
        sheet.append(row)
    workbook.save(folder / "orders.xlsx")
    return folder


@pytest.fixture
def work(start: Path, tmp_path: Path) -> Work:
    """A run that reads twice, edits, and writes a sum."""
    work = Work(start, tmp_path / "worked")
    work.call("list_files", folder=".")
    work.call("read_file", path="rate.txt")
    work.call("read_file", path="rate.txt")
    work.call("read_cells", path="orders.xlsx", sheet="Orders", range="B1:B2")
    work.call("edit_file", file_path="rate.txt", old_string="0.20", new_string="0.25")
    work.call("read_file", path="rate.txt")
    work.call("write_cells", path="orders.xlsx", sheet="Orders", cells={"B3": "=SUM(B1:B2)"})
    work.call("read_cells", path="orders.xlsx", sheet="Orders", range="B1:B3")
    work.call("write_file", path="done.txt", content="yes")
    return work


def deletions(work: Work) -> dict[str, Deletion]:
    """What each call is good for: tool and its place among its kind -> its deletion."""
    run = work.run()
    found = replay_runs(lambda: Folder(str(work.start)), [run], every_call)
    assert [each.why for each in found.runs] == [""]
    alone = {d.steps[0]: d for d in found.deletions if len(d.steps) == 1}
    named: dict[str, Deletion] = {}
    for n, deletion in sorted(alone.items()):
        tool = deletion.tools[0]
        named[f"{tool} {sum(name.startswith(tool) for name in named) + 1}"] = deletion
        assert run.by_number[n]["tool"] == tool
    return named


class TestDeleting:
    def test_a_repeat_changes_nothing(self, work: Work) -> None:
        found = replay_runs(lambda: Folder(str(work.start)), [work.run()], repeats)
        (deletion,) = found.deletions
        assert deletion.steps == (number(work.run(), "read_file", 2),)
        assert deletion.unchanged

    def test_an_edit_is_missed_by_the_next_reading_and_at_the_end(self, work: Work) -> None:
        n = number(work.run(), "read_file", 3)
        edit = deletions(work)["edit_file 1"]
        assert edit.where == (
            f"step {n} read_file: was 'rate = 0.25', is 'rate = 0.20'; final rate.txt"
        )

    def test_cells_are_missed_in_the_workbook(self, work: Work) -> None:
        found = deletions(work)
        n = number(work.run(), "read_cells", 2)
        assert found["write_cells 1"].where == (
            f"step {n} read_cells: was '[[12.5], [20], [\"=SUM(B1:B2)\"]]', "
            "is '[[12.5], [20], [null]]'; final orders.xlsx"
        )

    def test_a_new_file_is_missed_at_the_end(self, work: Work) -> None:
        assert deletions(work)["write_file 1"].where == "final done.txt"

    def test_reading_changes_nothing(self, work: Work) -> None:
        found = deletions(work)
        reading = [d for name, d in found.items() if name.startswith(("read_", "list_"))]
        assert len(reading) == 6
        assert all(d.unchanged for d in reading)

    def test_the_folder_stays_as_it_was(self, work: Work) -> None:
        before = {p: p.read_bytes() for p in work.start.rglob("*") if p.is_file()}
        deletions(work)
        assert {p: p.read_bytes() for p in work.start.rglob("*") if p.is_file()} == before


class TestReproducing:
    def why(self, work: Work) -> str:
        return replay_runs(lambda: Folder(str(work.start)), [work.run()], every_call).runs[0].why

    def test_a_run_that_began_elsewhere_does_not_count(self, work: Work) -> None:
        (work.start / "rate.txt").write_text("rate = 0.19\n")
        n = number(work.run(), "read_file", 1)
        assert self.why(work) == (f"step {n} read_file: recorded 'rate = 0.20', got 'rate = 0.19'")

    def test_what_is_shown_of_a_result_has_no_secret_in_it(self, work: Work) -> None:
        secret = TOKENS["github"]
        (work.folder / "rate.txt").write_text(f"GITHUB_TOKEN={secret}")
        work.call("read_file", path="rate.txt")
        assert secret not in self.why(work)
        assert "[masked]" in self.why(work)

    def test_a_call_that_failed_has_to_fail(self, work: Work) -> None:
        work.call("read_file", path="missing.txt")
        assert self.why(work) == ""
        (work.start / "missing.txt").write_text("here")
        assert self.why(work).startswith(f"step {number(work.run(), 'list_files')} list_files")

    def test_a_tool_that_it_does_not_have_is_named(self, work: Work) -> None:
        work.call("run_tests", path="rate.txt")
        batch = plan(Folder(str(work.start)), [work.run()], every_call)
        n = number(work.run(), "run_tests")
        assert f"step {n} calls 'run_tests', which is none of list_files," in batch.problems[0]
        assert batch.work == []

    def test_an_argument_that_it_does_not_have_is_named(self, start: Path) -> None:
        builder = RunBuilder()
        builder.tool("read_file", {"path": "rate.txt", "lines": 3}, "rate = 0.20\n")
        run = builder.run()
        (played,) = replay_runs(lambda: Folder(str(start)), [run], every_call).runs
        assert "unknown field `lines`" in played.why

    def test_of_a_card_alone_nothing_can_be_executed(self, work: Work) -> None:
        card = RunBuilder()
        card.tool("read_file", {"path": "rate.txt"})
        (problem,) = plan(Folder(str(work.start)), [card.card()], every_call).problems
        assert problem.endswith("only its card is there")


class TestWhereRunsBegin:
    def test_the_task_may_be_in_the_name_of_the_folder(self, start: Path) -> None:
        builder = RunBuilder(task="start")
        builder.tool("read_file", {"path": "rate.txt"}, "rate = 0.20\n")
        place = str(start.parent / "{task}")
        (run,) = replay_runs(lambda: Folder(place), [builder.run()], every_call).runs
        assert run.reproduced

    @pytest.mark.parametrize("task", ["..", "../start", "a/b", "a\\b"])
    def test_a_task_that_leads_elsewhere_is_refused(self, start: Path, task: str) -> None:
        builder = RunBuilder(task=task)
        builder.tool("read_file", {"path": "rate.txt"}, "rate = 0.20\n")
        batch = plan(Folder(str(start.parent / "{task}")), [builder.run()], every_call)
        assert "cannot stand for {task}" in batch.problems[0]

    def test_a_folder_that_is_not_there_is_named(self, start: Path) -> None:
        builder = RunBuilder()
        builder.tool("read_file", {"path": "rate.txt"}, "rate = 0.20\n")
        batch = plan(Folder(str(start / "none")), [builder.run()], every_call)
        assert batch.problems[0].endswith(f"there is no folder {start / 'none'}")

    def test_it_has_to_be_told(self) -> None:
        with pytest.raises(CostCraftError, match="--start FOLDER"):
            Folder("")

    def test_what_is_no_file_cannot_be_copied(self, start: Path) -> None:
        os.mkfifo(start / "pipe")
        with pytest.raises(CostCraftError, match="cannot be copied"), sandbox(start):
            pass


class TestTheWayOut:
    OUTSIDE = ("..", "../secret.txt", "notes/../../secret.txt", "link/secret.txt", "C:\\secret.txt")

    @pytest.fixture
    def box(self, start: Path, tmp_path: Path) -> Sandbox:
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "secret.txt").write_text("secret")
        (start / "link").symlink_to(tmp_path / "outside")
        return Sandbox(start)

    @pytest.mark.parametrize("tool", sorted(TOOLS))
    @pytest.mark.parametrize("name", OUTSIDE)
    def test_no_tool_takes_it(self, box: Sandbox, tmp_path: Path, tool: str, name: str) -> None:
        given = {"content": "x", "old": "secret", "new": "x", "range": "A1:A1", "cells": {"A1": 1}}
        taken = TOOLS[tool].arguments.__struct_fields__
        place = {key: name for key in ("path", "folder") if key in taken}
        answer = TOOLS[tool].call(box, place | {k: v for k, v in given.items() if k in taken})
        assert answer.failed
        assert "is outside of the folder" in answer.text
        assert (tmp_path / "outside" / "secret.txt").read_text() == "secret"

    def test_an_absolute_path_is_no_way(self, box: Sandbox, tmp_path: Path) -> None:
        for name in (str(tmp_path / "outside" / "secret.txt"), str(box.root / "rate.txt")):
            with pytest.raises(ToolError, match="outside of the folder"):
                box.path(name)

    def test_a_link_is_not_followed_for_the_final_state(self, box: Sandbox) -> None:
        before = box.state()
        assert "link/secret.txt" not in before
        (box.root / "link" / "secret.txt").write_text("other")
        assert box.state() == before

    @given(st.text(max_size=20) | st.lists(st.sampled_from(["..", ".", "a", ""])).map("/".join))
    @settings(max_examples=300, deadline=None)
    def test_no_name_leads_out(self, name: str) -> None:
        box = Sandbox(Path(__file__).parent)
        try:
            found = box.path(name)
        except ToolError:
            return
        assert found.is_relative_to(box.root)


class TestWorkbooks:
    def test_a_workbook_that_is_saved_again_is_the_same(self, start: Path) -> None:
        before = Sandbox(start).state()
        path = start / "orders.xlsx"
        bytes_before = path.read_bytes()
        workbook = load_workbook(path)
        workbook.properties.creator = "somebody else"
        workbook.save(path)
        assert path.read_bytes() != bytes_before
        assert Sandbox(start).state() == before

    def test_a_number_that_becomes_a_text_is_not(self, start: Path) -> None:
        before = Sandbox(start).state()["orders.xlsx"]
        workbook = load_workbook(start / "orders.xlsx")
        workbook["Orders"]["B2"] = "20"
        workbook.save(start / "orders.xlsx")
        assert Sandbox(start).state()["orders.xlsx"] != before

    def test_what_is_no_workbook_counts_by_its_bytes(self, start: Path) -> None:
        (start / "broken.xlsx").write_text("no zip")
        before = Sandbox(start).state()["broken.xlsx"]
        (start / "broken.xlsx").write_text("no zip either")
        assert Sandbox(start).state()["broken.xlsx"] != before

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ({"range": "A1:XFD1048576"}, "has over 100,000 cells"),
            ({"range": "A:B"}, "has no end"),
            ({"range": "A1:A2", "sheet": "None"}, "there is no sheet 'None'"),
            ({"range": "?"}, "is no range of cells"),
            ({"range": "A1:A2", "path": "rate.txt"}, "rate.txt is no workbook"),
            ({"range": "A1:A2", "path": "none.xlsx"}, "there is no file 'none.xlsx'"),
        ],
    )
    def test_what_cannot_be_read_is_named(
        self, start: Path, given: dict[str, object], why: str
    ) -> None:
        answer = TOOLS["read_cells"].call(Sandbox(start), {"path": "orders.xlsx", **given})
        assert answer.failed
        assert why in answer.text

    def test_a_workbook_that_is_not_there_is_made(self, start: Path) -> None:
        given = {
            "path": "new/sums.xlsx",
            "sheet": "Sums",
            "cells": {"A1": 1, "B1": True, "C1": "x"},
        }
        assert not TOOLS["write_cells"].call(Sandbox(start), given).failed
        asked = {"path": "new/sums.xlsx", "sheet": "Sums", "range": "A1:D1"}
        answer = TOOLS["read_cells"].call(Sandbox(start), asked)
        assert json.loads(answer.text) == [[1, True, "x", None]]


def test_the_page_has_the_tools_as_they_are() -> None:
    assert tools_table.PAGE.read_text(encoding="utf-8") == tools_table.page()
