"""A bench from end to end with an agent of few lines; only the model is missing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clawtrace_otel.costcraft.bench.results import FILE, Result
from clawtrace_otel.costcraft.bench.run_bench import CARDS
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths, read_card
from tests.collector.peers import until
from tests.costcraft.bench.orders import (
    TINY,
    bench,
    is_alive,
    kept,
    order,
    write_skill,
    write_tasks,
)

RIGHT = {"command": "grep -q right out.txt"}
EXITS = {"exit_code": 0}


def cards(folder: Path) -> dict[str, Card]:
    """The cards of a bench, by run."""
    found = [read_card(path) for path in card_paths(folder / CARDS)]
    return {card["run"]: card for card in found}


def by_task(results: list[Result]) -> dict[str, Result]:
    return {result.task: result for result in results}


def test_runs_cards_grades_and_costs_come_together(tmp_path: Path) -> None:
    tasks = [
        {"id": "good", "prompt": "cost 0.01\nwrite right", "grader": RIGHT},
        {"id": "bad", "prompt": "cost 0.03\nwrite wrong", "grader": RIGHT},
    ]
    wanted = order(write_tasks(tmp_path / "tasks.yaml", tasks), [write_skill(tmp_path / "s")])
    report, results, _ = bench(wanted)
    assert len(results) == 4
    found = cards(wanted.folder)
    for result in results:
        card = found[result.run]
        assert card["task"] == result.task
        assert result.spent.usd == card["total"]["cost_usd"]
        assert card["outcome"]["passed"] is result.passed is (result.task == "good")
    without, saver = report.conditions
    assert (without.condition, saver.condition) == ("without", "saver")
    assert (without.known_usd, saver.known_usd) == pytest.approx((0.04, 0.02))
    (comparison,) = report.comparisons
    assert comparison.measures[0].name == "cost_usd"
    assert comparison.measures[0].ratio == pytest.approx(0.5)
    assert report.total_usd == pytest.approx(0.06)
    page = (wanted.folder / "report.md").read_text()
    assert "## saver against without" in page
    assert "| without | 2 | 1 of 2 |" in page


def test_all_traces_of_a_run_count_together(tmp_path: Path) -> None:
    task = {"id": "a", "prompt": "cost 0.01\ncost 0.02\ncost 0.04", "grader": EXITS}
    _, (result,), _ = bench(order(write_tasks(tmp_path / "tasks.yaml", [task])))
    assert result.spent.usd == pytest.approx(0.07)
    assert len(result.spent.cards) == 3
    assert result.spent.llm_calls == 3


@pytest.mark.slow
def test_spans_that_come_late_count_while_the_bench_lasts(tmp_path: Path) -> None:
    tasks = [
        {"id": "late", "prompt": "late 0.02", "grader": EXITS},
        {"id": "slow", "prompt": "sleep 8\ncost 0.01", "grader": EXITS},
    ]
    wanted = order(write_tasks(tmp_path / "tasks.yaml", tasks), jobs=2)
    report, results, _ = bench(wanted)
    first = by_task(results)["late"]
    assert first.spent.usd is None
    assert by_task(kept(wanted))["late"].spent.usd == 0.02
    assert report.conditions[0].unknown == {}
    assert cards(wanted.folder)[first.run]["outcome"]["passed"] is True


def test_files_that_are_read_only_where_they_are_kept_may_be_changed(tmp_path: Path) -> None:
    (tmp_path / "data" / "sub").mkdir(parents=True)
    for name in ("out.txt", "sub/x.sh"):
        (tmp_path / "data" / name).write_text("old")
    (tmp_path / "data" / "sub" / "x.sh").chmod(0o555)
    (tmp_path / "data" / "out.txt").chmod(0o444)
    (tmp_path / "data" / "sub").chmod(0o555)
    (tmp_path / "data").chmod(0o555)
    task = {"id": "a", "prompt": "cost 1\nwrite right", "files": "data", "grader": RIGHT}
    wanted = order(write_tasks(tmp_path / "tasks.yaml", [task]))
    _, (result,), _ = bench(wanted)
    work = wanted.folder / "runs" / result.run / "work"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (work, *work.rglob("*"))}
    assert modes == {"work": 0o755, "out.txt": 0o644, "sub": 0o755, "x.sh": 0o755}
    assert result.passed is True
    assert (tmp_path / "data" / "out.txt").read_text() == "old"
    (tmp_path / "data").chmod(0o755)  # for those who remove it
    (tmp_path / "data" / "sub").chmod(0o755)


def test_what_is_done_is_not_done_again_and_what_changed_is(tmp_path: Path) -> None:
    tasks = [
        {"id": "a", "prompt": "cost 1\nwrite right", "grader": RIGHT},
        {"id": "b", "prompt": "cost 1\nwrite right", "grader": RIGHT},
    ]
    path = write_tasks(tmp_path / "tasks.yaml", tasks)
    skill = write_skill(tmp_path / "s")
    assert len(bench(order(path, [skill]))[1]) == 4
    assert bench(order(path, [skill]))[1] == []

    write_tasks(path, [tasks[0], {**tasks[1], "prompt": "cost 1\nwrite wrong"}])
    _, again, plan = bench(order(path, [skill]))
    assert {(r.task, r.condition, r.passed) for r in again} == {
        ("b", "without", False),
        ("b", "saver", False),
    }
    assert plan.stale == {"task": 2}

    write_skill(tmp_path / "s", "---\nname: saver\n---\nOther words.")
    report, again, plan = bench(order(path, [skill]))
    assert {(r.task, r.condition) for r in again} == {("a", "saver"), ("b", "saver")}
    assert plan.stale == {"skill": 2}
    assert [each.runs for each in report.conditions] == [2, 2]


def test_a_grader_that_changed_grades_what_is_there(tmp_path: Path) -> None:
    task = {"id": "a", "prompt": "cost 0.01\nwrite left", "grader": RIGHT}
    path = write_tasks(tmp_path / "tasks.yaml", [task])
    _, (first,), _ = bench(order(path))
    write_tasks(path, [{**task, "grader": {"command": "grep -q left out.txt"}}])
    report, (second,), plan = bench(order(path))
    assert (len(plan.todo), len(plan.regrade)) == (0, 1)
    assert (first.passed, second.passed, second.run) == (False, True, first.run)
    assert report.conditions[0].passed == 1
    assert cards(order(path).folder)[first.run]["outcome"]["passed"] is True


def test_more_repeats_only_add_runs(tmp_path: Path) -> None:
    path = write_tasks(
        tmp_path / "tasks.yaml", [{"id": "a", "prompt": "cost 0.001", "grader": EXITS}]
    )
    assert [r.repeat for r in bench(order(path))[1]] == [1]
    assert sorted(r.repeat for r in bench(order(path, repeats=3))[1]) == [2, 3]


def test_a_run_has_its_own_folder_environment_and_skill(tmp_path: Path) -> None:
    (tmp_path / "data" / "sub").mkdir(parents=True)
    (tmp_path / "data" / "sub" / "f.txt").write_text("from the task")
    code = """
