"""Logging within an agent's process."""

import logging

import pytest

from clawtrace_otel.processors.quiet_log import QuietLog


def test_a_message_that_is_due_again_and_again_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = QuietLog(logging.getLogger("quiet"))
    for n in range(5):
        log.warning("span %d is late", n)
    log.error("another message")
    assert [record.getMessage() for record in caplog.records] == [
        "span 0 is late",
        "another message",
    ]


def test_an_exception_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    log = QuietLog(logging.getLogger("quiet"))
    try:
        int("x")
    except ValueError:
        log.exception("failed")
    assert caplog.records[0].exc_info
