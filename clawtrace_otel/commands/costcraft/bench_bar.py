"""How far a bench is: on a terminal only."""

import math
import threading
from types import TracebackType
from typing import Self


class RunsBar:
    """A bar on standard error, to be used in a ``with`` statement; told by any thread."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._bar = Progress(
            TextColumn("runs"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)
        self._lock = threading.Lock()
        self._known: list[float] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def start(self, runs: int) -> None:
        """So many runs are to be done."""
        self._bar.update(self._task, total=runs)
        if runs and self._bar.console.is_terminal:
            self._bar.start()

    def tell(self, usd: float | None) -> None:
        """A run has ended, and has cost so much."""
        with self._lock:
            self._known += [] if usd is None else [usd]
            spent = f"${math.fsum(self._known):,.4f}"
        self._bar.update(self._task, advance=1, description=spent)
