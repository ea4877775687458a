"""Inputs to begin with: what real instrumentations sent, cards, files, and known attacks."""

import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clawtrace_otel.otlp.json_body import message_from_json
from clawtrace_otel.semconv.dialects import READ
from tests.fuzz.files import SEPARATOR
from tests.fuzz.targets import Target
from tests.fuzz.values import HUGE, NAMES, UNITS, WORDS
from tests.importers.formats import test_langfuse, test_openclaw_telemetry
from tests.importers.formats.claude_code import records as claude
from tests.importers.formats.harbor import test_trajectory
from tests.importers.formats.openclaw import records as openclaw
from tests.importers.formats.tau import test_tau2, test_tau_bench

FIXTURES = Path(__file__).parents[1] / "fixtures" / "otlp"
GOLDEN = Path(__file__).parents[1] / "tracecard" / "golden"

Seeds = Iterator[bytes]


def seeds(target: Target) -> Seeds:
    """The seeds of a target."""
    if target.generated is not None:
        source = random.Random(target.name)
        yield from (source.randbytes(target.max_len // 2) for _ in range(20))
    else:
        yield from _SEEDS.get(target.name, _none)()


def write_seeds(target: Target, folder: Path) -> None:
    """Write the seeds of a target, each as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for n, seed in enumerate(seeds(target)):
        (folder / f"{n:04d}").write_bytes(seed)


_TOKENS = ["resourceSpans", "scopeSpans", "resourceLogs", "-0", "1E400", "NaN", "-Infinity"]
"""What stands in JSON as it is."""


def dictionary() -> str:
    """Words that libFuzzer puts into inputs, in its format."""
    words = {*READ, *WORDS, *NAMES, *UNITS, *_TOKENS, HUGE}
    escaped = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in sorted(words))
    return "\n".join(f'"{word}"' for word in escaped if 0 < len(word) <= 4 * 60)


def _requests(key: str) -> Iterator[dict[str, object]]:
    """Requests of the captures with one span or record each: the first of each scope and name."""
    known = set()
    scoped_key, item_key = (
        ("scopeSpans", "spans") if key == "resourceSpans" else ("scopeLogs", "logRecords")
    )
    for path in sorted(FIXTURES.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            for resource in json.loads(line).get(key, ()):
                for scoped in resource[scoped_key]:
                    for item in scoped[item_key]:
                        said = item.get("name") or item.get("body")
                        name = (path.stem, str(scoped.get("scope")), str(said))
                        if name not in known:
                            known.add(name)
                            alone = {**scoped, item_key: [item]}
                            yield {key: [{**resource, scoped_key: [alone]}]}


def _as_json(key: str) -> Callable[[], Seeds]:
    return lambda: (json.dumps(request).encode() for request in _requests(key))


def _as_protobuf(key: str, kind: Callable[[], Message]) -> Callable[[], Seeds]:
    return lambda: (
        message_from_json(request, kind()).SerializeToString() for request in _requests(key)
    )


def _lines(*records: object) -> bytes:
    return b"\n".join(json.dumps(record).encode() for record in records)


def _claude_code() -> Seeds:
    call = claude.call("toolu_1", "Read", file_path="a.py")
    agent = claude.call("toolu_2", "Task", prompt="look")
    told = claude.agent_result("a1", claude.usage(5, 6, 7, 8))
    own = (
        claude.asked(0),
        claude.said(1, "m1", claude.text("I look"), call),
        claude.result(2, "toolu_1", "text", told={"file": {"filePath": "a.py"}}),
        claude.said(3, "m2", agent, tokens=claude.usage(1, 2, 3, 4)),
        claude.progress(4, "a1", "toolu_2", claude.said(4, "m3", call)),
        claude.result(5, "toolu_2", [claude.text("found it")], told=told),
        claude.said(6, "m4", stop="end_turn"),
    )
    side = claude.said(4, "m5", isSidechain=True, agentId="a1")
    yield _lines(*own)
    yield _lines(*own) + SEPARATOR + _lines(side)
    yield _lines(claude.asked(0), claude.result(1, "x", failed=True))


def _openclaw() -> Seeds:
    call = openclaw.call("t1", "read", path="a")
    yield _lines(
        openclaw.header(),
        openclaw.asked(0),
        openclaw.said(1, 2, call),
        openclaw.result(3, "t1"),
        openclaw.said(4, 5, cost=0.25),
    )
    forked = openclaw.header("s2", 30, parentSession="a.jsonl")
    yield _lines(openclaw.header()) + SEPARATOR + _lines(forked, openclaw.said(40, 41))


def _openclaw_telemetry() -> Seeds:
    t = test_openclaw_telemetry
    yield _lines(
        t.message_in(0),
        t.start(t.MAIN),
        t.tool(t.DIRECT, "exec", command="ls"),
        t.done(t.DIRECT, "exec", 500),
        t.start(t.MAIN, *t.CONVERSATION),
        t.start(t.SUB, t.said(7, "r9")),
    )


def _tau2() -> Seeds:
    run = {"info": test_tau2.INFO, "tasks": [], "simulations": [test_tau2.SIMULATION]}
    yield json.dumps(run).encode()
    yield json.dumps(run, indent=1).encode()


def _harbor() -> Seeds:
    files = [json.dumps(content).encode() for content in test_trajectory.WHOLE.values()]
    yield SEPARATOR.join(files)
    yield SEPARATOR.join([*files, b'{"reward": 0.5}'])
    yield files[0]


def _langfuse() -> Seeds:
    trace = {"id": test_langfuse.TRACE, "sessionId": "s", "scores": test_langfuse.SCORES}
    held = test_langfuse.OBSERVATIONS
    yield json.dumps({"trace": trace, "observations": held}).encode()
    yield json.dumps({**trace, "observations": held}).encode()
    yield json.dumps(held).encode()


_LAUGHS = "a: &a [lol]\n" + "".join(
    f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n"
    for a, b in zip("abcdefghijk", "bcdefghijkl", strict=True)
)
"""Aliases of aliases: 9 to the power of 11 items for whoever looks at each of them."""

_PRICES = b"""prices: 1
usd_per: {EUR: 1.08}
models:
- {model: "llama-3.3-*", provider: self-hosted, input: 0.10, output: 0.40}
- {model: "gpt-*", from: 2026-03-01, currency: EUR, input: 1e-9, cache_read: 0.02, output: 0.80}
- {model: round, free: true}
"""

_LITELLM = {
    "sample_spec": {"input_cost_per_token": "explains"},
    "azure/gpt-4o": {
        "litellm_provider": "azure",
        "input_cost_per_token": 2.75e-06,
        "output_cost_per_token": "1.1e-05",
        "input_cost_per_token_above_200k_tokens": 3e-06,
        "input_cost_per_token_batches": 1.375e-06,
    },
    "m": {
        "output_cost_per_token": 1e-6,
        "tiered_pricing": [{"range": [0, 32000.0], "input_cost_per_token": 4e-7}],
    },
}


def _settings() -> Seeds:
    yield b"cards: /tmp/cards\nread_only_tools: ['read_*', list_files]\nnear_threshold: 0.8\n"
    yield b"content: hash\nsettle_seconds: '5'\nmax_card_bytes: 1024\nforward: http://a:4317\n"
    yield f"{_LAUGHS}cards: *l\n".encode()
    yield f"cards: *l\n{_LAUGHS}".encode()
    yield b"&a [*a]"
    yield b"cards: &a [*a]"


def _prices_yaml() -> Seeds:
    yield _PRICES
    yield _PRICES + _LAUGHS.encode()
    yield b"prices: 1\nmodels: &a [*a]"
    yield b'prices: 1\nmodels: [{model: m, input: "0E+999999", output: "1e-999999"}]'


def _prices_json() -> Seeds:
    yield json.dumps(_LITELLM).encode()


def _cards() -> Seeds:
    for path in sorted(GOLDEN.glob("*.yaml")):
        yield from (card.encode() for card in path.read_text(encoding="utf-8").split("---\n"))
    card = next(path for path in sorted(GOLDEN.glob("*.yaml"))).read_text(encoding="utf-8")
    first = card.split("---\n")[0]
    yield f"{first}{_LAUGHS}".encode()
    yield f"{first}x: &a [*a]\nd: 2026-11-02\nb: !!binary aGk=\ns: !!set {{a}}\n".encode()
    yield f'{first}x: "\\ud800"\n1: 2\n'.encode()


def _none() -> Seeds:
    yield b""


def _packed() -> Seeds:
    yield b""
    yield gzip.compress(b"a body", mtime=0)
    yield gzip.compress(b"\0" * 1_000_000, mtime=0)
    yield gzip.compress(b"a", mtime=0) * 40


_SEEDS: dict[str, Callable[[], Seeds]] = {
    "traces_protobuf": _as_protobuf("resourceSpans", ExportTraceServiceRequest),
    "traces_json": _as_json("resourceSpans"),
    "logs_protobuf": _as_protobuf("resourceLogs", ExportLogsServiceRequest),
    "logs_json": _as_json("resourceLogs"),
    "packed": _packed,
    "recorded_tau2": _tau2,
    "recorded_tau_bench": lambda: iter([json.dumps([test_tau_bench.TASK]).encode()]),
    "recorded_harbor": _harbor,
    "recorded_langfuse": _langfuse,
    "recorded_claude_code": _claude_code,
    "recorded_openclaw": _openclaw,
    "recorded_openclaw_telemetry": _openclaw_telemetry,
    "recorded_otlp": _as_json("resourceSpans"),
    "settings": _settings,
    "prices_yaml": _prices_yaml,
    "prices_json": _prices_json,
    "card_file": _cards,
}
