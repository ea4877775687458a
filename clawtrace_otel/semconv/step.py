"""``Step``: what is kept of a span; the journal stores it and a card is compiled from it."""

from typing import Literal

import msgspec

from clawtrace_otel.semconv.dialects import Kind

Does = Literal["final_reply", "plan_then_tool", "tool_call", "thinking_only", "other"]
"""The role of an LLM call, as the paper's role hints (arXiv 2604.23853) name it."""


class Usage(msgspec.Struct, omit_defaults=True, frozen=True):
    """Token counts of one call in disjoint buckets; only ``reasoning`` is a part of ``output``."""

    fresh: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def cache_write(self) -> int:
        """Tokens written to the cache, whatever their time to live."""
        return self.cache_write_5m + self.cache_write_1h

    @property
    def input(self) -> int:
        """All input tokens, cached ones included."""
        return self.fresh + self.cache_read + self.cache_write


class Call(msgspec.Struct, omit_defaults=True, frozen=True):
    """A tool call that a model asked for; arguments as in :class:`Step`."""

    id: str = ""
    tool: str = ""
    args: str = ""
    args_hash: str = ""
    args_size: int = 0


class Evaluation(msgspec.Struct, omit_defaults=True, frozen=True):
    """One ``gen_ai.evaluation.result``."""

    name: str = ""
    score: float | None = None
    label: str = ""
    explanation: str = ""
    time_ns: int = 0


class Step(msgspec.Struct, omit_defaults=True, kw_only=True, forbid_unknown_fields=False):
    """One span, read.

    Attributes:
        kind: ``llm``, ``tool`` and ``agent`` become steps of a card, the rest holds the tree.
        start_ns, end_ns: Unix nanoseconds; ``end_ns`` is 0 while the span is open.
        error: what went wrong, cut; ``None`` if nothing did.
        session: conversation id.
        task: which task the run attempts.
        run: which run it is, for whoever started it.
        agent: name of the agent that the span is, or says that it belongs to.
        provider, request_model, model: as the span says; ``model`` is the one that answered.
        tier: service tier that was answered, or asked for.
        set_aside: what a log record says was used, which counts nowhere until its span is known
            (:mod:`clawtrace_otel.tracecard.record_places`).
        supplied: cost that the span carries, in 1e-12 USD.
        invalid: the attribute whose value is no token count or cost, and that value.
        request_hash: model, parameters and input messages; empty where content is not captured.
        output_hash: what the model answered; empty where content is not captured.
        args, args_hash: canonical JSON of a tool's arguments (the text only while it is short
            enough to be compared); empty where there are none: that is never evidence.
        args_size: bytes of the canonical arguments in UTF-8.
        result_hash: of a tool's result; empty where results are not captured.
        result_size: bytes of a tool's result in UTF-8.
        unrecorded: of an agent: it called models, and of these calls, or some, no record is left.
        compacted: the prompt of this call was made from a longer one.
        links: of a root: (trace id, span id) of the spans that it is linked to.
        words: what is said in an answer or in arguments, as hashes of its rarer words
            (:mod:`clawtrace_otel.semconv.words`).
        read_only: what is known of a tool's effect on state; ``None`` is unknown.
        read_only_tools: tools that the definitions sent with an LLM call say are read-only (MCP's
            ``readOnlyHint``).
    """

    trace_id: str
    span_id: str
    parent_id: str = ""
    kind: Kind = "span"
    name: str = ""
    service: str = ""
    scope: str = ""
    start_ns: int = 0
    end_ns: int = 0
    error: str | None = None
    session: str = ""
    task: str = ""
    run: str = ""
    agent: str = ""
    provider: str = ""
    request_model: str = ""
    model: str = ""
    tier: str = ""
    usage: Usage | None = None
    set_aside: Usage | None = None
    supplied: int | None = None
    invalid: str = ""
    response_id: str = ""
    request_hash: str = ""
    output_hash: str = ""
    does: Does = "other"
    calls: tuple[Call, ...] = ()
    tool: str = ""
    call_id: str = ""
    args: str = ""
    args_hash: str = ""
    args_size: int = 0
    result_hash: str = ""
    result_size: int = 0
    read_only: bool | None = None
    read_only_tools: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    unrecorded: bool = False
    compacted: bool = False
    links: tuple[tuple[str, str], ...] = ()
    words: tuple[int, ...] = ()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Step])


def encode_steps(steps: list[Step]) -> bytes:
    """Steps as the journal keeps them."""
    return _encoder.encode(steps)


def decode_steps(data: bytes) -> list[Step]:
    """The steps of :func:`encode_steps`.

    Raises:
        msgspec.DecodeError: the bytes are damaged.
    """
    return _decoder.decode(data)


def encode_step(step: Step) -> bytes:
    """One step; equal steps give equal bytes."""
    return _encoder.encode(step)
