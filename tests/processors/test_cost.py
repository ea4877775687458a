"""The cost of a call as span attributes."""

from clawtrace_otel.money import PER_USD
from clawtrace_otel.pricing.pricer import Price, Pricer
from clawtrace_otel.processors.cost import cost_attributes
from tests.pricing.calls import call, mtok


def test_a_known_cost_is_in_usd_with_its_source() -> None:
    assert cost_attributes(Price(cost=mtok("2.5", 1000), source="user")) == {
        "clawtrace.cost.usd": mtok("2.5", 1000) / PER_USD,
        "clawtrace.cost.source": "user",
    }


def test_a_supplied_cost_is_labelled_so() -> None:
    attributes = cost_attributes(Pricer().price(call(supplied=PER_USD)))
    assert attributes == {"clawtrace.cost.usd": 1.0, "clawtrace.cost.source": "supplied"}


def test_nothing_to_pay_is_a_cost() -> None:
    assert cost_attributes(Price(cost=0, source="user"))["clawtrace.cost.usd"] == 0.0


def test_an_unknown_cost_is_absent_and_its_reason_present() -> None:
    attributes = cost_attributes(Pricer().price(call(model="nobody-knows-this")))
    assert attributes == {"clawtrace.cost.unpriced_reason": "unknown_model"}
