"""What the dashboard shows, as a table: titles, units, and queries of the metrics in the code.

A query is PromQL with the names of metrics in braces, see :func:`filled`.
"""

from dataclasses import dataclass
from typing import Literal

from clawtrace_otel.collector.telemetry import table as t
from clawtrace_otel.collector.telemetry.table import Metric

SELECTOR = '{job=~"$job",instance=~"$instance"}'

RATE = "[$__rate_interval]"
"""Four scrapes at least: Grafana's own for rates."""

NEVER_SHOWN = (t.EXPORTER_ENQUEUE_FAILED_SPANS, t.EXPORTER_QUEUE_CAPACITY)
"""The one is always 0, the other never there: both are for dashboards of the Collector."""


@dataclass(frozen=True)
class Query:
    """A line, or several.

    Attributes:
        expr: PromQL, filled.
        legend: Grafana's pattern for the name of each.
    """

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """A panel of the dashboard.

    Attributes:
        unit: by Grafana's name.
        kind: lines over time, or a number over the range that is shown.
        says: what it shows; read in a tooltip.
    """

    title: str
    unit: str
    queries: tuple[Query, ...]
    says: str = ""
    kind: Literal["lines", "number"] = "lines"


def filled(text: str) -> str:
    """A query with the names of metrics, each followed by the selector.

    Args:
        text: ``{COST_USD}`` stands for ``clawtrace_cost_usd{job=~…}``, by the names in
            ``table.py``; ``{CARD_WRITE_SECONDS:bucket}`` for a histogram's buckets.
    """
    for key, metric in _NAMES.items():
        for suffix in ("bucket", "sum", "count"):
            text = text.replace(f"{{{key}:{suffix}}}", f"{metric}_{suffix}{SELECTOR}")
        text = text.replace(f"{{{key}}}", f"{metric}{SELECTOR}")
    return text


def _line(legend: str, text: str) -> Query:
    return Query(filled(text), legend)


def _lines(title: str, unit: str, *queries: Query, says: str = "") -> Panel:
    return Panel(title, unit, queries, says)


def _number(title: str, unit: str, text: str, says: str = "") -> Panel:
    return Panel(title, unit, (_line(title, text),), says, "number")


def _rates(legend: str, metric: str, by: str) -> Query:
    """How fast a counter rises, a second, by labels."""
    return _line(legend, f"sum by ({by}) (rate({{{metric}}}{RATE}))")


def _quantiles(metric: str, by: str = "", legend: str = "") -> tuple[Query, ...]:
    buckets = f"sum by (le{by and ', ' + by}) (rate({{{metric}:bucket}}{RATE}))"
    return tuple(
        _line(f"{name}{legend}", f"histogram_quantile({part}, {buckets})")
        for name, part in (("p50", 0.5), ("p99", 0.99))
    )


_NAMES = {key: value.name for key, value in vars(t).items() if isinstance(value, Metric)}

_MONEY = (
    _number(
        "Cost",
        "currencyUSD",
        "sum(increase({COST_USD}[$__range]))",
        "Of traces that were closed in this time. A trace counts when it is closed, all at once.",
    ),
    _number(
        "Cost of a trace",
        "currencyUSD",
        "sum(increase({COST_USD}[$__range])) / sum(increase({TRACES_CLOSED}[$__range]))",
        "On the average.",
    ),
    _number(
        "Wasted, at least",
        "percentunit",
        "sum(increase({WASTE_USD}[$__range])) / sum(increase({COST_USD}[$__range]))",
        "The share of repeats that brought nothing new. Which they are stands on the cards.",
    ),
    _number(
        "Calls without a price",
        "short",
        "sum(increase({UNPRICED_CALLS}[$__range]))",
        "Not in the cost. `unpriced` on the cards says of which model, and why.",
    ),
    _lines(
        "Cost an hour, by service",
        "currencyUSD",
        _line("{{service}}", f"3600 * sum by (service) (rate({{SERVICE_COST_USD}}{RATE}))"),
    ),
    _lines(
        "Waste an hour, at least",
        "currencyUSD",
        _line("waste", f"3600 * sum(rate({{WASTE_USD}}{RATE}))"),
    ),
    _lines(
        "Tokens a second",
        "short",
        _rates("{{type}}", "TOKENS", "type"),
        says="input includes cache_read and cache_write, output includes reasoning.",
    ),
    _lines(
        "Budgets that were reached, an hour",
        "short",
        _line(
            "{{scope}} {{percent}} %",
            f"3600 * sum by (scope, percent) (rate({{BUDGET_CROSSINGS}}{RATE}))",
        ),
        _line("post {{result}}", f"3600 * sum by (result) (rate({{BUDGET_POSTS}}{RATE}))"),
    ),
)

