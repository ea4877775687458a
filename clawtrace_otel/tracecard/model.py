"""The TraceCard, version 1, as typed dictionaries: what is written, read and in the schema.

Plain dictionaries, so that keys which a later version added survive being read and written again.
Money is USD, token counts are integers, ``ms`` milliseconds.
"""

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

from clawtrace_otel.processors.redundancy import RepeatKind, Verdict
from clawtrace_otel.semconv.step import Does

Count = Annotated[int, Meta(ge=0)]
StepNumber = Annotated[int, Meta(ge=1)]
Usd = Annotated[float, Meta(ge=0)]
Interval = Annotated[list[Usd], Meta(min_length=2, max_length=2)]
TraceId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
SpanId = Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
Status = Literal["complete", "open", "error"]


class Root(TypedDict):
    """The root span, or the topmost span that has come in."""

    span: SpanId
    name: str
    service: str
    agent: NotRequired[str]


class Tokens(TypedDict):
    """Sums over all calls. ``input`` includes cache reads and writes, ``output`` reasoning."""

    input: Count
    cache_read: Count
    cache_write: Count
    output: Count
    reasoning: Count


class Split(TypedDict):
    """The parts of a cost; they add up to it exactly."""

    output: Usd
    tool_results: Usd
    base: Usd
    unsplit: NotRequired[Usd]


class Total(TypedDict):
    """Sums over all steps, folded ones included."""

    cost_usd: Usd | None
    split: NotRequired[Split]
    waste_usd: NotRequired[Interval]
    llm_calls: Count
    tool_calls: Count
    unpriced_calls: Count
    tokens: Tokens


class Unpriced(TypedDict):
    """Calls without a price, by model and reason."""

    model: str
    reason: str
    calls: StepNumber


class Outcome(TypedDict):
    """What evaluators said of the run."""

    passed: bool | None
    score: NotRequired[float]
    by: str
    evidence: list[str]


class Repeated(TypedDict):
    """Of a step: the earlier step that it repeats."""

    of: StepNumber
    verdict: Verdict
    kind: NotRequired[Literal["near"]]
    other_agent: NotRequired[bool]


StepLine = TypedDict(
    "StepLine",
    {
        "n": StepNumber,
        "llm": NotRequired[str],
        "tool": NotRequired[str],
        "agent": NotRequired[str],
        "usd": NotRequired[Usd | None],
        "share": NotRequired[Annotated[float, Meta(ge=0, le=1)]],
        "unpriced": NotRequired[str],
        "source": NotRequired[str],
        "computed_usd": NotRequired[Usd],
        "aggregate": NotRequired[bool],
        "in": NotRequired[Count],
        "cached": NotRequired[Count],
        "written": NotRequired[Count],
        "out": NotRequired[Count],
        "reasoning": NotRequired[Count],
        "compacted_from": NotRequired[Count],
        "does": NotRequired[Does],
        "llm_calls": NotRequired[Count],
        "tool_calls": NotRequired[Count],
        "split": NotRequired[Split],
        "output_used": NotRequired[Annotated[float, Meta(ge=0, le=1)]],
        "args": NotRequired[str],
        "carry_usd": NotRequired[Usd],
        "result_tokens": NotRequired[Count],
        "error": NotRequired[str],
        "until_repaired_usd": NotRequired[Usd],
        "repeat": NotRequired[Repeated],
        "retry_of": NotRequired[StepNumber],
        "repaired_by": NotRequired[StepNumber],
        "waste_usd": NotRequired[Interval],
        "by": NotRequired[StepNumber],
        "under": NotRequired[StepNumber],
        "merged": NotRequired[Annotated[int, Meta(ge=2)]],
        "ms": Count,
    },
)
"""One LLM call, tool call or sub-agent. See ``docs/tracecard.md`` for each key."""


class Redundant(TypedDict):
    """A group of calls that repeat one another; the first of ``steps`` is the original."""

    tool: NotRequired[str]
    llm: NotRequired[str]
    steps: list[StepNumber]
    more: NotRequired[StepNumber]
    kind: RepeatKind
    verdict: Verdict
    waste_usd: NotRequired[Interval]


class Loop(TypedDict):
    """A cycle of ``period`` calls that was run through ``count`` times, from step ``first`` on."""

    first: StepNumber
    last: StepNumber
    period: StepNumber
    count: Annotated[int, Meta(ge=3)]


class Folded(TypedDict):
    """What was left out to keep the card small. Totals include it."""

    steps: NotRequired[Count]
    usd: NotRequired[Usd]
    carry_usd: NotRequired[Usd]
    redundant: NotRequired[Count]
    loops: NotRequired[Count]
    models: NotRequired[Count]
    unpriced: NotRequired[Count]


class Card(TypedDict):
    """A TraceCard. ``near_unchecked`` counts tool calls not compared for near equality."""

    tracecard: Literal[1]
    trace_id: TraceId
    root: Root
    session: NotRequired[str]
    task: NotRequired[str]
    run: NotRequired[str]
    started: str
    duration_s: Usd
    status: Status
    revision: StepNumber
    models: list[str]
    total: Total
    unpriced: NotRequired[list[Unpriced]]
    prices: NotRequired[dict[str, str | int]]
    outcome: NotRequired[Outcome]
    steps: list[StepLine]
    redundant: NotRequired[list[Redundant]]
    loops: NotRequired[list[Loop]]
    near_unchecked: NotRequired[StepNumber]
    folded: NotRequired[Folded]
