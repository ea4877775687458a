"""Times that were written down, and ids that follow from what they identify."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.ids import SPAN_BYTES, TRACE_BYTES, derived_id
from clawtrace_otel.times import iso_ns, time_ns

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-02T00:00:00Z", DAY_MS * 10**6),
        ("1970-01-02T01:00:00+01:00", DAY_MS * 10**6),
        ("1970-01-02T00:00:00.000001", DAY_MS * 10**6 + 1000),
        ("1970-01-01", 0),
        ("1969-12-31T23:59:59Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("2262-04-11T23:47:16.854775Z", (2**63 - 1) // 1000 * 1000),
        ("2262-04-11T23:47:16.854776Z", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_iso_8601_is_unix_time_and_utc_without_a_zone(text: str, ns: int | None) -> None:
    assert iso_ns(text) == ns
    assert time_ns(text) == (ns or 0)


@pytest.mark.parametrize("value", [None, True, -1, 0, float("nan"), float("inf"), 10**30, [], {}])
def test_what_is_no_time_is_zero(value: object) -> None:
    assert time_ns(value) == 0


@given(st.datetimes(datetime(1970, 1, 1), datetime(2262, 4, 11), timezones=st.just(UTC)))
def test_a_time_is_the_same_as_text_and_as_milliseconds(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    assert time_ns(whole.isoformat()) == time_ns(int(whole.timestamp()) * 1000)
    assert iso_ns(moment.isoformat()) == time_ns(whole.isoformat()) + moment.microsecond * 1000


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_ids_are_hex_of_their_size_and_depend_on_all_parts(parts: list[str]) -> None:
    for size in (TRACE_BYTES, SPAN_BYTES):
        found = derived_id(size, *parts)
        assert len(bytes.fromhex(found)) == size
        assert found == derived_id(size, *parts) != derived_id(size, *parts, "more")


def test_ids_of_file_names_that_are_no_utf_8_differ() -> None:
    assert derived_id(SPAN_BYTES, "\udcff") != derived_id(SPAN_BYTES, "\udcfe")