_INTAKE = (
    _lines(
        "Spans a second", "short", _rates("{{transport}}", "RECEIVER_ACCEPTED_SPANS", "transport")
    ),
    _lines(
        "Spans not taken, a second",
        "short",
        _rates("refused {{transport}}", "RECEIVER_REFUSED_SPANS", "transport"),
        _rates("failed {{transport}}", "RECEIVER_FAILED_SPANS", "transport"),
        _rates("rejected {{reason}}", "REJECTED_SPANS", "reason"),
        says="Who was refused tries again. Rejected spans are lost: their sender made them wrong.",
    ),
    _lines(
        "Requests not taken, a second", "short", _rates("{{reason}}", "REFUSED_REQUESTS", "reason")
    ),
    _lines(
        "Time to an acknowledgement",
        "s",
        *_quantiles("ACK_SECONDS", "transport", " {{transport}}"),
    ),
    _lines(
        "Waiting for the journal",
        "bytes",
        _line("waiting {{instance}}", "{PENDING_BYTES}"),
        _line("limit {{instance}}", "{MAX_PENDING_BYTES}"),
    ),
)

_CARDS = (
    _lines(
        "Traces",
        "short",
        _line("open", "sum({TRACES_OPEN})"),
        _line("closed a minute", f"60 * sum(rate({{TRACES_CLOSED}}{RATE}))"),
    ),
    _lines(
        "Cards a minute",
        "short",
        _line("written", f"60 * sum(rate({{CARDS_WRITTEN}}{RATE}))"),
        _line("revised", f"60 * sum(rate({{REVISIONS}}{RATE}))"),
        _line("late spans", f"60 * sum(rate({{LATE_SPANS}}{RATE}))"),
    ),
    _lines("Time to write a card", "s", *_quantiles("CARD_WRITE_SECONDS")),
    _lines(
        "Age of what no card shows",
        "s",
        _line("{{instance}}", "{JOURNAL_LAG_SECONDS}"),
        says="Of the oldest delivery. Up to refresh_seconds is normal.",
    ),
    _lines("Size of the journal", "bytes", _line("{{instance}}", "{JOURNAL_SIZE_BYTES}")),
    _lines(
        "Damaged rows",
        "short",
        _line("{{instance}}", "{DAMAGED_ROWS}"),
        says="Rows of the journal that could not be read, since the start.",
    ),
)

_FORWARDING = (
    _lines(
        "Spans sent on, a second",
        "short",
        _line("sent", f"sum(rate({{EXPORTER_SENT_SPANS}}{RATE}))"),
        _line("refused for good", f"sum(rate({{EXPORTER_SEND_FAILED_SPANS}}{RATE}))"),
    ),
    _lines(
        "Waiting to be sent on",
        "bytes",
        _line("waiting {{instance}}", "{FORWARD_QUEUE_BYTES}"),
        _line("limit {{instance}}", "{MAX_FORWARD_BYTES}"),
        says="At the limit, senders must wait.",
    ),
    _lines(
        "Requests to be sent on",
        "short",
        _line("waiting {{instance}}", "{EXPORTER_QUEUE_SIZE}"),
        _line("under way {{instance}}", "{EXPORTER_IN_FLIGHT_REQUESTS}"),
    ),
)

_PROCESS = (
    _lines("Memory", "bytes", _line("{{instance}}", "{PROCESS_MEMORY_RSS}")),
    _lines(
        "CPU",
        "percentunit",
        _line("{{instance}}", f"rate({{PROCESS_CPU_SECONDS}}{RATE})"),
        says="Of one core.",
    ),
    _lines("Up", "s", _line("{{instance}}", "{PROCESS_UPTIME}")),
)

ROWS: dict[str, tuple[Panel, ...]] = {
    "Money": _MONEY,
    "Intake": _INTAKE,
    "Cards": _CARDS,
    "Sending on": _FORWARDING,
    "Process": _PROCESS,
}
"""The panels, by the row that they stand in."""
