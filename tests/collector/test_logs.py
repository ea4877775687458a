"""The log of the service: lines for people or for programs, without secrets, never a flood."""

import io
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.collector.telemetry.logs import (
    BURST,
    WINDOW_SECONDS,
    CalmHandler,
    JsonLinesFormatter,
    TextFormatter,
)
from tests.collector import otlp
from tests.collector.peers import Program, export

SECRET = "sk-ant-api03-" + "aB3dE5" * 15 + "xYzAA"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Log:
    """A logger of its own, with the handler of the service and a clock that stands still."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self.stream = io.StringIO()
        self.now = 0.0
        self.handler = CalmHandler(self.stream, lambda: self.now)
        self.handler.setFormatter(formatter)
        self.logger = logging.Logger("clawtrace_otel.test", logging.DEBUG)
        self.logger.addHandler(self.handler)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    @property
    def objects(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines]


def failing(log: Log, message: str, text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        log.logger.exception(message)


def test_a_line_of_json_has_time_level_logger_message_and_what_was_added() -> None:
    log = Log(JsonLinesFormatter())
    before = datetime.now(UTC) - timedelta(seconds=1)
    log.logger.warning("trace %s is late", TRACE, extra={"trace_id": TRACE, "spans": 3})
    (found,) = log.objects
    moment = str(found.pop("time"))
    assert before <= datetime.fromisoformat(moment) <= datetime.now(UTC)
    assert moment.endswith("Z")
    assert found == {
        "level": "WARNING",
        "logger": "clawtrace_otel.test",
        "message": f"trace {TRACE} is late",
        "trace_id": TRACE,
        "spans": 3,
    }


def test_a_traceback_is_in_the_line_of_json() -> None:
    log = Log(JsonLinesFormatter())
    failing(log, "it failed", "first\nsecond")
    (found,) = log.objects
    assert str(found["exception"]).startswith("Traceback")
    assert str(found["exception"]).endswith("ValueError: first\nsecond")


@given(st.text(), st.text())
def test_any_text_gives_one_line_of_json(message: str, value: str) -> None:
    log = Log(JsonLinesFormatter())
    log.logger.error("%s", message, extra={"value": value})
    assert len(log.stream.getvalue().split("\n")) == 2
    assert set(log.objects[0]) == {"time", "level", "logger", "message", "value"}


def test_a_line_of_text_stays_one_line_whatever_was_sent() -> None:
    log = Log(TextFormatter())
    log.logger.error("span %s", "x\r\n2026-01-01 00:00:00,000 INFO root all is well")
    (line,) = log.lines
    assert line.endswith(
        " ERROR clawtrace_otel.test span x\\r\\n2026-01-01 00:00:00,000 INFO root all is well"
    )


@pytest.mark.parametrize("formatter", [TextFormatter, JsonLinesFormatter])
def test_secrets_are_masked_in_messages_values_and_tracebacks(
    formatter: type[logging.Formatter],
) -> None:
    log = Log(formatter())
    log.logger.error("sent to http://user:hunter2secret@host:4317 with %s", SECRET)
    log.logger.error("added", extra={"header": f"Authorization: Bearer {SECRET}"})
    failing(log, "failed", f"the header was api_key={SECRET}")
    log.logger.error("long %s", "x" * 20_000 + " password=hunter2secret " + "y" * 20_000)
    text = log.stream.getvalue()
    assert SECRET not in text
    assert "hunter2secret" not in text
    assert text.count("[masked]") >= 4
    assert len(text) > 40_000


def test_ids_are_not_taken_for_secrets() -> None:
    log = Log(TextFormatter())
    message = f"span 00f067aa0ba902b7 of trace {TRACE} is kept as no step"
    log.logger.error(message)
    assert log.lines[0].endswith(message)


def test_a_message_that_is_logged_again_and_again_is_counted_instead() -> None:
    log = Log(JsonLinesFormatter())
    for n in range(1000):
        log.logger.error("request %d failed", n)
    log.logger.error("another")
    assert [found["message"] for found in log.objects] == [
        *(f"request {n} failed" for n in range(BURST)),
        "another",
    ]
    log.now = WINDOW_SECONDS
    log.logger.error("request %d failed", 1000)
    held_back = 1000 - BURST
    expected = f"request 1000 failed (and {held_back} times more, which were held back)"
    assert log.objects[-1]["message"] == expected
    log.logger.error("request %d failed", 1001)
    assert log.objects[-1]["message"] == "request 1001 failed"


def test_what_is_held_back_at_the_end_is_said_at_the_end() -> None:
    log = Log(JsonLinesFormatter())
    for n in range(BURST + 5):
        log.logger.error("request %d failed", n)
    log.handler.close()
    assert log.objects[-1]["message"] == (
        "request 0 failed (and 5 times more, which were held back)"
    )
    assert len(log.lines) == BURST + 1


def test_messages_that_are_all_different_take_bounded_memory_and_are_all_said() -> None:
    log = Log(TextFormatter())
    for n in range(3000):
        log.logger.error(f"message {n}")  # noqa: G004 - as some libraries do
    assert len(log.lines) == 3000
    assert len(log.handler._windows) <= 1000


def test_a_held_back_traceback_keeps_no_variables() -> None:
    log = Log(TextFormatter())
    failing(log, "it failed", "text")
    (window,) = log.handler._windows.values()
    assert window.record.exc_info is None


def test_a_service_that_logs_json_writes_nothing_else(tmp_path: Path) -> None:
    with Program(tmp_path, log_format="json") as service:
        export(service.grpc, otlp.body(*otlp.run()))
        assert service.end() == 0
        lines = [json.loads(line) for line in service.log.splitlines()]
    assert {"time", "level", "logger", "message"} <= set(lines[0])
    (ready,) = [line for line in lines if "grpc" in line]
    assert (ready["grpc"], ready["http"]) == (service.grpc, service.http)
    assert (ready["metrics"], ready["health"]) == (service.metrics, service.health)


def test_what_is_below_the_level_is_not_logged(tmp_path: Path) -> None:
    with Program(tmp_path, log_level="debug") as service:
        service.end()
        assert " DEBUG " in service.log
    with Program(tmp_path, log_level="warning") as service:
        service.end()
        assert service.log.count("\n") == 1, "only that it is ready"


@pytest.mark.parametrize("setting", ["log_format", "log_level"])
def test_a_format_or_level_that_there_is_not_is_named(tmp_path: Path, setting: str) -> None:
    program = Program(tmp_path, **{setting: "loud"})
    program.launch()
    assert program.wait() == 1
    assert f"{setting} is 'loud'" in program.log
