"""The drawn pairs and their labels."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.evidence.generated import generated
from tests.evidence.pairs.draw import Pair, draw, pairs_of, weights
from tests.evidence.pairs.labels import FILE, labels

HEAD = "file,trace_id,first,second,label,close,reason\n"
ROW = "a.json,ab,1,2,redundant,,the same again\n"


def _keys(pairs: object) -> list[object]:
    assert isinstance(pairs, list | tuple)
    return [pair.key for pair in pairs if isinstance(pair, Pair)]


def test_at_least_two_hundred_pairs_are_labelled_each_with_its_reason() -> None:
    found = labels()
    assert len(found) >= 200
    assert all(label.reason for label in found.values())
    said = Counter(label.said for label in found.values())
    assert said["redundant"] > 50 < said["not redundant"]


def test_nothing_of_the_runs_is_in_the_labels() -> None:
    """Reasons are plain words: no names, ids or numbers."""
    for key, label in labels().items():
        assert re.fullmatch(r"[a-z][a-z ,:;-]{5,110}", label.reason), label.reason
        assert re.fullmatch(r"[0-9a-f]{32}", key.trace_id)
        assert 0 < key.first < key.second


def test_rows_are_in_order() -> None:
    assert list(labels()) == sorted(labels())


@pytest.mark.parametrize(
    "row",
    [ROW.replace("redundant", "perhaps"), ROW.replace(",,", ",no,"), ROW.replace("2", "x"), ROW],
    ids=["label", "close", "number", "twice"],
)
def test_a_row_that_is_not_as_it_should_be_is_refused(tmp_path: Path, row: str) -> None:
    file = tmp_path / FILE.name
    file.write_text(HEAD + ROW + row)
    with pytest.raises(ValueError, match=r"labels\.csv|invalid literal"):
        labels(file)


def test_a_call_is_paired_with_the_most_similar_earlier_call_of_its_tool() -> None:
    truth = generated(10)
    pairs = [pair for trace in truth.traces for pair in pairs_of(trace)]
    again = {
        (pair.trace.trace_id, pair.second.span_id): pair
        for pair in pairs
        if pair.stratum.band == "equal"
    }
    for key, known in truth.truths.items():
        if known.redundant and known.case == "again, equal":
            pair = again[key]
            assert pair.first.arguments == pair.second.arguments
            assert pair.first.tool == pair.second.tool
            assert pair.first.n < pair.second.n
            assert pair.stratum.equal_result


def test_the_same_pairs_are_drawn_whatever_their_order_and_they_stand_for_all() -> None:
    pairs = [pair for trace in generated(30).traces for pair in pairs_of(trace)]
    chosen = list(draw(pairs))
    assert _keys(chosen) == _keys(list(draw(reversed(pairs))))
    assert _keys(chosen) != _keys(list(draw(pairs, seed=7)))
    assert sum(weights(chosen, pairs)) == pytest.approx(len(pairs))
