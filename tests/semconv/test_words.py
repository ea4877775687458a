"""Words of texts as hashes, and how much of one text comes up in others."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.semconv.words import MAX_CHARS, MAX_WORDS, used_share, words_of


def share(said: str, later: str, known: str = "") -> float | None:
    return used_share(words_of([said]), [words_of([known])], [words_of([later])])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Revenue GREW", "revenue grew"),
        ("revenue grew", "grew, grew: (revenue)!"),
        ("the is at revenue", "revenue"),  # short words tell nothing
        ("Überschuss wächst", "überschuss — wächst."),
        ("", "a an it"),
    ],
)
def test_texts_with_the_same_telling_words_are_equal(one: str, other: str) -> None:
    assert words_of([one]) == words_of([other])


@pytest.mark.parametrize("number", ["7", "0.26", "1,024", "2026-11-02", "10:45", "v2"])
def test_a_number_is_one_telling_word_however_short(number: str) -> None:
    assert len(words_of([f"is {number} to"])) == 1
    assert words_of([number]) != words_of([number + "1"])


def test_texts_are_taken_together_up_to_a_length() -> None:
    assert words_of(["alpha", "beta"]) == words_of(["alpha beta"])
    assert words_of(["x " * MAX_CHARS + "revenue"]) == ()


def test_of_a_long_text_the_words_with_the_smallest_hashes_are_kept_in_order() -> None:
    every = sorted({h for n in range(1000) for h in words_of([f"word{n}"])})
    assert words_of([f"word{n}" for n in range(1000)]) == tuple(every[:MAX_WORDS])


@pytest.mark.parametrize(
    ("said", "later", "known", "used"),
    [
        ("revenue grew strongly", "the revenue is up", "", 1 / 3),
        ("revenue grew strongly", "Strongly grew the revenue", "", 1.0),
        ("revenue grew strongly", "nothing", "", 0.0),
        ("revenue grew strongly", "revenue", "look at the revenue", 0.0),
        ("revenue grew", "revenue grew", "revenue grew", None),
        ("", "revenue", "", None),
    ],
)
def test_the_share_is_of_the_words_that_were_not_known_before(
    said: str, later: str, known: str, used: float | None
) -> None:
    assert share(said, later, known) == used


@pytest.mark.parametrize("exact", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_of_long_texts_the_share_is_estimated_without_bias(exact: float) -> None:
    """Texts of 400 words, of which a known part comes up in another text as long.

    A sample of about 32 common words a pair has a standard deviation of at most 0.09; the mean of
    100 pairs is within 0.05 with a wide margin, and each within 0.45.
    """
    r = random.Random(4)
    found = []
    for _ in range(100):
        numbers = r.sample(range(10**6), 800)
        common = int(400 * exact)
        said = " ".join(f"word{n}" for n in numbers[:400])
        later = " ".join(f"word{n}" for n in [*numbers[:common], *numbers[400 : 800 - common]])
        estimate = share(said, later)
        assert estimate is not None
        found.append(estimate)
    assert sum(found) / len(found) == pytest.approx(exact, abs=0.05)
    assert all(abs(estimate - exact) <= 0.45 for estimate in found)


@given(st.lists(st.sampled_from([f"word{n}" for n in range(30)])), st.sets(st.integers(0, 29)))
@settings(max_examples=100)
def test_of_short_texts_the_share_is_exact(said: list[str], later: set[int]) -> None:
    expected = [word in {f"word{n}" for n in later} for word in set(said)]
    found = share(" ".join(said), " ".join(f"word{n}" for n in later))
    assert found == (sum(expected) / len(expected) if expected else None)


@given(st.text(max_size=400), st.text(max_size=400), st.text(max_size=400))
@settings(max_examples=100)
def test_a_share_is_between_0_and_1_whatever_the_texts(said: str, later: str, known: str) -> None:
    found = share(said, later, known)
    assert found is None or 0 <= found <= 1
