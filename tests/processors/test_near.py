"""Near equality loses no pair."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from clawtrace_otel.processors.near import DEFAULT_THRESHOLD, NearIndex

THRESHOLDS = st.sampled_from([0.14, 0.5, 0.55, 0.56, 0.8, 0.9, 0.95, 1.0]) | st.floats(0.05, 1.0)
WORDS = st.text("ab", max_size=24)


def similarity(a: str, b: str) -> float:
    return Levenshtein.normalized_similarity(a, b)


def brute_force(texts: list[str], text: str, threshold: float) -> str | None:
    """The first of the most similar ones, found by looking at every text."""
    near = [(similarity(text, other), -n) for n, other in enumerate(texts)]
    best = max((pair for pair in near if pair[0] >= threshold), default=None)
    return texts[-best[1]] if best else None


def find(texts: list[str], text: str, threshold: float) -> str | None:
    index = NearIndex(threshold)
    for other in texts:
        index.add(other)
    return index.find(text)


@given(st.lists(WORDS, unique=True, max_size=12), WORDS, THRESHOLDS)
def test_what_is_found_is_what_brute_force_finds(
    texts: list[str], text: str, threshold: float
) -> None:
    assert find(texts, text, threshold) == brute_force(texts, text, threshold)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 100))
def test_no_pair_of_lengths_at_the_threshold_is_lost(a: int, b: int, percent: int) -> None:
    """Texts that differ by nothing but what one has more are as near as their lengths allow."""
    one, other, threshold = "a" * a, "a" * b, percent / 100
    expected = one if similarity(one, other) >= threshold else None
    assert find([one], other, threshold) == expected


@pytest.mark.parametrize(
    ("a", "b", "percent"), [(20, 11, 55), (11, 20, 55), (50, 7, 14), (7, 50, 14), (5, 4, 80)]
)
def test_a_rounded_float_does_not_lose_a_pair(a: int, b: int, percent: int) -> None:
    """20 * 0.55 is over 11, and 1 - 0.8 is under 0.2."""
    assert similarity("a" * a, "a" * b) >= percent / 100
    assert find(["a" * a], "a" * b, percent / 100) == "a" * a


def realistic(r: random.Random) -> str:
    """Arguments as tools get them: one template, other values."""
    name = r.choice(["report", "summary", "raw_data"]) + str(r.randint(1, 40))
    city = r.choice(["Berlin", "Bern", "Paris"])
    return r.choice(
        [
            f'{{"path":"/home/user/project/{name}.xlsx","sheet":{r.randint(1, 12)}}}',
            f'{{"sql":"SELECT * FROM orders WHERE id = {r.randint(1, 5000)} LIMIT 10"}}',
            f'{{"query":"weather in {city} on {r.randint(1, 31)}"}}',
        ]
    )


@pytest.mark.parametrize("threshold", [0.8, DEFAULT_THRESHOLD, 0.97])
def test_realistic_arguments_are_found_as_by_brute_force(threshold: float) -> None:
    r = random.Random(7)
    texts = list(dict.fromkeys(realistic(r) for _ in range(600)))
    index, earlier, found = NearIndex(threshold), list[str](), 0
    for text in texts:
        expected = brute_force(earlier, text, threshold)
        assert index.find(text) == expected
        found += expected is not None
        index.add(text)
        earlier.append(text)
    assert found > 50


def test_of_equally_similar_texts_the_first_is_taken() -> None:
    """Also where they differ in length: one edit of ten characters is one edit of ten."""
    text, longer, shorter = "abcdefghij", "abcdefghiX", "abcdefghi"
    assert similarity(text, longer) == similarity(text, shorter) == 0.9
    assert find([longer, shorter], text, 0.9) == longer
    assert find([shorter, longer], text, 0.9) == shorter
    assert find(["abcdefghiX", "abcdefghiY"], text, 0.9) == "abcdefghiX"


def test_a_more_similar_text_wins_over_an_earlier_one() -> None:
    assert find(["a" * 18 + "XY", "a" * 19 + "X"], "a" * 20, 0.9) == "a" * 19 + "X"


def test_nothing_is_near_in_an_empty_index() -> None:
    assert find([], "anything", 0.1) is None


@pytest.mark.parametrize("threshold", [0.5, 0.9])
def test_texts_outside_the_window_of_lengths_cost_nothing(threshold: float) -> None:
    index = NearIndex(threshold)
    for n in (10, 1000):
        index.add("a" * n)
    assert index.cost("a" * 100) == 0
    assert index.cost("a" * 10) == 1


def test_the_cost_of_a_look_up_grows_with_texts_and_their_length() -> None:
    index = NearIndex(0.9)
    for n in range(50):
        index.add(f"{n:02}" + "a" * 398)
    assert index.cost("a" * 400) == 50 * 3
