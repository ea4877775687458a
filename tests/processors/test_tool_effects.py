"""What is known of a tool's effect on state."""

import pytest

from clawtrace_otel.processors.tool_effects import ToolEffects
from tests.tracecard.traces import TraceBuilder


def changes(
    tool: str,
    *,
    span: bool | None = None,
    read_only: tuple[str, ...] = (),
    state_changing: tuple[str, ...] = (),
    hinted: tuple[str, ...] = (),
) -> bool | None:
    step = TraceBuilder().tool(tool, read_only=span)
    return ToolEffects(read_only, state_changing).changes_state(step, hinted)


def test_nothing_is_known_of_a_tool_that_nobody_mentions() -> None:
    assert changes("read_file") is None
    assert changes("read_file", read_only=("other",), hinted=("another",)) is None


@pytest.mark.parametrize(("says", "expected"), [(True, False), (False, True)])
def test_what_the_span_says_wins_over_everything(says: bool, expected: bool) -> None:
    every = ("*",)
    assert changes("t", span=says) is expected
    assert changes("t", span=says, read_only=every, hinted=("t",)) is expected
    assert changes("t", span=says, state_changing=every) is expected


def test_the_settings_win_over_the_hint_of_a_definition() -> None:
    assert changes("t", hinted=("t",)) is False
    assert changes("t", hinted=("t",), state_changing=("t",)) is True
    assert changes("t", read_only=("t",)) is False


def test_state_changing_wins_over_read_only() -> None:
    assert changes("get_lock", read_only=("get_*",), state_changing=("*_lock",)) is True


@pytest.mark.parametrize(
    ("glob", "tool", "matches"),
    [
        ("read_*", "read_file", True),
        ("read_*", "READ_file", False),
        ("read", "read_file", False),
        ("*", "", True),
        ("mcp__*__get_?", "mcp__shop__get_1", True),
    ],
)
def test_tools_are_globs_with_case(glob: str, tool: str, matches: bool) -> None:
    assert changes(tool, read_only=(glob,)) is (False if matches else None)
