import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.semconv.step import Usage
from clawtrace_otel.semconv.usage import InvalidValueError, read_cost, read_usage

COUNTS = st.integers(0, 10**6)
OPENAI = {
    "prompt_tokens": 1500,
    "completion_tokens": 32,
    "total_tokens": 1532,
    "prompt_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 100},
    "completion_tokens_details": {"reasoning_tokens": 8},
}
READ = Usage(fresh=376, cache_read=1024, cache_write_5m=100, output=32, reasoning=8)


@pytest.mark.parametrize("write", [dict, json.dumps, repr])
def test_usage_is_read_from_an_object_its_json_and_its_python_repr(write: object) -> None:
    assert callable(write)
    assert read_usage({"usage_details": write(OPENAI)}) == READ


@pytest.mark.parametrize(
    "details",
    [
        {
            "input_tokens": 1500,
            "input_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 100},
            "output_tokens": 32,
            "output_tokens_details": {"reasoning_tokens": 8},
        },
        {
            "input_tokens": 1500,
            "output_tokens": 32,
            "input_token_details": {"cache_read": 1024, "cache_creation": 100},
            "output_token_details": {"reasoning": 8},
        },
        # Langfuse's documentation and its callback for LangChain.
        {"input": 376, "input_cached_tokens": 1024, "input_cache_creation": 100}
        | {"output": 24, "output_reasoning_tokens": 8, "total": 1532},
        {"input": 376, "input_cache_read": 1024, "input_cache_creation": 100, "input_audio": 0}
        | {"output": 24, "output_reasoning": 8, "output_audio": 0},
    ],
    ids=["responses", "langchain", "langfuse", "langfuse_callback"],
)
def test_the_same_usage_is_read_from_all_words_for_it(details: object) -> None:
    assert read_usage({"usage_details": details}) == READ


@settings(max_examples=50)
@given(cached=COUNTS, written=COUNTS, fresh=COUNTS, audio=COUNTS, output=COUNTS, reasoning=COUNTS)
def test_what_langfuse_takes_out_of_openais_sums_is_not_taken_out_again(
    cached: int, written: int, fresh: int, audio: int, output: int, reasoning: int
) -> None:
    """As Langfuse's own server and its callbacks do it; audio tokens are input like any other."""
    openai = {
        "prompt_tokens": cached + written + fresh + audio,
        "completion_tokens": output + reasoning,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_creation_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    langfuse = {
        "input": fresh,
        "input_cached_tokens": cached,
        "input_cache_creation": written,
        "input_audio_tokens": audio,
        "output": output,
        "output_reasoning_tokens": reasoning,
    }
    assert read_usage({"usage_details": langfuse}) == read_usage({"usage_details": openai})


def test_counts_of_openais_priority_tier_are_not_added_to_langfuses_others() -> None:
    details = {"input": 10, "input_priority": 10, "input_priority_cache_read": 5, "output": 3}
    assert read_usage({"usage_details": details}) == Usage(fresh=10, output=3)


def test_langsmiths_details_are_two_reprs_beside_the_sums() -> None:
    found = {
        "input_tokens": 1500,
        "output_tokens": 32,
        "input_details": "{'cache_read': 1024, 'cache_creation': 100}",
        "output_details": "{'reasoning': 8}",
    }
    assert read_usage(found) == READ


def test_sums_of_a_span_win_over_those_of_its_details_which_exclude_the_cached() -> None:
    raw = {
        "input_tokens": 176,
        "output_tokens": 48,
        "cache_creation_input_tokens": 1024,
        "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 24},
    }
    found = {"input_tokens": 1200, "output_tokens": 48, "usage_details": json.dumps(raw)}
    read = Usage(fresh=176, cache_write_5m=24, cache_write_1h=1000, output=48)
    assert read_usage(found) == read
    assert read_usage({"usage_details": raw}) == read


@pytest.mark.parametrize("details", ["", "{", "{}", "[]", "7", '{"tokens": 5}', [1], 7])
def test_details_of_no_known_shape_tell_nothing(details: object) -> None:
    assert read_usage({"usage_details": details}) is None


@pytest.mark.parametrize("count", [-1, 0.5, "many", True])
def test_a_count_among_the_details_that_makes_no_sense_is_refused(count: object) -> None:
    with pytest.raises(InvalidValueError, match=r"^input_tokens="):
        read_usage({"usage_details": {"prompt_tokens": count}})


@pytest.mark.parametrize(
    ("costs", "cost"),
    [
        ('{"input": 0.001, "output": 0.002, "total": 0.003}', 3_000_000_000),
        ('{"input": 0.001, "output": 0.002}', 3_000_000_000),
        ({"total": "0.5"}, 500_000_000_000),
        ('{"input": 0, "output": 0, "total": 0}', None),
        ("{}", None),
    ],
)
def test_costs_by_kind_are_their_total_or_their_sum(costs: object, cost: int | None) -> None:
    assert read_cost({"cost_details": costs}) == cost


def test_a_cost_of_the_span_wins_over_costs_by_kind() -> None:
    assert read_cost({"cost": 0.5, "cost_details": {"total": 7}}) == 500_000_000_000


@pytest.mark.parametrize("costs", ['{"total": -1}', '{"total": "much"}', '{"input": true}'])
def test_costs_by_kind_that_make_no_sense_are_refused(costs: str) -> None:
    with pytest.raises(InvalidValueError):
        read_cost({"cost_details": costs})
