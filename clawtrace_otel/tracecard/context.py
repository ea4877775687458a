"""What one agent's conversation held when a model read it, without a tokenizer.

A prompt grows at its end: what the model answered, then the results of the tools that it called.
So the input of a call, less the input and the answer of the call before, is what the results in
between take. From then on each result has its place in every later prompt, and its price there: the
cached part is read at one rate, what is new at another. A result is charged the rates of its place.

Known limits, all of which move money from results to the prompt's base and never the other way: an
answer that is not sent back whole (reasoning that the usage does not state) hides results behind
it; after a compaction nothing is known of older results.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from clawtrace_otel.pricing.rates import PER_MONEY_UNIT, Rates
from clawtrace_otel.semconv.step import Usage

SLACK = 1024
"""Tokens by which a prompt may shrink and still be the same: reminders come and go (by up to a
thousand tokens in two recorded sessions of 470 and 438 turns)."""

OVERHEAD = 64
"""Tokens that roles, ids and separators add to a result. Its text has at most a token a byte."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What one call costs by place, in 1e-24 USD a token, scaled so that it gives its cost exactly.

    Attributes:
        usage: of the call.
        rates: scaled: a supplied cost is spread as list prices would be.
    """

    usage: Usage
    rates: Rates

    @property
    def output(self) -> int:
        """Of the whole answer, in 1e-24 USD."""
        usage, rates = self.usage, self.rates
        return self.visible_output + usage.reasoning * rates.reasoning

    @property
    def visible_output(self) -> int:
        """Of the answer without reasoning, in 1e-24 USD."""
        return (self.usage.output - self.usage.reasoning) * self.rates.output

    def zones(self) -> Iterator[tuple[int, int, int]]:
        """The parts of the prompt: from token, to token, rate. What is cached is its beginning."""
        start = 0
        for name in ("cache_read", "cache_write_1h", "cache_write_5m", "fresh"):
            tokens = getattr(self.usage, name)
            if tokens:
                yield start, start + tokens, getattr(self.rates, name)
            start += tokens


def make_charge(cost: int | None, usage: Usage | None, rates: Rates | None) -> Charge | None:
    """How the cost of a call is spread; ``None`` if nothing is known that could tell."""
    units = rates.units(usage) if rates and usage else 0
    if cost is None or not usage or not rates or units <= 0:
        return None

    def scaled(rate: int) -> int:
        return rate * cost * PER_MONEY_UNIT // units

    return Charge(usage, Rates(*(scaled(getattr(rates, name)) for name in Rates.__slots__)))


@dataclass(slots=True)
class Reading:
    """What a tool's result takes and costs in one prompt and all that follow it.

    Attributes:
        tokens: of the result.
        first: cost where it was read first, in 1e-24 USD.
        total: cost of all readings, in 1e-24 USD; known when the prompt has ended.
        priced: any of the calls that read it has a price; known when the prompt has ended.
    """

    tokens: int = 0
    first: int = 0
    total: int = 0
    priced: bool = False


@dataclass(slots=True, eq=False)
class Prompt:
    """One prompt that grows from call to call, and the results in it in the order of their places.

    Attributes:
        input: tokens of its last call.
        answer: tokens of the answer to it, as far as they are sent back.
        calls: how many.
        first_call, last_call: their numbers among the calls of the same agent to the same model.
        seen: how many tool calls the agent had made at the last call.
        issues: tool calls were asked for in it; other prompts read no results.
    """

    input: int = 0
    answer: int = 0
    calls: int = 0
    first_call: int = 0
    last_call: int = 0
    seen: int = 0
    issues: bool = False
    _starts: list[int] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)
    _readings: list[Reading] = field(default_factory=list)
    _rates: list[int] = field(default_factory=lambda: [0])
    _wasted: list[int] = field(default_factory=lambda: [0])
    _charged: int = 0

    def growth(self, tokens: int) -> int:
        """Tokens that a call of ``tokens`` input brings beyond what was known before it."""
        return tokens - self.input - self.answer

    def fits(self, tokens: int) -> bool:
        """Whether a call of ``tokens`` input may continue this prompt."""
        return tokens + min(SLACK, self.input // 4) >= self.input

    def grow(
        self, tokens: int, sizes: Sequence[int], wasted: Sequence[bool], known: int = 0
    ) -> list[Reading]:
        """Put results at the end of the prompt, as far as it has grown.

        Args:
            tokens: input of the call that reads them first.
            sizes: bytes of each result, 0 if unknown.
            wasted: which of them the prompt held already.
            known: tokens of the growth that are something else.
        """
        grown = max(self.growth(tokens) - known, 0) if self.calls else 0
        start = max(tokens - grown, self._ends[-1] if self._ends else 0)
        added = [Reading(share) for share in share_out(grown, sizes)]
        for reading, is_wasted in zip(added, wasted, strict=True):
            self._starts.append(start)
            start += reading.tokens
            self._ends.append(start)
            self._readings.append(reading)
            self._rates.append(0)
            self._wasted.append(self._wasted[-1] + reading.tokens * is_wasted)
        return added

    def charge(self, charge: Charge, new: int) -> int:
        """Charge all results for being read once more, the last ``new`` of them for the first time.

        Results that lie in one part of the prompt are charged together: what each of them costs is
        summed up at the end, so that a call takes the same time however many there are.

        Returns:
            What the wasted ones among them cost in this call, in 1e-24 USD.
        """
        count, wasted = len(self._readings), 0
        self._charged = count
        for start, end, rate in charge.zones():
            first, behind = bisect_left(self._starts, start), bisect_right(self._ends, end)
            if first < behind:
                self._rates[first] += rate
                self._rates[behind] -= rate
                wasted += rate * (self._wasted[behind] - self._wasted[first])
            for n in {first - 1, max(first, behind)}:
                if 0 <= n < count:
                    units = rate * self._overlap(n, start, end)
                    self._readings[n].total += units
                    wasted += units * (self._wasted[n] < self._wasted[n + 1])
            for n in range(count - new, count):
                self._readings[n].first += rate * self._overlap(n, start, end)
        return wasted

    def go_on(self, tokens: int, answer: int, call: int) -> None:
        """Remember the call that was charged last."""
        self.input, self.answer = tokens, answer
        self.calls += 1
        self.first_call = self.first_call or call
        self.last_call = call

    def end(self) -> None:
        """Sum up what each result cost."""
        rate = 0
        for n, reading in enumerate(self._readings):
            rate += self._rates[n]
            reading.total += rate * reading.tokens
            reading.priced = n < self._charged

    def _overlap(self, n: int, start: int, end: int) -> int:
        return max(min(self._ends[n], end) - max(self._starts[n], start), 0)


def share_out(tokens: int, sizes: Sequence[int]) -> list[int]:
    """Share tokens among results by their sizes; none gets more than its bytes can hold.

    Args:
        tokens: to share.
        sizes: bytes of each result; 0 is unknown and counts as the mean of the others.
    """
    known = [size for size in sizes if size]
    usual = sum(known) // len(known) if known else 1
    weights = [size or max(usual, 1) for size in sizes]
    whole, shares, done, weighed = sum(weights), [], 0, 0
    for size, weight in zip(sizes, weights, strict=True):
        weighed += weight
        share = tokens * weighed // whole - done
        done += share
        shares.append(min(share, size + OVERHEAD) if size else share)
    return shares
