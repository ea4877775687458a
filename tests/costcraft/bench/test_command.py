"""The agent's command line."""

import sys
from pathlib import Path

import pytest

from clawtrace_otel.costcraft.bench.command import CommandLine
from clawtrace_otel.errors import CostCraftError


def test_places_are_filled_in_and_other_braces_stay(tmp_path: Path) -> None:
    command = CommandLine.parse(
        f"{sys.executable} {{here}}/a.py '{{\"a\": {{b}}}}' {{prompt}}", tmp_path
    )
    filled = command.fill({"prompt": "say {here}; rm -rf $HOME"})
    assert filled[1:] == [f"{tmp_path}/a.py", '{"a": {b}}', "say {here}; rm -rf $HOME"]


def test_the_program_is_found_where_the_command_was_given() -> None:
    assert CommandLine.parse("sh -c true", Path.cwd()).fill({})[0].endswith("/sh")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the command is empty"),
        ("no-such-agent --fast", "there is no executable 'no-such-agent'"),
        ("sh -c 'x", "cannot be read: No closing quotation"),
    ],
)
def test_a_command_that_cannot_be_run_is_refused(text: str, said: str) -> None:
    with pytest.raises(CostCraftError, match=said):
        CommandLine.parse(text, Path.cwd())


def test_a_file_that_the_agent_would_not_find_is_refused(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "agent.py").touch()
    command = CommandLine.parse(f"{sys.executable} code/agent.py", tmp_path)
    with pytest.raises(CostCraftError, match=r"write '\{here\}/code/agent\.py'"):
        command.check_files([])
    CommandLine.parse(f"{sys.executable} {{here}}/code/agent.py", tmp_path).check_files([])
    command.check_files(["code"])
