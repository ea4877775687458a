"""How a soak came out, as a table in Markdown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.collector.faults.ledger import Balance
from tests.soak.sink import Forwarded
from tests.soak.worker import Sent

SETTLED_SECONDS = 10
"""After a start, in which what the last run left is made up for."""


@dataclass(frozen=True)
class Result:
    """What was measured. Rates are spans a second, times seconds, sizes bytes.

    Attributes:
        maximum: rate that was acknowledged at most.
        held: rate that was acknowledged while all was killed, outages included.
        took: for acknowledgements while the service was up.
        took_settled: likewise, but not in the first seconds after a start.
        cpu: cores that the service took while the load was held.
    """

    maximum: float
    held: float
    sent: Sent
    balance: Balance
    cards: int
    forwarded: Forwarded
    kills: int
    stops: int
    sink_restarts: int
    took: "Took"
    took_settled: "Took"
    slowest_start: float
    slowest_stop: float
    peak_bytes: int
    journal_bytes: int
    cpu: float

    @property
    def is_well(self) -> bool:
        """Nothing was lost or doubled, and no sender failed."""
        lost = self.balance.lost + self.forwarded.lost
        doubled = self.balance.duplicated + self.forwarded.doubled
        return not (lost or doubled or self.balance.problems or self.sent.failures)

    def table(self) -> str:
        """All of it."""
        return "\n".join(["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in self._rows())])

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("maximum rate", f"{self.maximum:,.0f} spans/s"),
            ("rate held, outages included", f"{self.held:,.0f} spans/s"),
            ("spans sent", f"{self.sent.spans:,} in {len(self.sent.acknowledged):,} traces"),
            ("spans acknowledged", f"{self.balance.spans:,}"),
            ("spans in cards", f"{self.balance.in_cards:,} in {self.cards:,} cards"),
            ("spans duplicated", f"{self.balance.duplicated:,}"),
            ("spans lost", f"{self.balance.lost:,}"),
            ("spans forwarded", f"{self.forwarded.spans:,}"),
            ("spans not forwarded", f"{self.forwarded.lost:,}"),
            ("spans forwarded in two requests", f"{self.forwarded.doubled:,}"),
            *self._request_rows(),
            *self._process_rows(),
        ]

    def _request_rows(self) -> list[tuple[str, str]]:
        again = f"{self.forwarded.again:,} of {self.forwarded.requests:,}"
        return [
            ("requests forwarded again, byte by byte the same", again),
            ("requests acknowledged", f"{self.sent.requests:,}"),
            ("requests that senders repeated on purpose", f"{self.sent.repeats:,}"),
            ("answers that asked to try again", f"{self.sent.refusals:,}"),
            ("acknowledgement, p50 / p99 / longest", str(self.took)),
            (f"from {SETTLED_SECONDS} s after each start on", str(self.took_settled)),
        ]

    def _process_rows(self) -> list[tuple[str, str]]:
        return [
            ("kills (-9) and restarts of the service", f"{self.kills} and {self.stops}"),
            ("restarts of the forward sink, half by kill", f"{self.sink_restarts}"),
            (
                "slowest start, slowest stop",
                f"{self.slowest_start:.1f} s, {self.slowest_stop:.1f} s",
            ),
            ("peak memory of the service", f"{self.peak_bytes / 1e6:,.0f} MB"),
            ("CPU of the service", f"{self.cpu:.2f} cores"),
            ("journal at the end", f"{self.journal_bytes / 1e6:,.1f} MB"),
        ]


class Took(NamedTuple):
    """Seconds that requests took."""

    p50: float
    p99: float
    longest: float

    def __str__(self) -> str:
        return " / ".join(f"{seconds * 1000:,.0f} ms" for seconds in self)


def took(seconds: Sequence[float]) -> Took:
    """What some requests took; there must be two."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return Took(cuts[49], cuts[98], max(seconds))
