"""The labelled pairs are those that are drawn from the recorded runs."""

import pytest

from tests.corpora.folder import CORPORA, reads_corpora
from tests.evidence.detectors import ours
from tests.evidence.known_tools import RECORDED
from tests.evidence.pairs.draw import all_pairs, drawn, recorded, weights
from tests.evidence.pairs.labels import labels

pytestmark = [*reads_corpora, pytest.mark.slow]


def test_every_drawn_pair_is_labelled_and_no_other() -> None:
    assert {pair.key for pair in drawn()} == labels().keys()


def test_every_label_names_two_calls_of_one_tool() -> None:
    calls = {
        (trace.file.as_posix(), trace.trace_id, call.n): call.tool
        for trace in recorded()
        for call in trace.calls()
    }
    for file, trace_id, first, second in labels():
        assert (CORPORA / file).is_file()
        assert calls[file, trace_id, first] == calls[file, trace_id, second]


def test_drawn_pairs_stand_for_all() -> None:
    assert sum(weights(drawn(), all_pairs())) == pytest.approx(len(all_pairs()))


def test_no_call_counts_as_waste_that_a_reader_found_useful() -> None:
    flagged = ours.flag(recorded(), ours.is_waste, RECORDED)
    said = labels()
    counted = [
        said[pair.key].redundant
        for pair in drawn()
        if (pair.trace.trace_id, pair.second.span_id) in flagged
    ]
    assert len(counted) > 30
    assert all(counted)
