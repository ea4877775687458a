"""Simulations of tau2-bench: one JSON file of ``simulations``, each of which becomes a trace.

The messages of the assistant are the agent's LLM calls; the greeting that the benchmark itself
writes is none. The simulated user is a model that calls tools too. It is not the agent: its
messages, tokens, costs and tool calls are left out, and only the time that they took remains.

Token counts are LiteLLM's, which include cached tokens; how many were cached stands in ``raw_data``
if the agent kept it. ``cost`` is LiteLLM's in USD; 0 with tokens means that it knew no price.

Times are local without a zone and are taken for UTC. A message without a time takes 1 ms, from the
start of its simulation on; where not even that is known the simulation starts at 1970-01-01.

Source: sierra-research/tau2-bench, ``src/tau2/data_model/message.py`` and ``simulation.py``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clawtrace_otel.importers.formats.json_items import damaged, read_json_events, read_json_items
from clawtrace_otel.importers.formats.json_lines import opening_members
from clawtrace_otel.importers.formats.json_object import JsonObject
from clawtrace_otel.importers.formats.span_maker import ToolCall
from clawtrace_otel.importers.formats.tau.recorded_run import RecordedRun, short
from clawtrace_otel.importers.formats.tau.rewards import evaluations
from clawtrace_otel.importers.importer import Head, Importer, Problem, Record, Told, TraceEnd
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.canonical import digest, text_of
from clawtrace_otel.span import Span
from clawtrace_otel.times import iso_ns

NAME = "tau2"

_HEADS = ((b'"user_info"', b'"agent_info"'), (b'"simulations"', b'"messages"', b'"turn_idx"'))
"""Keys that stand at the beginning of a file: of the benchmark's own, and of excerpts."""

_TOP = frozenset({"info", "simulations"})
"""Keys at the top, of which one is there at least."""

_NORMAL_ENDS = frozenset({"", "user_stop", "agent_stop"})
_USER = "user"


@dataclass(slots=True)
class About:
    """What the head of a file says of all its simulations.

    Attributes:
        asked: the model that was asked for.
        only: the model that a file names once for all; it may not be the one that was asked for.
    """

    domain: str = ""
    agent: str = ""
    asked: str = ""
    only: str = ""


_HEAD_FIELDS = {
    "domain": "domain",
    "info.environment_info.domain_name": "domain",
    "agent": "agent",
    "info.agent_info.implementation": "agent",
    "info.agent_info.llm": "asked",
    "model": "only",
}


def recognises(head: Head) -> bool:
    """Whether a file has the keys of tau2-bench."""
    return not _TOP.isdisjoint(opening_members(head.data)) and any(
        all(key in head.data for key in keys) for keys in _HEADS
    )


def read(paths: Sequence[Path]) -> Iterator[Record]:
    """The spans and evaluations of files, simulation by simulation.

    Raises:
        OSError: a file cannot be read.
        ModuleNotFoundError: the extra ``importers`` is not installed.
    """
    for path in paths:
        about = read_about(path)
        for item in read_json_items(path, "simulations.item"):
            if isinstance(item, Problem):
                yield item
                continue
            problems: list[str] = []
            simulation = JsonObject.of(item[1], f"$.simulations[{item[0]}]", problems)
            if simulation.value:
                yield from _simulation(simulation, about)
            yield from (Problem(path, 0, text) for text in problems)


def read_about(path: Path) -> About:
    """What stands before the simulations; what is damaged there shows when they are read."""
    about = About()
    try:
        for place, event, value in read_json_events(path, is_counted=False):
            if place == "simulations":
                break
            if event == "string" and (name := _HEAD_FIELDS.get(place)):
                setattr(about, name, value)
    except damaged():
        pass
    return about


def _simulation(simulation: JsonObject, about: About) -> Iterator[Record]:
    task, trial = simulation.text("task_id"), simulation.text("trial")
    run = RecordedRun(
        NAME,
        run_key(simulation),
        about.agent or "agent",
        simulation.text("id") or f"{short(task)} {trial}",
        _time(simulation, "start_time") or 0,
    )
    yield from _messages(run, simulation, about)
    yield from run.unanswered()
    end = simulation.text("termination_reason")
    named = f"{about.domain} task {short(task)}".strip()
    root = run.root(
        f"{named} trial {trial}",
        named,
        _time(simulation, "end_time"),
        "" if end in _NORMAL_ENDS else end,
    )
    yield root
    for evaluation in evaluations(simulation.object("reward_info"), root.end_ns):
        yield Told(run.trace_id, evaluation)
    yield TraceEnd(run.trace_id)


