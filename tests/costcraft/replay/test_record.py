"""``replay.yaml``: what is written is read."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.costcraft.replay.record import (
    Deletion,
    ReplayedRun,
    Replays,
    load_replays,
    save_replays,
)
from clawtrace_otel.errors import CostCraftError

IDS = st.sampled_from(["0af7651916cd43dd8448eb211c80319c", "11111111111111111111111111111111"])
TEXTS = st.text(max_size=12) | st.sampled_from(["no", "1e3", "a: b", "'", "\n", "~"])
RUNS = st.builds(
    ReplayedRun,
    IDS,
    TEXTS,
    TEXTS,
    st.integers(0, 99),
    st.booleans(),
    TEXTS,
    TEXTS,
    st.dictionaries(st.sampled_from(["DB", "ACTION"]), st.booleans()),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
)
DELETIONS = st.builds(
    Deletion,
    IDS,
    st.lists(st.integers(1, 99), min_size=1, max_size=3).map(tuple),
    st.lists(TEXTS, max_size=3).map(tuple),
    st.booleans(),
    TEXTS,
)


@given(st.lists(RUNS, max_size=3), st.lists(DELETIONS, max_size=4))
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, runs: list[ReplayedRun], deletions: list[Deletion]
) -> None:
    path = tmp_path_factory.getbasetemp() / "replays" / "replay.yaml"
    save_replays(Replays(runs=runs, deletions=deletions), path)
    assert load_replays(path) == Replays(runs=runs, deletions=deletions)


@given(st.lists(DELETIONS, max_size=6), st.lists(DELETIONS, max_size=6))
@settings(max_examples=50, deadline=None)
def test_what_is_added_replaces_what_was_known(
    first: list[Deletion], second: list[Deletion]
) -> None:
    replays = Replays(deletions=first)
    replays.add(Replays(deletions=second))
    last = {(d.trace_id, d.steps): d for d in [*first, *second]}
    assert {(d.trace_id, d.steps): d for d in replays.deletions} == last
    assert len(replays.deletions) == len(last)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("replay: 2", "Invalid enum value 2"),
        ("replay: 1\ndeletions: [{steps: [1]}]", "`trace_id`"),
        ("replay: 1\nruns: 7", "$.runs"),
        ("replay: [", "replay.yaml"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "replay.yaml"
    path.write_text(text)
    with pytest.raises(CostCraftError) as error:
        load_replays(path)
    assert str(path) in str(error.value)
    assert why in str(error.value)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CostCraftError, match="cannot write"):
        save_replays(Replays(), tmp_path / "file" / "replay.yaml")
