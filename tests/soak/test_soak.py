"""A short soak in each test run; the long one is ``make soak``."""

from pathlib import Path

import pytest

from tests.soak.run import soak


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_is_lost_or_doubled_under_load_with_kills(tmp_path: Path) -> None:
    result = soak(tmp_path, minutes=40 / 60, processes=1, seed=2)
    assert result.sent.failures == []
    assert result.balance.problems[:5] == []
    assert result.is_well, result.table()
    assert result.balance.in_cards == result.sent.spans > 1000
    assert result.kills >= 1
    assert "| spans lost | 0 |" in result.table()