import json, os, pathlib
keys = ["CLAWTRACE_TASK", "CLAWTRACE_PROMPT", "CLAWTRACE_SKILL", "HOME", "TMPDIR", "TRACEPARENT",
        "OTEL_RESOURCE_ATTRIBUTES", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_PROTOCOL"]
told = {key: os.environ.get(key) for key in keys}
told["files"] = sorted(str(p) for p in pathlib.Path().rglob("*") if p.is_file())
told["cwd"] = os.getcwd()
pathlib.Path("left.txt").touch()
print(json.dumps({"passed": True, **told}))
"""
    agent = tmp_path / "agent.py"
    agent.write_text(code)
    task = {"id": "t", "prompt": "Say {it}.", "files": "data", "grader": {"json": "-"}}
    path = write_tasks(tmp_path / "tasks.yaml", [task])
    os.environ["OTEL_RESOURCE_ATTRIBUTES"] = "team=a%20b"
    os.environ["OTEL_EXPORTER_OTLP_HEADERS"] = "authorization=secret"
    try:
        wanted = order(
            path, [write_skill(tmp_path / "s")], command=f"{sys.executable} {agent}", own_home=True
        )
        _, results, _ = bench(wanted)
    finally:
        del os.environ["OTEL_RESOURCE_ATTRIBUTES"], os.environ["OTEL_EXPORTER_OTLP_HEADERS"]
    runs = {r.condition: r.run for r in results}
    folders = {condition: wanted.folder / "runs" / run for condition, run in runs.items()}
    told = {name: json.loads((each / "stdout.log").read_text()) for name, each in folders.items()}
    for condition, said in told.items():
        root = folders[condition]
        assert said["cwd"] == str(root / "work")
        assert (said["HOME"], said["TMPDIR"]) == (str(root / "home"), str(root / "tmp"))
        assert (said["CLAWTRACE_TASK"], said["CLAWTRACE_PROMPT"]) == ("t", "Say {it}.")
        marks = f"team=a%20b,clawtrace.task.id=t,clawtrace.run.id={runs[condition]}"
        assert said["OTEL_RESOURCE_ATTRIBUTES"] == marks
        assert said["OTEL_EXPORTER_OTLP_HEADERS"] is None
        assert said["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf"
        assert "saver" not in said["cwd"]
    skills = [f"{folder}/skills/saver/SKILL.md" for folder in (".agents", ".claude")]
    assert told["without"]["files"] == ["sub/f.txt"]
    assert told["saver"]["files"] == [*skills, "sub/f.txt"]
    assert told["without"]["CLAWTRACE_SKILL"] is None
    assert told["saver"]["CLAWTRACE_SKILL"].endswith("/work/.agents/skills/saver/SKILL.md")
    assert told["without"]["TRACEPARENT"] != told["saver"]["TRACEPARENT"]
    assert not (tmp_path / "data" / "left.txt").exists()


@pytest.mark.slow
def test_agents_that_misbehave_are_told_apart(tmp_path: Path) -> None:
    tasks: list[dict[str, object]] = [
        {"id": "dies", "prompt": "cost 0.01\nexit 3", "grader": EXITS},
        {"id": "garbage", "prompt": "print", "grader": {"json": "-"}},
        {"id": "hangs", "prompt": "cost 0.02\nhang", "grader": EXITS, "time_limit": 3},
    ]
    report, results, _ = bench(order(write_tasks(tmp_path / "tasks.yaml", tasks), jobs=3))
    found = by_task(results)
    assert (found["dies"].exit_code, found["dies"].spent.usd) == (3, 0.01)
    assert found["garbage"].why.startswith("the last line of its output is no JSON")
    assert found["garbage"].spent.why.startswith("there is no card")
    assert found["garbage"].spent.usd is None
    assert (found["hangs"].ending, found["hangs"].why) == ("time limit", "ended by its time limit")
    assert (found["hangs"].spent.usd, found["hangs"].spent.at_least_usd) == (None, 0.02)
    assert [r.passed for r in results] == [False] * 3
    assert set(report.conditions[0].unknown) == {found["garbage"].run, found["hangs"].run}
    child = next((tmp_path / "out" / "runs").glob("hangs.*/work/child.pid"))
    until(lambda: not is_alive(int(child.read_text())))


@pytest.mark.slow
def test_a_run_that_costs_too_much_is_ended(tmp_path: Path) -> None:
    tasks = [
        {"id": "dear", "prompt": "cost 0.02\nhang", "grader": EXITS},
        {"id": "cheap", "prompt": "cost 0.001", "grader": EXITS},
    ]
    path = write_tasks(tmp_path / "tasks.yaml", tasks)
    found = by_task(bench(order(path, run_usd=0.01))[1])
    assert (found["dear"].ending, found["dear"].passed) == ("money limit", False)
    assert found["dear"].seconds < 30
    assert found["cheap"].passed is True
    # With another limit only what it concerns is run again.
    assert bench(order(path, run_usd=0.01, time_limit=50))[1] == []
    assert by_task(bench(order(path, run_usd=0.015))[1]).keys() == {"dear"}
    assert by_task(bench(order(path, run_usd=0.0005))[1]).keys() == {"cheap"}


def test_no_run_is_started_when_all_have_cost_enough(tmp_path: Path) -> None:
    tasks = [{"id": f"t{n}", "prompt": "cost 0.01", "grader": EXITS} for n in range(4)]
    path = write_tasks(tmp_path / "tasks.yaml", tasks)
    report, results, _ = bench(order(path, max_usd=0.015, jobs=1))
    assert [r.task for r in results] == ["t0", "t1"]
    assert (report.stop, report.missing) == ("money limit", 2)
    report, results, _ = bench(order(path, jobs=1))
    assert [r.task for r in results] == ["t2", "t3"]
    assert (report.stop, report.missing) == ("", 0)


@pytest.mark.slow
def test_two_benches_do_not_share_a_folder(tmp_path: Path) -> None:
    path = write_tasks(
        tmp_path / "tasks.yaml", [{"id": "a", "prompt": "hang", "grader": EXITS, "time_limit": 60}]
    )
    with running(tmp_path, path) as first:
        child_of(tmp_path, "a")
        with pytest.raises(CostCraftError, match="another bench is at work"):
            bench(order(path))
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)
        assert first.returncode == 130


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_bench_keeps_what_was_done(tmp_path: Path, number: signal.Signals) -> None:
    tasks = [
        {"id": "a", "prompt": "cost 0.01", "grader": EXITS},
        {"id": "b", "prompt": "cost 0.02\nhang", "grader": EXITS},
    ]
    path = write_tasks(tmp_path / "tasks.yaml", tasks)
    with running(tmp_path, path) as process:
        child = child_of(tmp_path, "b")
        process.send_signal(number)
        output = process.communicate(timeout=60)
        assert process.returncode == 130, output
    assert not is_alive(child)
    assert [r.task for r in kept(order(path))] == ["a"]
    assert "1 run is missing: interrupted." in output[1]
    assert not list((tmp_path / "out" / "runs").glob("b.*"))

    write_tasks(path, [tasks[0], {**tasks[1], "prompt": "cost 0.001"}])
    report, results, _ = bench(order(path))
    assert [r.task for r in results] == ["b"]
    # What the run that was broken off has cost is spent, too.
    assert report.total_usd == pytest.approx(0.031)


@contextmanager
def running(folder: Path, tasks: Path) -> Iterator["subprocess.Popen[str]"]:
    """The command, as a process of its own, which is interrupted in the end if it still runs."""
    command = [sys.executable, "-m", "clawtrace_otel", "costcraft", "bench", str(tasks)]
    command += ["--agent", TINY, "-o", str(folder / "out")]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate()


def child_of(folder: Path, task: str) -> int:
    """The process that the hanging agent of a task has started."""
    (file,) = until(lambda: list((folder / "out" / "runs").glob(f"{task}.*/work/child.pid")), 60)
    return int(until(file.read_text))


def test_half_a_line_of_results_is_a_run_that_is_done_again(tmp_path: Path) -> None:
    path = write_tasks(
        tmp_path / "tasks.yaml", [{"id": t, "prompt": "cost 0.001", "grader": EXITS} for t in "ab"]
    )
    wanted = order(path, jobs=1)
    bench(wanted)
    file = wanted.folder / FILE
    data = file.read_bytes()
    file.write_bytes(data[:-20])
    assert [r.task for r in bench(wanted)[1]] == ["b"]


def test_results_that_are_none_are_named_with_their_line(tmp_path: Path) -> None:
    path = write_tasks(
        tmp_path / "tasks.yaml", [{"id": "a", "prompt": "cost 0.001", "grader": EXITS}]
    )
    wanted = order(path)
    wanted.folder.mkdir()
    (wanted.folder / FILE).write_text('{"task": "a"}\n')
    with pytest.raises(CostCraftError, match=r"results\.jsonl:1 is no result of a bench"):
        bench(wanted)


def test_an_agent_that_cannot_be_started_ends_the_bench_at_once(tmp_path: Path) -> None:
    program = tmp_path / "agent"
    program.write_text("no program")
    program.chmod(0o755)
    tasks = [{"id": f"t{n}", "prompt": "x", "grader": EXITS} for n in range(20)]
    started = time.monotonic()
    with pytest.raises(CostCraftError, match=r"the agent '.*/agent' cannot be started"):
        bench(order(write_tasks(tmp_path / "tasks.yaml", tasks), command=str(program)))
    assert time.monotonic() - started < 20
    assert list((tmp_path / "out" / "runs").iterdir()) == []