def run_key(simulation: JsonObject) -> str:
    """What tells a simulation from all others; its trace id follows from it."""
    task, trial = simulation.text("task_id"), simulation.text("trial")
    return simulation.text("id") or f"{task}\0{trial}\0{digest(text_of(simulation.value))}"


def _messages(run: RecordedRun, simulation: JsonObject, about: About) -> Iterator[Span]:
    begun = False
    for message in messages_of(simulation):
        role, at_ns = message.text("role"), _time(message, "timestamp")
        if role == "assistant" and (begun or _is_call(message)):
            begun = True
            yield _llm_call(run, message, at_ns, about)
        elif role == "tool":
            span = _result(run, message, at_ns)
            if span is not None:
                yield span
        else:
            begun = begun or role == _USER
            run.pass_time(at_ns)


def messages_of(simulation: JsonObject) -> Iterator[JsonObject]:
    """The messages; several tool results may be grouped in one."""
    for message in simulation.objects("messages"):
        grouped = message.objects("tool_messages")
        yield from grouped or [message]


def _is_call(message: JsonObject) -> bool:
    """Whether a model wrote a message; the first one may be the benchmark's greeting."""
    return any(message.value.get(key) for key in ("usage", "raw_data", "tool_calls"))


def _llm_call(run: RecordedRun, message: JsonObject, at_ns: int | None, about: About) -> Span:
    raw = message.object("raw_data")
    calls = [
        ToolCall(call.text("name"), call.text("id"), call.value.get("arguments"))
        for call in message.objects("tool_calls")
        if call.value.get("requestor") != _USER
    ]
    model = raw.text("model")
    told: dict[str, object] = {
        a.GEN_AI_REQUEST_MODEL: about.asked or ("" if model else about.only),
        a.GEN_AI_RESPONSE_MODEL: model,
        a.GEN_AI_RESPONSE_ID: raw.text("id"),
        a.GEN_AI_USAGE_COST_AMOUNT: message.number("cost"),
        **_usage(message.object("usage"), raw.object("usage")),
    }
    known = {key: value for key, value in told.items() if value not in ("", None)}
    return run.answer(message.text("content"), calls, at_ns, known)


def _usage(usage: JsonObject, raw: JsonObject) -> Mapping[str, object]:
    """Tokens as LiteLLM counts them, with the details of the provider's own count."""
    inputs, outputs = usage.number("prompt_tokens"), usage.number("completion_tokens")
    prompt = raw.object("prompt_tokens_details")
    read = prompt.number("cached_tokens") or raw.number("cache_read_input_tokens")
    written = raw.number("cache_creation_input_tokens")
    if inputs is not None and inputs == raw.number("input_tokens"):
        inputs += (read or 0) + (written or 0)  # Anthropic's own count is without cached tokens.
    kinds = raw.object("cache_creation")
    if not kinds.value:
        kinds = prompt.object("cache_creation_token_details")
    return {
        a.GEN_AI_USAGE_INPUT_TOKENS: inputs,
        a.GEN_AI_USAGE_OUTPUT_TOKENS: outputs,
        a.GEN_AI_USAGE_CACHE_READ: read,
        a.GEN_AI_USAGE_CACHE_WRITE: written,
        a.ANTHROPIC_CACHE_WRITE_1H: kinds.number("ephemeral_1h_input_tokens"),
        a.GEN_AI_USAGE_REASONING: raw.object("completion_tokens_details").number(
            "reasoning_tokens"
        ),
    }


def _result(run: RecordedRun, message: JsonObject, at_ns: int | None) -> Span | None:
    """The agent's tool call that a message answers, or what the user did with a tool."""
    if message.value.get("requestor") == _USER:
        return run.change("user tool", at_ns)
    failed = message.value.get("error") is True
    span = run.result(message.text("id"), message.text("content"), at_ns, failed=failed)
    if span is None:
        message.problems.append(f"{message.where}: a result of a call that nobody made")
        run.pass_time(at_ns)
    return span


def _time(value: JsonObject, key: str) -> int | None:
    text = value.text(key)
    return iso_ns(text) if text else None


IMPORTER = Importer(NAME, recognises, read, suffixes=frozenset({".json"}))
