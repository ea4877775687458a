"""The receiver that spans are forwarded to: ``python -m tests.soak.sink PORT FILE``.

It writes down what it takes before it answers, so that nothing of that is lost when it is killed.
"""

import hashlib
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import FrameType
from typing import NamedTuple

import grpc
import msgspec

from tests.collector import otlp
from tests.collector.faults.ledger import Acknowledged, number_of
from tests.collector.peers import TRACES


class Forwarded(NamedTuple):
    """What came to the sink.

    Attributes:
        spans: different ones.
        requests: all that it took.
        again: of them, those that it had taken before, byte by byte the same.
        lost: acknowledged spans that it never took.
        doubled: spans that came in two different requests.
    """

    spans: int
    requests: int
    again: int
    lost: int
    doubled: int


def forwarded(file: Path, acknowledged: dict[str, Acknowledged]) -> Forwarded:
    """Read what a sink wrote down, and hold it against what was acknowledged."""
    seen: Counter[str] = Counter()
    taken: dict[str, int] = {}
    doubled = 0
    for digest, numbers in _lines(file):
        seen[digest] += 1
        if seen[digest] > 1:
            continue
        for trace_id, text in numbers.items():
            bits, before = int(text, 16), taken.get(trace_id, 0)
            doubled += (bits & before).bit_count()
            taken[trace_id] = before | bits
    spans = sum(bits.bit_count() for bits in taken.values())
    lost = sum(
        (trace.numbers & ~taken.get(trace_id, 0)).bit_count()
        for trace_id, trace in acknowledged.items()
    )
    return Forwarded(spans, seen.total(), seen.total() - len(seen), lost, doubled)


def _lines(file: Path) -> Iterator[tuple[str, dict[str, str]]]:
    decoder = msgspec.json.Decoder(tuple[str, dict[str, str]])
    with file.open("rb") as lines:
        for line in lines:
            yield decoder.decode(line)


def _note(body: bytes) -> bytes:
    numbers: dict[str, int] = {}
    for span in otlp.spans_of([body]):
        trace_id = span.trace_id.hex()
        numbers[trace_id] = numbers.get(trace_id, 0) | 1 << number_of(span.span_id)
    shown = {trace_id: f"{bits:x}" for trace_id, bits in numbers.items()}
    return msgspec.json.encode((hashlib.sha256(body).hexdigest(), shown)) + b"\n"


def _serve(port: int, file: Path) -> None:
    output = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def take(body: bytes, context: grpc.ServicerContext) -> bytes:
        del context
        os.write(output, _note(body))
        return b""

    server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", -1)])
    handler = grpc.unary_unary_rpc_method_handler(take)
    service = TRACES.split("/")[1]
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"Export": handler}),)
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    stopped = Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    stopped.wait()
    server.stop(1).wait()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), Path(sys.argv[2]))
