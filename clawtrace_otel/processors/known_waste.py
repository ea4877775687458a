"""What is certain to be waste when a repeat's span ends: ``clawtrace.waste.usd``.

What the result costs in later prompts is not known yet, so this is less than the low end on the
card. (Where equal calls end in another order than they began, it may stand on the other one.)
"""

from clawtrace_otel.pricing.pricer import Price
from clawtrace_otel.pricing.rates import PER_MONEY_UNIT
from clawtrace_otel.processors.redundancy import Finding, Repeat
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.tracecard.context import make_charge, share_out


def is_certain(finding: Finding | None) -> bool:
    """Whether a call brought what was there, in the same context: below the same span.

    Args:
        finding: made with the id of the span above as the context.
    """
    return (
        isinstance(finding, Repeat)
        and finding.verdict == "same"
        and finding.kind == "equal"
        and not finding.other_agent
    )


def cost_of_asking(turn: Step, price: Price) -> int | None:
    """What the answer cost that asked for one tool call and nothing else, in 1e-12 USD.

    ``None`` if it said more, or its cost is unknown.
    """
    if turn.does != "tool_call" or len(turn.calls) != 1:
        return None
    charge = make_charge(price.cost, turn.usage, price.rates)
    if charge is None:
        return None
    call = turn.calls[0]
    answer = charge.usage.output - charge.usage.reasoning
    (tokens,) = share_out(answer, [len(call.tool) + call.args_size])
    return tokens * charge.rates.output // PER_MONEY_UNIT
