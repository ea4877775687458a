"""Every metric of the service, once: name, kind, unit, labels and meaning.

Names, labels and units of ``otelcol_*`` are the Collector's (v0.159: ``receiver/receiverhelper``,
``exporter/exporterhelper`` and ``service``, each in its ``metadata.yaml``), so that its dashboards
and alerts fit. Counters have no ``_total``, as with the Collector's own default reader.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

Transport: TypeAlias = Literal["grpc", "http"]

Refusal: TypeAlias = Literal[
    "stopping",
    "cards",
    "forward",
    "journal",
    "overload",
    "too_large",
    "undecodable",
    "slow",
    "unauthenticated",
    "rate_limited",
]
"""Why a request was not taken up. What each means stands in docs/telemetry.md."""

Rejection: TypeAlias = Literal["invalid_id", "damaged"]
"""Why a span of a request that was taken up was not accepted."""

Posting: TypeAlias = Literal["sent", "failed", "given_up"]
"""What became of a try to post a notice."""

Scope: TypeAlias = Literal["trace", "session"]

TokenType: TypeAlias = Literal["input", "cache_read", "cache_write", "output", "reasoning"]
"""As on a card: input includes what was cached, and output includes reasoning."""

PERCENTS = (50, 75, 100)
"""Of a budget, at which crossing it is counted."""

EXPORTER: Mapping[str, tuple[str, ...]] = {"exporter": ("otlp",)}
RECEIVER: Mapping[str, tuple[str, ...]] = {"receiver": ("otlp",), "transport": get_args(Transport)}


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        unit: in UCUM, as OpenTelemetry's instruments have it.
        labels: each with all values that it can have; with none if they are not known before.
        buckets: upper bounds, of a histogram.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    meaning: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()


RECEIVER_ACCEPTED_SPANS = Metric(
    "otelcol_receiver_accepted_spans",
    "counter",
    "{spans}",
    "Spans that were acknowledged: they are in the journal.",
    RECEIVER,
)
RECEIVER_REFUSED_SPANS = Metric(
    "otelcol_receiver_refused_spans",
    "counter",
    "{spans}",
    "Spans of requests that could not be taken up. What was refused before it was decoded is "
    "counted by request alone, in clawtrace_refused_requests.",
    RECEIVER,
)
RECEIVER_FAILED_SPANS = Metric(
    "otelcol_receiver_failed_spans",
    "counter",
    "{spans}",
    "Spans of requests that failed by an internal error.",
    RECEIVER,
)
ACK_SECONDS = Metric(
    "clawtrace_ack_seconds",
    "histogram",
    "s",
    "Time from a request of spans that was read to its acknowledgement.",
    {"transport": get_args(Transport)},
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
PENDING_BYTES = Metric(
    "clawtrace_pending_bytes",
    "gauge",
    "By",
    "Requests that were read and wait for the journal.",
)
MAX_PENDING_BYTES = Metric(
    "clawtrace_max_pending_bytes", "gauge", "By", "The setting max_pending_bytes."
)
MAX_FORWARD_BYTES = Metric(
    "clawtrace_max_forward_bytes", "gauge", "By", "The setting max_forward_bytes."
)
EXPORTER_SENT_SPANS = Metric(
    "otelcol_exporter_sent_spans",
    "counter",
    "{spans}",
    "Forwarded spans that the receiver took.",
    EXPORTER,
)
EXPORTER_SEND_FAILED_SPANS = Metric(
    "otelcol_exporter_send_failed_spans",
    "counter",
    "{spans}",
    "Spans that the receiver refused for good; they are not sent again.",
    EXPORTER,
)
EXPORTER_ENQUEUE_FAILED_SPANS = Metric(
    "otelcol_exporter_enqueue_failed_spans",
    "counter",
    "{spans}",
    "Spans that could not be put into the queue. The queue is the journal, and a request that does "
    "not fit there is not acknowledged: always 0, for dashboards that ask for it.",
    EXPORTER,
)
EXPORTER_QUEUE_SIZE = Metric(
    "otelcol_exporter_queue_size",
    "gauge",
    "{batches}",
    "Requests in the journal that are still to be forwarded.",
    EXPORTER,
)
EXPORTER_QUEUE_CAPACITY = Metric(
    "otelcol_exporter_queue_capacity",
    "gauge",
    "{batches}",
    "How many requests that queue takes; absent where the disk is the only limit.",
    EXPORTER,
)
EXPORTER_IN_FLIGHT_REQUESTS = Metric(
    "otelcol_exporter_in_flight_requests",
    "gauge",
    "{requests}",
    "Requests that are being sent, or wait to be tried again.",
    EXPORTER,
)
PROCESS_UPTIME = Metric(
    "otelcol_process_uptime", "counter", "s", "Seconds since the service was started."
)
PROCESS_CPU_SECONDS = Metric(
    "otelcol_process_cpu_seconds", "counter", "s", "CPU time of the process, user and system."
)
PROCESS_MEMORY_RSS = Metric(
    "otelcol_process_memory_rss",
    "gauge",
    "By",
    "Resident memory of the process; absent where there is no /proc.",
)
TRACES_OPEN = Metric(
    "clawtrace_traces_open", "gauge", "{traces}", "Traces that are not closed yet."
)
TRACES_CLOSED = Metric(
    "clawtrace_traces_closed",
    "counter",
    "{traces}",
    "Traces that were closed; one that late spans opened again counts once.",
)
LATE_SPANS = Metric(
    "clawtrace_late_spans", "counter", "{spans}", "Spans that came after their trace was closed."
)
REVISIONS = Metric(
    "clawtrace_revisions",
    "counter",
    "{cards}",
    "Cards written again, as the next revision, because late spans changed them.",
)
CARDS_WRITTEN = Metric(
    "clawtrace_cards_written",
    "counter",
    "{cards}",
    "Cards written, those of running traces and revisions included.",
)
CARD_WRITE_SECONDS = Metric(
    "clawtrace_card_write_seconds",
    "histogram",
    "s",
    "Time to read a trace, to compile its card and to write it.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
UNPRICED_CALLS = Metric(
    "clawtrace_unpriced_calls", "counter", "{calls}", "LLM calls without a price in closed traces."
)
COST_USD = Metric(
    "clawtrace_cost_usd",
    "counter",
    "{USD}",
    "Cost of closed traces, by their cards. Like the next, it grows by what late spans add, and "
    "never goes down.",
)
SERVICE_COST_USD = Metric(
    "clawtrace_service_cost_usd",
    "counter",
    "{USD}",
    "The same by the service of the root; the hundredth service and all that follow are `other`.",
    {"service": ()},
)
TOKENS = Metric(
    "clawtrace_tokens",
    "counter",
    "{tokens}",
    "Tokens of closed traces, by their cards: input includes cache_read and cache_write, and "
    "output includes reasoning.",
    {"type": get_args(TokenType)},
)
WASTE_USD = Metric(
    "clawtrace_waste_usd",
    "counter",
    "{USD}",
    "What repeats in closed traces cost at least, by their cards.",
)
JOURNAL_SIZE_BYTES = Metric(
    "clawtrace_journal_size_bytes", "gauge", "By", "Size of the journal on disk."
)
JOURNAL_LAG_SECONDS = Metric(
    "clawtrace_journal_lag_seconds",
    "gauge",
    "s",
    "Age of the oldest delivery that no card shows; 0 if there is none.",
)
FORWARD_QUEUE_BYTES = Metric(
    "clawtrace_forward_queue_bytes",
    "gauge",
    "By",
    "Size of the requests that are still to be forwarded.",
)
DAMAGED_ROWS = Metric(
    "clawtrace_damaged_rows",
    "counter",
    "{rows}",
    "Rows of the journal that could not be read and were left out.",
)
BUDGET_CROSSINGS = Metric(
    "clawtrace_budget_crossings",
    "counter",
    "{crossings}",
    "Traces and sessions that reached a part of their budget, each once.",
    {"scope": get_args(Scope), "percent": tuple(map(str, PERCENTS))},
)
BUDGET_POSTS = Metric(
    "clawtrace_budget_posts",
    "counter",
    "{posts}",
    "Tries to post notices of budgets to the webhook, and notices that were given up.",
    {"result": get_args(Posting)},
)
REJECTED_SPANS = Metric(
    "clawtrace_rejected_spans",
    "counter",
    "{spans}",
    "Spans left out of requests that were taken up (partial_success).",
    {"reason": get_args(Rejection)},
)
REFUSED_REQUESTS = Metric(
    "clawtrace_refused_requests",
    "counter",
    "{requests}",
    "Requests of all signals that were not taken up.",
    {"reason": get_args(Refusal)},
)

METRICS: tuple[Metric, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Metric)
)
"""All of them, in the order of this file."""
