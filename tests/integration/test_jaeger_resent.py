"""What Jaeger shows of a span that comes to it more than once."""

import itertools
import random
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import grpc
import pytest

from tests.collector import otlp, peers
from tests.collector.faults import workload
from tests.collector.faults.service import Service
from tests.collector.peers import export
from tests.integration import jaeger_api
from tests.integration.running import Jaeger

pytestmark = pytest.mark.timeout(300)  # the first test starts all of them

SENDER = "clawtrace_otel.collector.forwarding.senders:GrpcSender.send"

TRACES = itertools.count(1)
"""Numbers of traces; each is used once."""

READERS = pytest.mark.parametrize(
    "read", jaeger_api.READERS.values(), ids=jaeger_api.READERS.keys()
)


@pytest.fixture(scope="module", name="jaeger")
def _jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    with Jaeger(tmp_path_factory.mktemp("resent") / "jaeger") as jaeger:
        yield jaeger


@READERS
def test_jaeger_shows_once_what_it_gets_twice_and_the_same(
    jaeger: Jaeger, read: jaeger_api.Reader
) -> None:
    spans = otlp.run(trace := next(TRACES))
    for _ in range(3):
        export(jaeger.grpc, otlp.body(*spans))
    jaeger_api.spans(jaeger, otlp.trace_id(trace), len(spans), read)


@READERS
def test_jaeger_shows_twice_what_it_gets_again_with_another_attribute(
    jaeger: Jaeger, read: jaeger_api.Reader
) -> None:
    """So a re-send must be the same, to the byte."""
    trace = next(TRACES)
    export(jaeger.grpc, otlp.body(otlp.llm(2, trace)))
    export(jaeger.grpc, otlp.body(otlp.llm(2, trace, clawtrace__repeat__count=2)))
    shown = peers.until(
        lambda: found if len(found := read(jaeger, otlp.trace_id(trace))) > 1 else None,
        jaeger_api.SECONDS,
    )
    assert [span.span_id for span in shown] == [f"{2:016x}"] * 2


@READERS
def test_what_a_sender_sends_again_is_shown_once(
    tmp_path: Path, jaeger: Jaeger, read: jaeger_api.Reader
) -> None:
    """In one request with spans that are new, and in another order."""
    spans = otlp.run(trace := next(TRACES))
    with Service(tmp_path, forward=f"http://{jaeger.grpc}") as clawtrace:
        for sent in (spans[:3], spans[:3], spans[::-1]):
            export(clawtrace.grpc, otlp.body(*sent))
        jaeger_api.spans(jaeger, otlp.trace_id(trace), len(spans), read)
        assert clawtrace.end() == 0
    jaeger_api.spans(jaeger, otlp.trace_id(trace), len(spans), read)


def test_what_is_sent_on_again_after_a_kill_is_shown_once(tmp_path: Path, jaeger: Jaeger) -> None:
    """The service is killed when Jaeger has taken a request, and it is not marked as sent."""
    r = random.Random(1)
    traces = {n: workload.trace(n, 12, r) for n in itertools.islice(TRACES, 10)}
    requests = [one.body for spans in traces.values() for one in workload.requests(spans, 4)]
    jaegers = f"http://{jaeger.grpc}"
    with Service(tmp_path, ("--kill", f"after:5:{SENDER}"), forward=jaegers) as clawtrace:
        send_until_it_is_gone(clawtrace, requests)
        assert clawtrace.wait() == -signal.SIGKILL
    with Service(tmp_path, forward=jaegers) as clawtrace:
        for body in requests:
            export(clawtrace.grpc, body)
        for n, spans in traces.items():
            jaeger_api.spans(jaeger, otlp.trace_id(n), len(spans))
        assert clawtrace.end() == 0
    for n, spans in traces.items():
        jaeger_api.spans(jaeger, otlp.trace_id(n), len(spans))


def send_until_it_is_gone(clawtrace: Service, requests: Sequence[bytes]) -> None:
    """Again and again."""
    with suppress(grpc.RpcError):
        for body in itertools.cycle(requests):
            export(clawtrace.grpc, body)
