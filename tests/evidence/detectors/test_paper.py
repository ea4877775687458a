"""The paper's rule does what its description says."""

from dataclasses import replace

import pytest

from tests.evidence.detectors.paper import flagged_calls
from tests.evidence.traces import Call

READ = Call(1, "a" * 16, "read", "", "{}", "", "{}", "", failed=False)


def _flagged(*calls: Call) -> list[int]:
    return [call.n for call in flagged_calls(calls)]


def _call(n: int, recorded: str | None, tool: str = "read", result: str = "") -> Call:
    return replace(READ, n=n, tool=tool, recorded=recorded, result=result)


@pytest.mark.parametrize(
    ("first", "second", "is_flagged"),
    [
        ('{"path": "a.py"}', '{"path": "a.py"}', True),
        ("abcde", "abcdX", True),  # 1 of 5 characters: exactly 0.8
        ("abcd", "abcX", False),  # 1 of 4: 0.75
        ("abcde", "abcdefg", False),  # 2 of 7: over the longer text
        ("{}", "{}", True),
    ],
)
def test_arguments_that_are_four_fifths_alike_are_a_repeat(
    first: str, second: str, is_flagged: bool
) -> None:
    assert _flagged(_call(1, first), _call(2, second)) == ([2] if is_flagged else [])


def test_results_are_not_looked_at() -> None:
    assert _flagged(_call(1, "x", result="1"), _call(2, "x", result="2")) == [2]


def test_calls_of_other_tools_are_no_repeats() -> None:
    assert _flagged(_call(1, "x"), _call(2, "x", tool="write"), _call(3, "x")) == [3]


def test_any_earlier_call_will_do() -> None:
    assert _flagged(_call(1, "aaaaa"), _call(2, "zzzzz"), _call(3, "aaaab")) == [3]


def test_calls_whose_arguments_were_not_recorded_are_passed_over() -> None:
    assert _flagged(_call(1, None), _call(2, None), _call(3, "")) == []
