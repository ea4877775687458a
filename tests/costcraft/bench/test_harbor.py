"""Harbor as a bench: what it is asked to do, and what becomes of its job folders.

``tests/integration/test_harbor.py`` runs the real one.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from clawtrace_otel.cli import main
from clawtrace_otel.costcraft.bench.conditions import WITHOUT, Condition
from clawtrace_otel.costcraft.bench.harbor import (
    BUNDLED,
    HarborOrder,
    arguments,
    find_harbor,
    job_name,
    read_job,
    run_harbor,
)
from clawtrace_otel.costcraft.bench.harbor_tasks import copy_without_skills, task_folders
from clawtrace_otel.errors import CostCraftError
from tests.importers.formats.harbor.trials import FILES, RESULT, trial, write

DOCKERFILE = """\
FROM python:3.11-slim-bookworm
COPY data.csv /root/
COPY skills /root/.claude/skills
 copy --chown=agent ./skills/ /root/.codex/skills
RUN pip install skills-ref
"""
TOML = """\
version = "1.0"
[environment]
skills_dir = "/skills"
cpus = 1
"""
CONDITION = Condition(WITHOUT)
SKILL = "---\nname: read-once\ndescription: Reading.\n---\n\nRead a file once.\n"


@pytest.fixture(name="tasks")
def _tasks(tmp_path: Path) -> Path:
    return write(
        tmp_path / "tasks",
        {
            "a/task.toml": TOML,
            "a/instruction.md": "Do it.",
            "a/environment/Dockerfile": DOCKERFILE,
            "a/environment/skills/csv/SKILL.md": SKILL,
            "a/tests/test.sh": "true",
            "README.md": "Tasks.",
        },
    )


@pytest.fixture(name="order")
def _order(tasks: Path, tmp_path: Path) -> HarborOrder:
    return HarborOrder(tasks=tasks, agent="claude-code", folder=tmp_path / "bench")


class TestTasks:
    def test_a_folder_of_tasks_and_a_task_are_both_taken(self, tasks: Path) -> None:
        assert task_folders(tasks) == task_folders(tasks / "a") == [tasks / "a"]

    def test_a_folder_without_tasks_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(CostCraftError, match=r"nowhere has no task of Harbor: no task\.toml"):
            task_folders(tmp_path / "nowhere")

    def test_a_copy_has_all_but_the_skills(self, tasks: Path, tmp_path: Path) -> None:
        copied = tmp_path / "copied"
        copy_without_skills(tasks, copied)

        files = sorted(str(p.relative_to(copied)) for p in copied.rglob("*") if p.is_file())
        assert files == [
            "a/environment/Dockerfile",
            "a/instruction.md",
            "a/task.toml",
            "a/tests/test.sh",
        ]
        kept = [line for line in DOCKERFILE.splitlines() if "opy" not in line.lower()]
        dockerfile = (copied / "a" / "environment" / "Dockerfile").read_text().splitlines()
        assert dockerfile == [kept[0], "COPY data.csv /root/", kept[1]]
        assert "skills_dir" not in (copied / "a" / "task.toml").read_text()

    def test_the_tasks_themselves_stay_as_they_are(self, tasks: Path, tmp_path: Path) -> None:
        copy_without_skills(tasks, tmp_path / "copied")

        assert (tasks / "a" / "environment" / "Dockerfile").read_text() == DOCKERFILE
        assert (tasks / "a" / "environment" / "skills" / "csv" / "SKILL.md").is_file()


class TestArguments:
    def test_without_a_skill_the_tasks_are_those_without_any(self, order: HarborOrder) -> None:
        told = arguments(order, Condition(WITHOUT))

        assert told == [
            *("run", "--path", str(order.folder / "tasks")),
            *("--jobs-dir", str(order.folder / "jobs")),
            *("--job-name", job_name(order, Condition(WITHOUT))),
            *("--agent", "claude-code", "--n-attempts", "1", "--n-concurrent", "1"),
            *("--quiet", "--yes"),
        ]

    def test_a_skill_is_handed_over_as_a_folder_of_its_name(
        self, order: HarborOrder, tmp_path: Path
    ) -> None:
        skill = write(tmp_path, {"evolved.md": SKILL}) / "evolved.md"
        told = arguments(order, Condition("new", "read-once", skill))

        folder = Path(told[told.index("--skill") + 1])
        assert folder == order.folder / "skills" / "new" / "read-once"
        assert (folder / "SKILL.md").read_text() == SKILL

    def test_the_tasks_own_skills_are_those_of_the_tasks_as_they_are(
        self, order: HarborOrder
    ) -> None:
        told = arguments(order, Condition(BUNDLED))

        assert told[told.index("--path") + 1] == str(order.tasks)
        assert "--skill" not in told

    def test_model_endpoint_and_further_arguments_are_handed_over(
        self, tasks: Path, tmp_path: Path
    ) -> None:
        order = HarborOrder(
            tasks=tasks,
            agent="codex",
            folder=tmp_path / "bench",
            model="openai/gpt-5",
            repeats=3,
            jobs=2,
            endpoint="http://10.0.0.5:4318",
            arguments=["--env", "daytona"],
        )
        told = " ".join(arguments(order, Condition(WITHOUT)))

        assert "--model openai/gpt-5 --n-attempts 3 --n-concurrent 2" in told
        assert "--agent-env OTEL_EXPORTER_OTLP_ENDPOINT=http://10.0.0.5:4318" in told
        assert told.endswith("--yes --env daytona")

    def test_what_a_job_depends_on_is_in_its_name(self, order: HarborOrder) -> None:
        bundled = Condition(BUNDLED)
        before = job_name(order, bundled)
        again = job_name(order, bundled)
        other_agent = job_name(replace(order, agent="codex"), bundled)
        other_skill = job_name(order, Condition("new", digest="1"))
        (order.tasks / "a" / "instruction.md").write_text("Do it well.")

        names = {before, other_agent, other_skill, job_name(order, bundled)}
        assert before == again
        assert before.startswith("bundled-")
        assert len(names) == 4


class TestProgram:
    def test_a_missing_program_says_what_to_install(self, tmp_path: Path) -> None:
        with pytest.raises(CostCraftError, match=r"pip install 'clawtrace-otel\[harbor\]'.*3\.12"):
            find_harbor({"PATH": str(tmp_path)})

    def test_what_it_said_is_told_when_it_fails(self, tasks: Path, tmp_path: Path) -> None:
        program = write(tmp_path / "bin", {"harbor": "#!/bin/sh\necho no such agent: $7\nexit 2\n"})
        (program / "harbor").chmod(0o755)
        order = HarborOrder(
            tasks=tasks,
            agent="x",
            folder=tmp_path / "bench",
            environment={"PATH": str(program)},
        )

        with pytest.raises(CostCraftError, match=r"(?s)ended with 2 for 'without'.*no such agent"):
            run_harbor(order)

    def test_a_skill_may_not_be_called_as_the_tasks_own(self, tasks: Path, tmp_path: Path) -> None:
        program = write(tmp_path / "bin", {"harbor": "#!/bin/sh\n"})
        (program / "harbor").chmod(0o755)
        skill = write(tmp_path / "bundled", {"SKILL.md": "Read."})
        order = HarborOrder(
            tasks=tasks,
            agent="x",
            folder=tmp_path / "bench",
            skills=[str(skill)],
            bundled=True,
            environment={"PATH": str(program)},
        )

        with pytest.raises(CostCraftError, match="a skill is called 'bundled'"):
            run_harbor(order)


class TestJob:
    def test_each_trial_that_ended_is_a_run(self, order: HarborOrder) -> None:
        failed = {
            **RESULT,
            "trial_name": "t__2",
            "started_at": "2026-11-22T09:00:00Z",
            "verifier_result": {"rewards": {"reward": 0.0}},
            "exception_info": {"exception_type": "AgentTimeoutError", "exception_message": "60 s"},
        }
        config = {**json.loads(json.dumps(FILES["config.json"])), "trial_name": "t__2"}
        job = order.folder / "jobs" / job_name(order, CONDITION)
        write(job / "t__1", FILES)
        write(job / "t__2", {**FILES, "config.json": config, "result.json": failed})
        write(job / "t__3", {**FILES, "result.json": None})

        first, second = read_job(order, CONDITION)

        assert (first.task, first.repeat, first.passed, first.score) == ("sum-of-sales", 0, True, 1)
        assert first.spent.usd == pytest.approx(0.000575)
        assert (first.spent.llm_calls, first.spent.input_tokens, first.seconds) == (2, 2200, 10.0)
        assert (second.repeat, second.passed, second.ending) == (1, False, "time limit")
        assert second.exit_code == 1

    def test_a_trial_that_called_no_model_has_its_reward_and_no_cost(
        self, order: HarborOrder
    ) -> None:
        told = {**RESULT, "agent_result": None, "agent_info": {"name": "oracle"}}
        job = order.folder / "jobs" / job_name(order, CONDITION)
        write(job / "t__1", {**FILES, "agent/trajectory.json": None, "result.json": told})

        (only,) = read_job(order, CONDITION)

        assert (only.passed, only.spent.usd) == (True, None)

    def test_a_job_that_left_nothing_is_named(self, order: HarborOrder) -> None:
        with pytest.raises(CostCraftError, match="harbor left no folder"):
            list(read_job(order, CONDITION))


class TestCommand:
    def test_it_hands_everything_on_and_prints_the_comparison(
        self, tasks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A program in Harbor's place leaves the folder of a job that was made before."""
        job = trial(tmp_path).parent
        copied = f'cp -r {job} "$5/$7"; printf "%s\\n" "$@" > {tmp_path}/told'
        program = write(tmp_path / "bin", {"harbor": f'#!/bin/sh\nmkdir -p "$5"; {copied}\n'})
        (program / "harbor").chmod(0o755)
        monkeypatch.setenv("PATH", str(program), prepend=os.pathsep)
        words = ["costcraft", "harbor", str(tasks), "--agent", "codex", "--bundled"]
        output = ["-o", str(tmp_path / "out"), "--json", "--", "--env", "daytona"]

        done = CliRunner().invoke(main, [*words, *output])

        assert done.exit_code == 0, done.output
        report = json.loads(done.stdout)
        assert [each["condition"] for each in report["conditions"]] == ["without", "bundled"]
        assert [each["passed"] for each in report["conditions"]] == [1, 1]
        assert (tmp_path / "told").read_text().endswith("--yes\n--env\ndaytona\n")

    def test_without_harbor_it_says_what_to_install(
        self, tasks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        done = CliRunner().invoke(main, ["costcraft", "harbor", str(tasks), "--agent", "codex"])

        assert done.exit_code == 1
        assert "clawtrace-otel[harbor]" in done.stderr
