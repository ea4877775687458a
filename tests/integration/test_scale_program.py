"""``python -m tests.scale`` counts what it sends, and says what it costs."""

from pathlib import Path

import pytest

from tests.postgres import Postgres, missing
from tests.scale import measure as measuring
from tests.scale.__main__ import WHO, table
from tests.scale.measure import measure


@pytest.mark.timeout(200)
def test_a_short_run_gives_a_rate_and_a_cost_for_each_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := missing():
        pytest.skip(f"PostgreSQL is not installed: {reason}")
    monkeypatch.setattr(measuring, "WARM_UP_SECONDS", 1.0)
    monkeypatch.setattr(measuring, "SETTINGS", measuring.SETTINGS | {"settle_seconds": 0.5})
    postgres = Postgres()
    try:
        postgres.start()
        found = measure(tmp_path, postgres, 1, 3.0)
    finally:
        postgres.remove()
    assert found.spans > 0
    assert all(found.cpu(who) > 0 for who in WHO if who != "sender")
    lines = table([found, found]).splitlines()
    assert lines[0] == "| replicas | 1 | 1 |"
    assert "| times that of 1 | 1.00 | 1.00 |" in lines
