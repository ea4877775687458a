"""What redundo says of calls is brought back to those calls."""

import pytest

from tests.evidence.detectors import Flagged, redundo
from tests.evidence.generated import KNOWN, Generated, generated

RUNS = 12


@pytest.fixture(scope="module")
def truth() -> Generated:
    return generated(RUNS)


def _scenes(truth: Generated, flagged: Flagged) -> set[str]:
    return {truth.truths[key].case for key in flagged}


@pytest.mark.parametrize("form", [redundo.OPENINFERENCE, redundo.LOCALTRACE], ids=lambda f: f.name)
def test_equal_calls_are_found_again_and_changed_answers_are_legitimate(
    truth: Generated, form: redundo.Form
) -> None:
    said = redundo.run(truth.traces, form, KNOWN)
    exact = said[redundo.CONFIRMED] | said[redundo.UNCLASSIFIED]
    equal = {
        key
        for key, known in truth.truths.items()
        if known.case == "again, equal" and known.redundant
    }
    assert len(equal) > 10
    assert equal <= exact
    assert "polling: progress" in _scenes(truth, said["likely_legitimate"])
    assert "polling: progress" not in _scenes(truth, exact)


def test_waste_is_confirmed_in_runs_alone_that_failed(truth: Generated) -> None:
    failed = {trace.trace_id for trace in truth.traces if trace.passed is False}
    confirmed = redundo.run(truth.traces, redundo.LOCALTRACE, KNOWN)[redundo.CONFIRMED]
    assert confirmed
    assert {trace_id for trace_id, _ in confirmed} <= failed


def test_near_duplicates_are_told_by_the_spans_of_its_plugin_alone(truth: Generated) -> None:
    plain = redundo.run(truth.traces, redundo.OPENINFERENCE, KNOWN)
    rich = redundo.run(truth.traces, redundo.LOCALTRACE, KNOWN)
    assert not plain[redundo.NEAR]
    assert "new: one template, other values" in _scenes(truth, rich[redundo.NEAR])
