"""What the service leaves on disk of what it was sent."""

from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from clawtrace_otel.settings import Content
from tests.collector import otlp, peers
from tests.collector.peers import InProcess, export
from tests.collector.sinks import GrpcSink
from tests.semconv.secrets import PASSWORD, TOKENS, dumped

TEXT = "the quick brown fox"
MESSAGE = f"login as {TOKENS['github']} failed"
ARGUMENTS = dumped(note=TEXT, password=PASSWORD, key=TOKENS["aws"])


def run() -> bytes:
    """A run whose tool is called twice with secrets, and fails once."""
    calls = [otlp.tool(n, 1, 1, gen_ai__tool__call__arguments=ARGUMENTS) for n in (2, 3)]
    failed = otlp.tool(4, 1, 1, gen_ai__tool__name="login")
    failed.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=MESSAGE))
    return otlp.body(*calls, failed, otlp.root())


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("content", ["none", "hash", "sample"])
def test_no_secret_is_left_on_disk(tmp_path: Path, content: Content) -> None:
    """Read while the service runs, too: the write-ahead log is a file like the others."""
    with InProcess(tmp_path, content=content) as service:
        export(service.grpc, run())
        card = peers.card(service.cards, where=peers.is_complete)
        running = files(tmp_path)
    assert [line["repeat"]["of"] for line in card["steps"] if "repeat" in line] == [1]
    for left in (running, files(tmp_path)):
        assert b"read_file" in left
        for secret in (PASSWORD, TOKENS["github"], TOKENS["aws"]):
            assert secret.encode() not in left
        assert (TEXT.encode() in left) is (content == "sample")


def test_forwarded_spans_are_as_they_were_sent(tmp_path: Path) -> None:
    """What a sender puts on its spans is the sender's to decide; only the cards are ours."""
    with GrpcSink() as sink, InProcess(tmp_path, content="none", forward=sink.url) as service:
        export(service.grpc, run())
        peers.until(lambda: len(otlp.spans_of(sink.taken)) >= 4)
    sent = [otlp.attributes_of(span) for span in otlp.spans_of(sink.taken)]
    assert [a.get("gen_ai.tool.call.arguments") for a in sent].count(ARGUMENTS) == 2
