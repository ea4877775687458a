"""What must hold while the service is harmed, and after it."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.collector import peers
from tests.collector.faults.load import Load, load
from tests.collector.faults.service import Service

STOP_SECONDS = 25
"""In which a service ends, whatever is the matter with it."""


def ends_in_time(program: Service) -> None:
    """SIGTERM ends it with status 0."""
    before = time.monotonic()
    assert program.end(signal.SIGTERM) == 0
    assert time.monotonic() - before < STOP_SECONDS


def is_told(program: Service, sending: Load, reason: str, message: str) -> None:
    """Senders of both kinds are asked to wait, log and metric say why, and health says it."""
    since = len(sending.refusals)
    peers.until(lambda: sending.refused(since) == {"grpc", "http"}, 30)
    assert all(refusal.delay_seconds > 0 for refusal in sending.refusals)
    assert any(message in refusal.message for refusal in sending.refusals[since:])
    program.says(message)
    assert program.metric("clawtrace_refused_requests", reason=reason) > 0


@contextmanager
def busy(program: Service) -> Iterator[Load]:
    """A load of which something was acknowledged already."""
    with load(program) as sending:
        sending.goes_on()
        yield sending


def all_is_well(program: Service, sending: Load) -> None:
    """It went on: all that was sent is acknowledged and on a card, and the service stops."""
    sending.goes_on()
    sending.finish()
    ends_in_time(program)
    sending.ledger.check(program.cards, program.journal)
