"""The service on a damaged SQLite file, and on one that another service has."""

import re
import signal
from pathlib import Path

import pytest

from tests.collector import otlp, peers
from tests.collector.peers import InProcess, Program, export
from tests.journal.damage import PAGE_BYTES
from tests.journal.peers import sql


def calls(card_path: Path) -> int:
    """LLM calls on a card."""
    (found,) = re.findall(r"llm_calls: (\d+)", card_path.read_text().partition("tokens")[0])
    return int(found)


def send_run(service: InProcess | Program, trace: int, count: int = 12) -> None:
    """A closed trace of some calls, each in a request of its own; the root comes last."""
    for n in range(2, 2 + count):
        export(service.grpc, otlp.body(otlp.llm(n, trace, 1)))
    export(service.grpc, otlp.body(otlp.root(trace, 60)))
    peers.card(service.cards, trace, where=peers.is_complete)


def damage_row_of(journal: Path, trace: int) -> None:
    """Change a byte of a delivery where it stands in the file."""
    sql(str(journal), "PRAGMA wal_checkpoint(TRUNCATE)")
    key = bytes.fromhex(otlp.trace_id(trace))
    ((data,),) = sql(
        str(journal), "SELECT data FROM deliveries WHERE trace = ? AND number = 3", (key,)
    )
    content = bytearray(journal.read_bytes())
    content[content.index(data) + len(data) // 2] ^= 0x55
    journal.write_bytes(content)


def test_a_card_that_has_more_than_can_still_be_read_is_not_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with InProcess(tmp_path) as service:
        for trace in (1, 2):
            send_run(service, trace)
    damage_row_of(service.journal, 1)
    first = service.cards / f"{otlp.trace_id(1)}.yaml"
    before = first.read_text()
    with InProcess(tmp_path) as service:
        for trace in (1, 2):
            export(service.grpc, otlp.body(otlp.llm(50, trace, 1)))
        second = service.cards / f"{otlp.trace_id(1)}-2.yaml"
        peers.until(second.exists)
        peers.card(service.cards, 2, where=lambda card: card["total"]["llm_calls"] == 13)
    assert first.read_text() == before
    assert calls(second) == 1
    assert f"delivery 3 of trace {otlp.trace_id(1)} is damaged" in caplog.text
    assert f"the card of trace {otlp.trace_id(1)} is left as it is" in caplog.text


def test_a_card_is_not_replaced_although_all_that_was_known_of_its_trace_is_lost(
    tmp_path: Path,
) -> None:
    with InProcess(tmp_path) as service:
        send_run(service, 1)
    key = bytes.fromhex(otlp.trace_id(1))
    sql(str(service.journal), "DELETE FROM traces WHERE trace = ?", (key,))
    sql(str(service.journal), "DELETE FROM deliveries WHERE number > 5")
    Path(f"{service.journal}.damaged").touch()
    card = service.cards / f"{otlp.trace_id(1)}.yaml"
    before = card.read_text()
    with InProcess(tmp_path) as service:
        peers.until((service.cards / f"{otlp.trace_id(1)}-2.yaml").exists)
    assert card.read_text() == before


def damage_pages(journal: Path) -> None:
    """Make every page but the first unreadable, while it is in use."""
    content = bytearray(journal.read_bytes())
    for at in range(2 * PAGE_BYTES, len(content), PAGE_BYTES):
        content[at : at + 8] = b"\xee" * 8
    with journal.open("r+b") as file:
        file.write(content)


@pytest.mark.slow
def test_damage_that_is_found_while_it_runs_ends_the_service_and_the_next_start_goes_on(
    tmp_path: Path,
) -> None:
    with Program(tmp_path) as program:
        for trace in range(1, 6):
            export(program.grpc, otlp.body(*(otlp.llm(n, trace, 1) for n in range(2, 400))))
        assert program.end() == 0
    with Program(tmp_path) as program:
        damage_pages(program.journal)
        for trace in range(1, 6):
            try:
                export(program.grpc, otlp.body(otlp.llm(500, trace, 1)))
            except Exception:
                break
        assert program.wait() == 1
        errors = [line for line in program.log.splitlines() if line.startswith("Error: ")]
        assert len(errors) == 1, program.log
        assert "start the service again" in errors[0]
        assert "Traceback" not in program.log
    with Program(tmp_path) as program:
        assert f"the journal {program.journal} is damaged" in program.log
        export(program.grpc, otlp.body(*otlp.run(9)))
        assert peers.card(program.cards, 9, where=peers.is_complete)["total"]["llm_calls"] == 2
        assert program.end() == 0


def test_a_second_service_on_the_same_file_is_refused(tmp_path: Path) -> None:
    with Program(tmp_path) as first:
        (tmp_path / "second").mkdir()
        second = Program(tmp_path / "second", journal=first.journal)
        second.launch()
        assert second.wait() == 1
        assert f"the journal {first.journal} is in use by another service" in second.log
        assert "choose another with --journal" in second.log
        assert "Traceback" not in second.log
        export(first.grpc, otlp.body(*otlp.run()))
        peers.card(first.cards, where=peers.is_complete)


@pytest.mark.slow
def test_the_lock_of_a_killed_service_is_no_obstacle(tmp_path: Path) -> None:
    with Program(tmp_path) as program:
        export(program.grpc, otlp.body(*otlp.run()))
        program.end(signal.SIGKILL)
    assert Path(f"{program.journal}.lock").exists()
    with Program(tmp_path) as program:
        peers.card(program.cards, where=peers.is_complete)
