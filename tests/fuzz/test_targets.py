"""Every target with inputs of hypothesis: a short search, as a part of all tests.

``tests/fuzz/test_atheris.py`` and ``make fuzz`` search longer, guided by coverage.
"""

from collections.abc import Iterator
from functools import cache, partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawtrace_otel.semconv import masking
from clawtrace_otel.semconv.dialects import BY_FIELD, BY_KIND, READ, READ_EVENTS
from tests.fuzz.checks import compiler
from tests.fuzz.choices import CHOICES, RandomChoices
from tests.fuzz.guard import loud, timed
from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import seeds
from tests.fuzz.spans import DIALECTS, EVENTS, KEYS
from tests.fuzz.targets import TARGETS, Target

BYTES = [name for name, target in TARGETS.items() if target.run is not None]
GENERATED = [name for name, target in TARGETS.items() if target.generated is not None]

some = settings(max_examples=30, suppress_health_check=list(HealthCheck))
few = settings(some, max_examples=10)


@pytest.fixture(autouse=True)
def _loud() -> Iterator[None]:
    masking.warm_up()
    compiler()
    with loud():
        yield


@cache
def some_seeds(name: str) -> list[bytes]:
    """At most fifty seeds of a target, spread over all of them."""
    known = list(seeds(TARGETS[name]))
    return known[:: len(known) // 50 + 1]


@st.composite
def damaged(draw: st.DrawFn, target: Target) -> bytes:
    """A seed, with bytes exchanged, left out or added; as JSON too where it is some."""
    seed = draw(st.sampled_from(some_seeds(target.name)))
    if target.is_json and draw(st.booleans()):
        return mutated(RandomChoices(draw(st.randoms(use_true_random=False))), seed) or seed
    start = draw(st.integers(0, len(seed)))
    end = draw(st.sampled_from([start, start + 1, start + 8, len(seed)]))
    return seed[:start] + draw(st.binary(max_size=8)) + seed[end:]


@pytest.mark.parametrize("name", BYTES)
def test_known_inputs_are_read_in_time(name: str) -> None:
    run = TARGETS[name].run
    assert run is not None
    for seed in some_seeds(name):
        timed(partial(run, seed))


@some
@pytest.mark.parametrize("name", BYTES)
@given(data=st.data())
def test_any_bytes_are_read_or_refused_by_the_error_that_is_promised(
    name: str, data: st.DataObject
) -> None:
    target = TARGETS[name]
    given_bytes = data.draw(damaged(target) | st.binary(max_size=64))
    run = target.run
    assert run is not None
    timed(partial(run, given_bytes))


@few
@pytest.mark.parametrize("name", GENERATED)
@given(choices=CHOICES)
def test_any_values_of_any_attributes_become_steps_and_cards_that_add_up(
    name: str, choices: RandomChoices
) -> None:
    generated = TARGETS[name].generated
    assert generated is not None
    timed(partial(generated, choices))


def test_every_key_and_event_that_is_read_is_generated() -> None:
    assert set(KEYS) == READ
    assert set(EVENTS) == READ_EVENTS
    assert {dialect.name for dialect in (*BY_KIND, *BY_FIELD)} == {d.name for d in DIALECTS}
