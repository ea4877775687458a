"""What is told when a cluster cannot do what it is asked to."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import dask
import pytest
from click.testing import CliRunner

from clawtrace_otel.cli import main
from clawtrace_otel.errors import EngineError
from clawtrace_otel.importers import dask_pool
from clawtrace_otel.importers.dask_task import difference, versions
from clawtrace_otel.importers.last_run import of_cards
from clawtrace_otel.importers.plan import Plan
from clawtrace_otel.settings import Settings
from tests.importers.captures import FIXTURE, SPANS, plan_of, write_runs
from tests.importers.engine_peers import Pipe, compiled
from tests.importers.local_cluster import local_cluster, odd_worker

NO_CLAWTRACE = "import sys; sys.modules['clawtrace_otel'] = None\n"
"""For a process in which it cannot be imported."""


@pytest.fixture(name="empty", scope="module")
def _empty() -> Iterator[str]:
    """A cluster without workers."""
    with local_cluster(0) as address:
        yield address


def refused(tmp_path: Path, empty: str, worker: AbstractContextManager[None]) -> str:
    """What is told when that worker is the only one."""
    plan = plan_of(*write_runs(tmp_path / "runs", 2))
    with worker, pytest.raises(EngineError) as told:
        compiled(plan, tmp_path / "cards", empty)
    assert not list((tmp_path / "cards").glob("*.yaml"))
    return str(told.value)


@pytest.mark.slow
@pytest.mark.timeout(300)
class TestWorkers:
    def test_without_the_package_are_named(self, tmp_path: Path, empty: str) -> None:
        """Its metadata is hidden too, as where it was never installed."""
        code = NO_CLAWTRACE + (
            "import importlib.metadata as m; real = m.version\n"
            "def version(name):\n"
            "    if name == 'clawtrace-otel': raise m.PackageNotFoundError(name)\n"
            "    return real(name)\n"
            "m.version = version"
        )
        here = versions()["clawtrace-otel"]
        assert f" has no clawtrace-otel, and here is {here}: install" in refused(
            tmp_path, empty, odd_worker(empty, code)
        )

    def test_of_another_version_are_named_with_both(self, tmp_path: Path, empty: str) -> None:
        info = tmp_path / "other" / "clawtrace_otel-0.0.9.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: clawtrace-otel\nVersion: 0.0.9\n"
        )
        here = versions()["clawtrace-otel"]
        told = refused(
            tmp_path, empty, odd_worker(empty, environment={"PYTHONPATH": str(info.parent)})
        )
        assert f" has clawtrace-otel 0.0.9, and here is {here}: install the same version" in told
        assert told.startswith("worker tcp://127.0.0.1:")

    def test_that_have_another_folder_for_the_cards_are_told(
        self, tmp_path: Path, empty: str
    ) -> None:
        (tmp_path / "cards").mkdir()
        told = refused(tmp_path, empty, elsewhere(empty, tmp_path / "cards"))
        assert f"{tmp_path / 'cards'} is another folder there than here" in told

    def test_that_do_not_see_the_files_are_told(self, tmp_path: Path, empty: str) -> None:
        (tmp_path / "runs").mkdir()
        told = refused(tmp_path, empty, elsewhere(empty, tmp_path / "runs"))
        assert f"cannot read {tmp_path / 'runs'}" in told

    def test_a_file_that_is_gone_everywhere_is_a_problem_as_it_is_here(
        self, tmp_path: Path, empty: str
    ) -> None:
        plan = plan_of(*write_runs(tmp_path / "runs", 2))
        plan.groups[0].paths[0].unlink()
        with odd_worker(empty):
            there = compiled(plan, tmp_path / "engine", empty)
        assert there == compiled(plan, tmp_path / "local")
        assert len(there.summary.problems) == 1
        assert there.summary.spans == SPANS


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_cluster_that_never_has_workers_is_told(
    tmp_path: Path, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_pool, "ALONE_SECONDS", 1.0)
    monkeypatch.setattr(dask_pool, "LOOK_SECONDS", 0.3)
    with pytest.raises(EngineError, match="has had no workers for 1 s"):
        compiled(plan_of(*write_runs(tmp_path / "runs", 2)), tmp_path / "cards", empty)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_scheduler_that_goes_away_is_told(tmp_path: Path) -> None:
    pipe = Pipe(tmp_path / "pipe.jsonl")
    with ExitStack() as stack:
        address = stack.enter_context(local_cluster(1))

        def end() -> None:
            with pipe.met():
                stack.close()

        helper = threading.Thread(target=end)
        helper.start()
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
            pytest.raises(EngineError, match="the connection was lost"),
        ):
            compiled(Plan([pipe.group]), tmp_path / "cards", address)
        helper.join()


def test_no_scheduler_at_the_address_is_told(tmp_path: Path) -> None:
    plan = plan_of(*write_runs(tmp_path / "runs", 1))
    with socket.socket() as taken, dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        taken.bind(("127.0.0.1", 0))
        for address in (f"tcp://127.0.0.1:{taken.getsockname()[1]}", "http://127.0.0.1:1", "x"):
            with pytest.raises(EngineError, match=f"no Dask scheduler answers at '{address}'"):
                compiled(plan, tmp_path / "cards", address)


def test_the_command_needs_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "clawtrace_otel.importers.dask_pool", None)
    monkeypatch.delitem(sys.modules, "clawtrace_otel.importers.dask_pool")
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = CliRunner().invoke(
        main, ["compile", str(FIXTURE), "-o", str(tmp_path), "--engine", "tcp://127.0.0.1:1"]
    )
    assert result.exit_code == 1
    assert "pip install 'clawtrace-otel[dask]'" in result.stderr


@pytest.mark.parametrize("options", [["--jobs", "2"], ["--forward", "http://127.0.0.1:4317"]])
def test_what_is_for_this_machine_goes_with_no_engine(options: list[str]) -> None:
    command = ["compile", str(FIXTURE), "--engine", "tcp://127.0.0.1:1", *options]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert "--jobs and --forward are for this machine" in result.stderr


def test_a_cluster_is_told_nothing_that_is_secret() -> None:
    settings = Settings(
        tokens=("ci:secret",), forward_headers="authorization=secret", content="hash"
    )
    assert of_cards(settings) == Settings(content="hash")


def test_versions_that_are_the_same_are_no_difference() -> None:
    wanted = {"clawtrace-otel": "0.2.0", "genai-prices": "0.2.3"}
    assert difference("tcp://w:1", wanted, wanted) == ""
    assert difference("tcp://w:1", {**wanted, "genai-prices": "0.2.4"}, wanted) == (
        "worker tcp://w:1 has genai-prices 0.2.4, and here is 0.2.3: install the same version there"
    )


def elsewhere(address: str, folder: Path) -> AbstractContextManager[None]:
    """A worker to which a folder is empty, as on a machine that does not share it."""
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("a worker with file systems of its own needs the rights for unshare -m")
    hidden = f'mount -t tmpfs none {folder} && exec "$@"'
    return odd_worker(address, before=("unshare", "-m", "sh", "-c", hidden, "sh"))
