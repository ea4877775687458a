"""The memory of a service that is a process of its own."""

from pathlib import Path

from tests.collector import otlp, peers
from tests.collector.peers import Program

IDLE_TRACE = 999_999


class Peak:
    """How much more memory a service takes than it does when it is idle, at most.

    It is idle after it has written one card: then all that is loaded late is loaded.
    """

    def __init__(self, program: Program) -> None:
        self._status = Path(f"/proc/{program.pid}/status")
        peers.export(program.grpc, otlp.body(*otlp.run(IDLE_TRACE)))
        peers.card(program.cards, IDLE_TRACE, where=peers.is_complete)
        (program.cards / f"{otlp.trace_id(IDLE_TRACE)}.yaml").unlink()
        self.idle = self._read("VmRSS")

    def above_idle(self) -> int:
        """Bytes."""
        return self._read("VmHWM") - self.idle

    def _read(self, key: str) -> int:
        lines = self._status.read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(key))
