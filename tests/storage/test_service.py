"""The service with cards in a bucket: harmed as with a folder, and nothing is lost."""

import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from clawtrace_otel.storage.open import open_store
from clawtrace_otel.storage.remote import MARKER
from clawtrace_otel.tracecard.read import parse_card, read_cards_in
from tests.collector import otlp, peers
from tests.collector.faults.load import load
from tests.collector.faults.service import Service
from tests.collector.peers import InProcess, Program, export
from tests.journal.peers import rows_of
from tests.journal.replicas import CALLS, Senders, replicas
from tests.storage.s3 import S3

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def names_in(s3: S3, where: str) -> list[str]:
    return [name for name in s3.objects(where) if name.endswith(".yaml")]


def calls(s3: S3, where: str) -> dict[str, int]:
    """LLM calls on each complete card that is there."""
    texts = {n: text for n, text in s3.objects(where).items() if n.endswith(".yaml")}
    cards = [parse_card(text, name) for name, text in texts.items()]
    return {c["trace_id"]: c["total"]["llm_calls"] for c in cards if peers.is_complete(c)}


def card(s3: S3, where: str, trace: int) -> None:
    """Wait for the card of a trace that is complete."""
    peers.until(lambda: otlp.trace_id(trace) in calls(s3, where), 60)


def download(s3: S3, where: str, folder: Path) -> Path:
    """What is in the bucket, in a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in s3.objects(where).items():
        (folder / name).write_bytes(content)
    return folder


def test_cards_are_those_of_a_folder_byte_by_byte(s3: S3, where: str, tmp_path: Path) -> None:
    traces = range(1, 6)
    with (
        InProcess(tmp_path / "one") as one,
        Program(tmp_path, cards=where) as two,
    ):
        for trace in traces:
            for service in (one, two):
                export(service.grpc, otlp.body(*otlp.run(trace)))
        for trace in traces:
            peers.card(one.cards, trace, where=peers.is_complete)
            card(s3, where, trace)
        assert two.end() == 0
    written = {n: text for n, text in s3.objects(where).items() if n.endswith(".yaml")}
    assert written == {path.name: path.read_bytes() for path in one.cards.iterdir()}


STORE = "clawtrace_otel.storage.remote:RemoteStore"
SESSION = "aiobotocore.httpsession:AIOHTTPSession"

POINTS = {
    "a card is due and not uploaded": f"before:4:{STORE}.write",
    "a card is uploaded and not marked": f"after:4:{STORE}.write",
    "an upload is about to be sent": f"before:9:{SESSION}.send",
    "an upload is answered": f"after:9:{SESSION}.send",
}


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_nothing_is_lost_or_doubled_by_a_kill_when(
    s3: S3, where: str, tmp_path: Path, point: str
) -> None:
    with load() as sending:
        with Service(tmp_path, ("--kill", point), cards=where) as program:
            sending.send_to(program)
            assert program.wait() == -signal.SIGKILL
            sending.send_to(None)
        with Service(tmp_path, cards=where) as program:
            sending.send_to(program)
            sending.finish()
            peers.until(lambda: program.metric("clawtrace_traces_open") == 0, 120)
            assert program.end() == 0
    sending.ledger.check(download(s3, where, tmp_path / "found"), program.journal)


def test_replicas_write_one_card_of_what_each_takes(
    s3: S3, where: str, tmp_path: Path, postgres_url: str
) -> None:
    traces = range(1, 13)
    with replicas(tmp_path, 2, postgres_url, cards=where) as programs:
        addresses = [program.grpc for program in programs]
        Senders(addresses, traces, threads=2).start().join()
        peers.until(lambda: calls(s3, where) == {otlp.trace_id(t): CALLS for t in traces}, 60)


def test_services_that_write_the_same_card_leave_a_whole_one(
    s3: S3, where: str, tmp_path: Path
) -> None:
    """Each has a journal of its own, which is wrong, but no reader may see half a card."""
    with (
        InProcess(tmp_path / "1", cards=where) as one,
        InProcess(tmp_path / "2", cards=where) as two,
    ):
        store = open_store(where)
        for n in range(2, 30):
            with ThreadPoolExecutor(2) as pool:
                for service in (one, two):
                    pool.submit(export, service.grpc, otlp.body(otlp.llm(n, 1, 1)))
            assert len(names_in(s3, where)) <= 1
            assert not [c for _, c in read_cards_in(store) if isinstance(c, Exception)]
        for service in (one, two):
            export(service.grpc, otlp.body(otlp.root()))
        peers.until(lambda: calls(s3, where) == {otlp.trace_id(1): 28}, 60)


RETAINED: dict[str, object] = {"retention_seconds": 0.5, "settle_seconds": 0.2}


@pytest.mark.parametrize("is_same_bucket", [True, False])
def test_a_card_that_is_gone_is_forgotten_unless_the_whole_bucket_is(
    s3: S3, where: str, tmp_path: Path, is_same_bucket: bool
) -> None:
    """What comes late then makes a card of that name again, or else one beside it."""
    first = f"{otlp.trace_id(1)}.yaml"
    with InProcess(tmp_path, cards=where, **RETAINED) as service:
        export(service.grpc, otlp.body(*otlp.run(1)))
        peers.until(lambda: rows_of(str(service.journal))["deliveries"] == 0, 30)
        s3.remove(where, first)
        if not is_same_bucket:
            s3.remove(where, MARKER)
            time.sleep(1.0)  # for which there is nothing to be seen
        else:
            peers.until(lambda: rows_of(str(service.journal))["traces"] == 0, 30)
        export(service.grpc, otlp.body(otlp.llm(30, 1, 1)))
        expected = first if is_same_bucket else f"{otlp.trace_id(1)}-2.yaml"
        peers.until(lambda: names_in(s3, where) == [expected], 30)


def answered(program: Program, trace: int) -> grpc.StatusCode | None:
    """Export a trace; what it was answered, within a second or two."""
    began = time.monotonic()
    try:
        export(program.grpc, otlp.body(*otlp.run(trace)))
    except grpc.RpcError as e:
        code: grpc.StatusCode = e.code()
        return code
    finally:
        assert time.monotonic() - began < 5
    return None


def test_a_bucket_that_is_away_holds_up_no_request_and_gets_its_cards_when_it_is_back(
    s3: S3, where: str, tmp_path: Path
) -> None:
    with Service(tmp_path, cards=where) as program:
        assert answered(program, 1) is None
        card(s3, where, 1)
        with s3.away():
            assert answered(program, 2) is None
            peers.until(lambda: answered(program, 3) is grpc.StatusCode.UNAVAILABLE, 60)
            program.says("cannot be written: EndpointConnectionError")
            assert program.metric("clawtrace_refused_requests", reason="cards") > 0
        card(s3, where, 2)
        peers.until(lambda: answered(program, 4) is None, 60)
        card(s3, where, 4)
        assert program.end() == 0


def test_a_service_ends_while_the_bucket_is_away_and_writes_the_cards_later(
    s3: S3, where: str, tmp_path: Path
) -> None:
    with Program(tmp_path, cards=where) as program:
        with s3.away():
            taken = [trace for trace in range(1, 9) if answered(program, trace) is None]
            began = time.monotonic()
            assert program.end() == 0
            assert time.monotonic() - began < 25
        program.start()
        peers.until(lambda: calls(s3, where) == {otlp.trace_id(t): 2 for t in taken}, 60)
