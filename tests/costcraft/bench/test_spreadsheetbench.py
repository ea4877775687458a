"""SpreadsheetBench's tasks: the dataset as it is, and an agent that solves some of them."""

import json
from pathlib import Path

import pytest

from clawtrace_otel.costcraft.bench.graders.grade import grade
from clawtrace_otel.costcraft.bench.graders.verdict import Ended
from clawtrace_otel.costcraft.bench.graders.workbooks import compare_workbooks
from clawtrace_otel.costcraft.bench.tasks import Task, load_tasks
from clawtrace_otel.demo.model_server import ModelServer, Reply, Request
from clawtrace_otel.errors import CostCraftError
from tests.corpora.folder import CORPORA, reads_corpora
from tests.costcraft.bench import orders
from tests.costcraft.bench.scripted_model import call, say
from tests.costcraft.bench.test_scripted_agent import AGENT

DATASET = CORPORA / "spreadsheetbench-50"

pytestmark = [*reads_corpora, pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")]

VALUES_SKILL = """\
---
name: values
description: For workbooks.
---

* Write values, not formulas.
"""

LOOP = """\
import glob
from openpyxl import load_workbook
for name in glob.glob("*_input.xlsx"):
    book = load_workbook(name)
    page = book.worksheets[0]
    {work}
    book.save(name.replace("_input", "_output"))
"""

# What a good agent might write for three of the tasks, without looking at an answer.
QUOTES = """\
for (cell,) in page["A1:A4"]:
        if isinstance(cell.value, str):
            cell.value = cell.value.replace('"', "")"""
AT_LEAST_7 = """\
for a, b, c in page["A2:C11"]:
        high = any(isinstance(x.value, (int, float)) and x.value >= 7 for x in (a, b))
        c.value = "e" if high else "-\""""
ONE_MORE_CONDITION = """\
values = load_workbook(name, data_only=True).worksheets[0]
    b3, b4 = values["B3"].value, values["B4"].value
    page["C4"] = 0 if b4 <= 20 else b4 - 20 if b3 * 1000 < 22000 else b4 - 30"""
AS_FORMULA = """page["C4"] = "=IF(B4<=20,0,IF(B3*1000<22000,B4-20,B4-30))\""""


def write_tasks(folder: Path, **part: object) -> Path:
    return orders.write_tasks(
        folder / "tasks.yaml", [], spreadsheetbench={"path": str(DATASET), **part}
    )


def script(request: Request) -> Reply:
    """One program a task; for one of them a formula, unless the skill asks for values."""
    system, task = (str(request.messages[n]["content"]) for n in (0, 1))
    if any(m["role"] == "tool" for m in request.messages):
        return say(request, "Done.")
    if "double quotes" in task:
        work = QUOTES
    elif "equal to or above 7" in task:
        work = AT_LEAST_7
    else:
        work = ONE_MORE_CONDITION if "Write values, not formulas" in system else AS_FORMULA
    return call(request, "run_python", {"code": LOOP.format(work=work)})


@pytest.mark.slow
def test_an_agent_passes_where_its_program_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skill = orders.write_skill(tmp_path / "values", VALUES_SKILL)
    path = write_tasks(tmp_path, ids=["79-7", "37609", "39604"])
    with ModelServer(script) as model:
        monkeypatch.setenv("OPENAI_BASE_URL", model.url)
        monkeypatch.setenv("OPENAI_API_KEY", "scripted")
        report, results, _ = orders.bench(orders.order(path, [skill], command=AGENT))
    found = {(r.task, r.condition): r for r in results}
    assert {key for key, result in found.items() if not result.passed} == {("39604", "without")}
    failed = found["39604", "without"]
    assert failed.score == 0.0
    assert failed.why.endswith("(a formula without a stored value)")
    quality = report.comparisons[0].quality
    assert quality is not None
    assert [change.task for change in quality.wins] == ["39604"]
    assert quality.regressions == []
    assert all(result.spent.usd for result in results)


def test_the_whole_dataset_is_read(tmp_path: Path) -> None:
    tasks = load_tasks(write_tasks(tmp_path))
    assert len(tasks) == 50
    said = {entry["id"]: entry for entry in json.loads((DATASET / "dataset.json").read_text())}
    for task in tasks:
        entry = said.get(task.id) or said[int(task.id)]
        assert entry["instruction"].strip() in task.prompt
        assert entry["answer_position"] in task.prompt
        assert [path.name for path in task.files] == [
            f"{case}_{task.id}_input.xlsx" for case in (1, 2, 3)
        ]


def test_a_part_of_it_may_be_taken(tmp_path: Path) -> None:
    assert [t.id for t in load_tasks(write_tasks(tmp_path, limit=2))] == ["79-7", "57072"]
    assert [t.id for t in load_tasks(write_tasks(tmp_path, ids=["CF_8276"]))] == ["CF_8276"]
    with pytest.raises(CostCraftError, match="has no task 'none'"):
        load_tasks(write_tasks(tmp_path, ids=["none"]))


def test_an_agent_that_does_nothing_leaves_no_output_and_fails(tmp_path: Path) -> None:
    (task,) = load_tasks(write_tasks(tmp_path, limit=1))
    (tmp_path / "stdout").touch()
    found = grade(task.grader, Ended(tmp_path, tmp_path / "stdout", 0, {}))
    assert (found.passed, found.score, found.why) == (False, 0.0, "there is no 1_79-7_output.xlsx")


@pytest.mark.slow
def test_inputs_as_they_are_pass_where_only_formats_are_asked_for(tmp_path: Path) -> None:
    """docs/bench.md names them: formats are not compared."""

    def agrees(task: Task) -> bool:
        spec = task.grader.workbooks
        assert spec is not None
        pairs = zip(spec.answers.values(), task.files, strict=True)
        return all(compare_workbooks(Path(a), b, spec.position).equal for a, b in pairs)

    tasks = load_tasks(write_tasks(tmp_path))
    assert [task.id for task in tasks if agrees(task)] == ["CF_4909", "570-43", "CF_8276"]
