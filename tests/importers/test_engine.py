"""Recorded runs on the workers of a Dask cluster: the cards of this machine, whatever is killed."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client

from clawtrace_otel.importers.compile_folder import FolderRun
from clawtrace_otel.importers.dask_pool import KILLED, DaskPool
from clawtrace_otel.importers.last_run import NAME
from clawtrace_otel.importers.plan import Plan, make_plan
from clawtrace_otel.settings import Settings
from tests.corpora.folder import CORPORA, reads_corpora
from tests.importers.captures import FIXTURE, SPANS, group_of, plan_of, run, write_runs
from tests.importers.engine_peers import Pipe, compiled, files, kill, reader, until
from tests.importers.formats.claude_code.records import asked, said, text
from tests.importers.local_cluster import ALLOWED_FAILURES, local_cluster
from tests.importers.sessions import write

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PROGRAM = Path(sys.executable).with_name("clawtrace")


@pytest.fixture(name="cluster", scope="module")
def _cluster() -> Iterator[str]:
    with local_cluster(2) as address:
        yield address


@pytest.fixture(name="observer", scope="module")
def _observer(cluster: str) -> Iterator[Client]:
    with Client(cluster, set_as_default=False) as client:
        yield client


def test_the_cards_and_all_that_is_told_are_those_of_a_local_run(
    tmp_path: Path, cluster: str
) -> None:
    """By relative paths, with a price file, and with what cannot be read."""
    write_runs(tmp_path / "runs", 3)
    (tmp_path / "runs" / "damaged.jsonl").write_text('{"resourceSpans": 5}\n')
    for name in ("first", "second"):
        lines = [
            asked(0, sessionId=name),
            said(2, name, text("Done."), sessionId=name),
            "[1]",
        ]
        write(tmp_path / "sessions" / name / f"{name}.jsonl", *lines)
    (tmp_path / "prices.yaml").write_text("prices: 1\nmodels: [{model: '*', input: 1, output: 2}]")

    def command(*options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [PROGRAM, "compile", "runs", "sessions", "--prices", "prices.yaml", "--json", *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
        )

    engine = ("--engine", cluster, "-o", "engine")
    local, there = command("--jobs", "2", "-o", "local"), command(*engine)
    assert there.stdout == local.stdout.replace('"folder": "local"', '"folder": "engine"')
    assert (there.stderr, there.returncode) == (local.stderr, local.returncode)
    assert local.returncode == 0
    assert "runs/damaged.jsonl:1: " in local.stderr
    assert files(tmp_path / "engine") == files(tmp_path / "local")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "engine").glob("*.yaml")}
    again = json.loads(command(*engine).stdout)
    assert (again["spans"], again["cards"]) == (0, [])
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_what_a_killed_worker_had_in_hand_is_read_by_another(
    tmp_path: Path, cluster: str, observer: Client
) -> None:
    pipe = Pipe(tmp_path / "pipe.jsonl")
    others = [group_of(path) for path in write_runs(tmp_path / "runs", 4)]

    def kill_one() -> None:
        pid = reader(observer, pipe.path)
        pipe.replace(run(9))
        kill(pid)

    helper = threading.Thread(target=kill_one)
    with pipe.held():
        helper.start()
        outcome = compiled(Plan([*others, pipe.group]), tmp_path / "engine", cluster)
        helper.join()
    local = compiled(plan_of(*(g.paths[0] for g in others), pipe.path), tmp_path / "local")
    assert outcome.summary == local.summary
    assert cards(tmp_path / "engine") == cards(tmp_path / "local")


def test_a_file_that_kills_each_worker_is_a_problem_and_no_endless_loop(
    tmp_path: Path, cluster: str, observer: Client
) -> None:
    pipe = Pipe(tmp_path / "pipe.jsonl")
    others = [group_of(path) for path in write_runs(tmp_path / "runs", 3)]
    kills = 2 * (ALLOWED_FAILURES + 1)

    def kill_all() -> None:
        for _ in range(kills):
            kill(reader(observer, pipe.path))

    helper = threading.Thread(target=kill_all)
    with pipe.held():
        helper.start()
        outcome = compiled(Plan([pipe.group, *others]), tmp_path / "engine", cluster)
        helper.join()
    assert [str(problem) for problem in outcome.summary.problems] == [f"{pipe.path}: {KILLED}"]
    assert outcome.summary.spans == 3 * SPANS
    compiled(Plan(others), tmp_path / "local")
    assert cards(tmp_path / "engine") == cards(tmp_path / "local")


def test_the_interrupt_key_ends_the_run_and_has_nothing_more_read(
    tmp_path: Path, cluster: str, observer: Client
) -> None:
    """Neither what waits nor the rest of the file that is being read, whose cards come last."""
    paths = [tmp_path / f"{n}.jsonl" for n in range(4)]
    for path in paths:
        path.write_bytes(FIXTURE.read_bytes() * 500)
    code = """if True:
        import sys
        from pathlib import Path
        from tests.importers.captures import plan_of
        from tests.importers.engine_peers import compiled
        engine, folder, *paths = sys.argv[1:]
        compiled(plan_of(*map(Path, paths)), Path(folder), engine)
    """
    command = [sys.executable, "-c", code, cluster, str(tmp_path / "cards"), *map(str, paths)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        reader(observer, paths[0])
        process.send_signal(signal.SIGINT)
        assert process.wait(60) != 0
    until(lambda: not any(observer.call_stack().values()))
    assert not any(observer.processing().values())
    assert list(files(tmp_path / "cards")) == [NAME]


def test_what_was_read_is_told_up_to_the_end(tmp_path: Path, cluster: str) -> None:
    plan = plan_of(*write_runs(tmp_path / "runs", 3))
    large = tmp_path / "large.jsonl"
    large.write_bytes(b"".join(run(n) for n in range(10, 40)))
    plan.groups.append(group_of(large))
    told: list[int] = []
    folder_run = FolderRun(
        plan, tmp_path, Settings(), engine=lambda *given: DaskPool(cluster, *given)
    )
    folder_run.run(told.append)
    assert told == sorted(told)
    assert told[-1] == folder_run.size


@pytest.mark.corpora
class TestRecordedRuns:
    pytestmark = reads_corpora

    def test_give_the_cards_of_a_local_run_with_a_worker_killed_in_the_middle(
        self, tmp_path: Path, cluster: str, observer: Client
    ) -> None:
        tau2 = sorted((CORPORA / "tau2").glob("*.json"), key=lambda path: path.stat().st_size)[:2]
        plan = make_plan([*tau2, CORPORA / "claude-code-sessions", CORPORA / "otlp-agentpile"])
        recorded = [path for group in plan.groups for path in group.paths]
        helper = threading.Thread(target=lambda: kill(reader(observer, *recorded)))
        helper.start()
        there = compiled(plan, tmp_path / "engine", cluster)
        helper.join()
        local = compiled(plan, tmp_path / "local")
        assert there == local
        assert local.summary.spans > 1000
        assert files(tmp_path / "engine") == files(tmp_path / "local")
        again = compiled(plan, tmp_path / "engine", cluster)
        assert (again.summary.spans, len(again.unchanged)) == (0, len(plan.groups))


def cards(folder: Path) -> dict[str, str]:
    return {name: text for name, text in files(folder).items() if name.endswith(".yaml")}
