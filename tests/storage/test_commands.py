"""``cards`` and ``compile`` with a bucket in place of a folder."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clawtrace_otel.cli import main
from clawtrace_otel.errors import ConfigError
from clawtrace_otel.exporters.card_folder import CardFolder
from clawtrace_otel.importers.compile_folder import FolderRun
from clawtrace_otel.importers.last_run import NAME
from clawtrace_otel.settings import Settings
from clawtrace_otel.storage.open import open_store
from clawtrace_otel.storage.remote import MARKER
from clawtrace_otel.tracecard.read import card_names, read_card, read_cards
from tests.importers.captures import TRACES, plan_of, run, write_runs
from tests.storage.s3 import S3

RUNS = 3


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of recorded runs."""
    write_runs(tmp_path / "runs", RUNS)
    return tmp_path / "runs"


@pytest.fixture
def folder(tmp_path: Path, runs: Path) -> Path:
    """Their cards in a folder."""
    assert call("compile", runs, "-o", tmp_path / "cards").exit_code == 0
    return tmp_path / "cards"


@pytest.fixture
def filled(s3: S3, where: str, folder: Path) -> str:
    """The same cards in a bucket, with what is no card among them."""
    s3.put(where, {path.name: path.read_bytes() for path in folder.glob("*.yaml")})
    return where


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("jobs", [1, 2])
def test_compile_writes_what_it_writes_to_a_folder_byte_by_byte(
    s3: S3, where: str, runs: Path, folder: Path, jobs: int
) -> None:
    result = call("compile", runs, "-o", where, "--jobs", jobs)
    assert result.exit_code == 0, result.output
    assert f"{RUNS * TRACES} cards in {where}, " in result.output
    written = s3.objects(where)
    assert written.pop(MARKER)
    assert written == contents(folder)
    assert len(written) == RUNS * TRACES + 1


def test_a_second_run_leaves_alone_what_did_not_change(s3: S3, where: str, runs: Path) -> None:
    assert call("compile", runs, "-o", where).exit_code == 0
    before, times = s3.objects(where), s3.times(where)
    result = call("compile", runs, "-o", where)
    assert result.output == f"{RUNS} files unchanged\n"
    assert s3.objects(where) == before
    after = s3.times(where)
    assert {name for name in before if after[name] != times[name]} <= {NAME, MARKER}


def test_a_run_that_grew_gets_the_next_revision_and_no_other_is_touched(
    s3: S3, where: str, runs: Path
) -> None:
    whole = run(2)
    (runs / "2.jsonl").write_bytes(b"".join(whole.splitlines(keepends=True)[1:]))
    assert call("compile", runs, "-o", where).exit_code == 0
    before = s3.objects(where)
    (runs / "2.jsonl").write_bytes(whole)
    assert call("compile", runs, "-o", where).exit_code == 0
    changed = {name for name, content in s3.objects(where).items() if before.get(name) != content}
    revisions = [read_card(f"{where}/{name}")["revision"] for name in changed - {NAME}]
    assert sorted(revisions) == [1, 2]


def test_a_card_that_was_removed_from_the_bucket_is_made_again(
    s3: S3, where: str, runs: Path
) -> None:
    assert call("compile", runs, "-o", where).exit_code == 0
    before = s3.objects(where)
    s3.remove(where, f"{1:016x}{1:016x}.yaml")
    assert call("compile", runs, "-o", where).exit_code == 0
    assert s3.objects(where) == before


def test_compile_tells_of_a_bucket_that_is_away(s3: S3, where: str, runs: Path) -> None:
    with s3.away():
        result = call("compile", runs, "-o", where)
    assert result.exit_code == 1
    assert f"Error: cards cannot be written to {where}: " in result.output


def test_a_bucket_that_goes_away_in_between_ends_the_run_with_a_reason(
    s3: S3, where: str, tmp_path: Path
) -> None:
    """What was written by then stays, and is whole."""
    run = FolderRun(plan_of(*write_runs(tmp_path / "runs", RUNS)), where, Settings())
    CardFolder(where).check()
    leave = ExitStack()

    def tell(_: int) -> None:
        if any(name.endswith(".yaml") for name in s3.objects(where)) and not leaving:
            leaving.append(leave.enter_context(s3.away()))

    leaving: list[None] = []
    with leave, pytest.raises(ConfigError, match=f"cannot be written to {where}: .*connect"):
        run.run(tell)
    assert call("cards", "validate", where).output == f"{TRACES} valid, 0 not\n"


@pytest.mark.parametrize("flags", [["--json"], ["--json", "--sort", "cost"], []])
def test_a_bucket_is_listed_as_a_folder_is(filled: str, folder: Path, flags: list[str]) -> None:
    result = call("cards", "ls", filled, *flags)
    assert result.exit_code == 0, result.output
    assert result.output == call("cards", "ls", folder, *flags).output


def test_one_card_is_shown_as_that_in_a_folder_is(filled: str, folder: Path) -> None:
    (name, *_) = sorted(path.name for path in folder.glob("*.yaml"))
    for flags in ([], ["--json"]):
        shown = call("cards", "show", f"{filled}/{name}", *flags)
        assert shown.exit_code == 0, shown.output
        assert shown.output == call("cards", "show", folder / name, *flags).output


def test_cards_in_a_bucket_are_validated(s3: S3, filled: str, folder: Path) -> None:
    count = RUNS * TRACES
    assert call("cards", "validate", filled).output == f"{count} valid, 0 not\n"
    (name, *_) = sorted(path.name for path in folder.glob("*.yaml"))
    assert call("cards", "validate", f"{filled}/{name}", folder).output == (
        f"{count + 1} valid, 0 not\n"
    )
    s3.put(filled, {"empty.yaml": b"", "large.yaml": b"x" * 2_000_000, "other.txt": b"-"})
    result = call("cards", "validate", filled)
    assert result.exit_code == 1
    assert f"{count} valid, 2 not" in result.output
    assert f"{filled}/empty.yaml is no valid TraceCard" in result.output
    assert f"{filled}/large.yaml has over" in result.output
    listed = call("cards", "ls", filled, "--json")
    assert f"left out: {filled}/empty.yaml" in listed.output


def test_what_is_not_there_is_told(s3: S3, where: str) -> None:
    for command in (["ls", where], ["show", f"{where}/x.yaml"], ["ls", f"s3://no-{s3.bucket()}"]):
        result = call("cards", *command)
        assert result.exit_code == 1
        assert result.output.startswith(f"Error: cannot read {command[1]}")


def test_a_list_of_several_pages_is_whole(s3: S3, where: str) -> None:
    """S3 gives a thousand names at a time."""
    s3.put(where, {f"{n}.yaml": b"" for n in range(2100)})
    assert len(card_names(open_store(where))) == 2100


def test_cards_are_read_in_order_with_where_they_are(filled: str, folder: Path) -> None:
    names = sorted(path.name for path in folder.glob("*.yaml"))
    assert list(read_cards(filled)) == [
        (f"{filled}/{name}", card)
        for name, (_, card) in zip(names, read_cards(folder), strict=True)
    ]
