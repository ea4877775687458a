"""A client that knows nothing of us, telemetrygen, sends calls: all of them are on cards."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import Usage, calc_price
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from tests.collector import peers
from tests.integration import chain
from tests.integration.chain import Chain
from tests.integration.compare import landed_in
from tests.integration.programs import need

pytestmark = pytest.mark.timeout(300)  # the first test starts all of them

SECONDS = 120
WORKERS, TRACES, CHILDREN = 2, 30, 9

MODEL, INPUT_TOKENS, OUTPUT_TOKENS = "gpt-4o", 1200, 34

SENT: dict[str, dict[str, object]] = {
    "llm": {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": MODEL,
        "gen_ai.usage.input_tokens": INPUT_TOKENS,
        "gen_ai.usage.output_tokens": OUTPUT_TOKENS,
    },
    "tool": {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "read_file"},
}
"""What is on every span, roots and children alike."""

# A model call around others of the same library adds them up, and is none itself.
CALLS = {"llm": (CHILDREN, 0), "tool": (0, 1 + CHILDREN)}
"""Model calls and tool calls of a trace."""


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("telemetrygen")


@pytest.fixture(scope="module", name="running")
def _running(folder: Path) -> Iterator[Chain]:
    """Calls of models were sent by gRPC, calls of tools by HTTP."""
    with chain.to_a_file(folder, settle_seconds=2) as running:
        generate("llm", running.collector.grpc)
        generate("tool", running.collector.http, "--otlp-http")
        yield running


def generate(service: str, endpoint: str, *flags: str) -> None:
    """Let telemetrygen send traces of one root and its children."""
    attributes = (f"{key}={_shown(value)}" for key, value in SENT[service].items())
    command = [
        *(str(need("telemetrygen")), "traces", "--otlp-insecure", "--otlp-endpoint", endpoint),
        *("--workers", str(WORKERS), "--traces", str(TRACES), "--rate", "0"),
        *("--child-spans", str(CHILDREN), "--service", service, *flags),
        *(f"--telemetry-attributes={attribute}" for attribute in attributes),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr, done.stderr


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def trace_ids(folder: Path, service: str) -> Counter[str]:
    """The traces of a service -> how many spans of each came out behind clawtrace."""
    return Counter(
        landed.span.trace_id.hex()
        for copies in landed_in(chain.landed(folder)).values()
        for landed in copies
        if _service(landed.resource) == service
    )


@pytest.mark.parametrize("service", SENT)
@pytest.mark.usefixtures("running")
def test_every_span_comes_out_once(folder: Path, service: str) -> None:
    spans = WORKERS * TRACES * (1 + CHILDREN)
    peers.until(lambda: trace_ids(folder, service).total() >= spans, chain.SECONDS)
    found = trace_ids(folder, service)
    assert len(found) == WORKERS * TRACES
    assert set(found.values()) == {1 + CHILDREN}


def _service(resource: ResourceSpans) -> str:
    return next(
        (
            item.value.string_value
            for item in resource.resource.attributes
            if item.key == "service.name"
        ),
        "",
    )


@pytest.mark.parametrize("service", SENT)
def test_every_card_has_exactly_the_calls_that_were_made(
    folder: Path, running: Chain, service: str
) -> None:
    peers.until(lambda: len(trace_ids(folder, service)) >= WORKERS * TRACES, chain.SECONDS)
    for trace_id in trace_ids(folder, service):
        card = running.card(trace_id)
        total, tokens = card["total"], card["total"]["tokens"]
        llm_calls, tool_calls = CALLS[service]
        assert (card["status"], card["root"]["service"]) == ("complete", service)
        assert (total["llm_calls"], total["tool_calls"]) == (llm_calls, tool_calls)
        assert (tokens["input"], tokens["output"]) == (
            llm_calls * INPUT_TOKENS,
            llm_calls * OUTPUT_TOKENS,
        )
        assert total["unpriced_calls"] == 0


def test_the_costs_are_those_of_the_price_list(folder: Path, running: Chain) -> None:
    usage = Usage(input_tokens=INPUT_TOKENS, output_tokens=OUTPUT_TOKENS)
    price = calc_price(usage, MODEL, provider_id="openai").total_price
    for trace_id in trace_ids(folder, "llm"):
        assert Decimal(repr(running.card(trace_id)["total"]["cost_usd"])) == CHILDREN * price
