"""One run: the Collector, some replicas, PostgreSQL and a sender, all on this machine."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from clawtrace_otel.tracecard.read import card_paths
from tests.integration.scaled import Scaled, scaled
from tests.postgres import Postgres
from tests.scale.sender import Sender
from tests.scale.spans import TRACE_SPANS
from tests.scale.usage import Usage, usage_of, with_children

Journal = psycopg.Connection[tuple[object, ...]]

WARM_UP_SECONDS = 8.0
"""Until cards are written besides: they wait for 5 s."""

_LOOK_SECONDS = 0.25

SETTINGS = {"settle_seconds": 5, "refresh_seconds": 30, "forward": ""}
"""The defaults, and nothing is sent on."""


@dataclass(frozen=True)
class Result:
    """What one run gave.

    Attributes:
        rate: spans a second that were committed while it was measured.
        spans: that were sent in all.
        cards: that were written of them.
        used: by whom -> what, from the first span until the last card.
    """

    replicas: int
    rate: float
    spans: int
    cards: int
    used: dict[str, Usage]

    def cpu(self, who: str) -> float:
        """CPU seconds for 1,000 spans."""
        return 1000 * self.used[who].cpu_seconds / max(1, self.spans)

    def written(self, who: str) -> float:
        """Bytes written to disk for a span."""
        return self.used[who].written_bytes / max(1, self.spans)


def measure(folder: Path, postgres: Postgres, replicas: int, seconds: float) -> Result:
    """Run once.

    Args:
        folder: of all files.
        postgres: a server that runs.
        replicas: how many.
        seconds: to measure, after a warm-up.
    """
    url = postgres.fresh_database()
    with (
        scaled(folder, url, replicas, fsync=True, **SETTINGS) as running,
        psycopg.connect(url, autocommit=True) as journal,
        Sender(running.collector.grpc) as sender,
    ):
        pids = {
            "sender": [sender.pid],
            "collector": [running.collector.pid],
            "clawtrace": [replica.pid for replica in running.replicas],
            "postgresql": with_children(postgres.pid),
        }
        before = {who: usage_of(of) for who, of in pids.items()}
        _follow(journal, sender, WARM_UP_SECONDS)
        began, spans = time.monotonic(), _committed(journal)
        _follow(journal, sender, seconds)
        rate = (_committed(journal) - spans) / (time.monotonic() - began)
        sender.stop()
        pids["postgresql"] = with_children(postgres.pid)
        _drain(running, journal, sender)
        used = {who: usage_of(of) - before[who] for who, of in pids.items()}
        result = Result(replicas, rate, sender.sent, _cards(running), used)
    postgres.drop(url)
    return result


def _follow(journal: Journal, sender: Sender, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sender.follow(lambda: _committed(journal))
        time.sleep(_LOOK_SECONDS)


def _drain(running: Scaled, journal: Journal, sender: Sender, seconds: float = 180) -> None:
    """All that was sent has to come in, and to be on cards."""
    until = time.monotonic() + seconds
    while _committed(journal) < sender.sent or _cards(running) * TRACE_SPANS < sender.sent:
        assert time.monotonic() < until, (_committed(journal), _cards(running), sender.sent)
        time.sleep(_LOOK_SECONDS)


def _committed(journal: Journal) -> int:
    """Spans in the journal. The replicas' metric leaves out what a sender did not wait for."""
    row = journal.execute("SELECT COALESCE(SUM(steps), 0) FROM traces").fetchone()
    return int(str(row[0])) if row else 0


def _cards(running: Scaled) -> int:
    with suppress(FileNotFoundError):
        return len(card_paths(running.cards))
    return 0
