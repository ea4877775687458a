"""Every target for some seconds under atheris, guided by coverage. ``make fuzz`` runs longer."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fuzz.__main__ import table
from tests.fuzz.seeds import dictionary, seeds
from tests.fuzz.session import Session, fuzz
from tests.fuzz.targets import TARGETS, Target

SECONDS = 8
MIN_EXECUTIONS = 30
"""Beyond the seeds; the slowest target tries more in a second on a machine that is not busy."""

needs_atheris = pytest.mark.skipif(
    find_spec("atheris") is None,
    reason="atheris is not installed: it has wheels for CPython 3.11 to 3.13 on Linux x86-64 alone",
)


@needs_atheris
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", TARGETS)
def test_no_input_that_coverage_leads_to_crashes_takes_long_or_takes_much_memory(
    name: str, tmp_path: Path
) -> None:
    target = TARGETS[name]
    session = fuzz(target, tmp_path, SECONDS)
    assert not session.failure, session.failure
    assert session.crashes == []
    assert session.executions > len(list(seeds(target))) + MIN_EXECUTIONS
    assert session.inputs > 1
    assert session.edges > 1


def _fail(data: bytes) -> None:
    if b"\n" in data:
        raise ValueError(data)


BROKEN = Target("tests.fuzz.test_atheris:BROKEN", _fail)


@needs_atheris
@pytest.mark.slow
def test_an_input_that_crashes_is_kept_and_told(tmp_path: Path) -> None:
    session = fuzz(BROKEN, tmp_path, SECONDS)
    (crash,) = session.crashes
    assert b"\n" in crash.read_bytes()
    assert "exit status 77" in session.failure
    assert "ValueError: b'" in session.failure


def test_a_dictionary_has_words_in_quotes() -> None:
    lines = dictionary().splitlines()
    assert len(lines) > 300
    assert all(line.startswith('"\\x') and line.endswith('"') for line in lines)


def test_sessions_are_told_in_a_table_with_their_sums() -> None:
    sessions = [Session("a", 2, 1000, 7, 3, 90), Session("b", 3, 5, 1, 1, 80, [Path("crash-1")])]
    assert table(sessions).splitlines()[2:] == [
        "| a | 2 | 1,000 | 7 | 3 | 90 | 0 |",
        "| b | 3 | 5 | 1 | 1 | 80 | 1 |",
        "| all | 5 | 1,005 | | | | 1 |",
    ]
