"""Progress in bytes: on a terminal only, and only where it takes over two seconds."""

import time
from types import TracebackType
from typing import Self

SHOW_AFTER_SECONDS = 2.0


class ReadingBar:
    """A bar on standard error, to be used in a ``with`` statement.

    Args:
        total: bytes to be read.
    """

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._from = time.monotonic() + SHOW_AFTER_SECONDS
        self._total = total
        self._shown = False
        self._bar = Progress(
            TextColumn("reading"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("reading", total=total)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._shown:
            self._bar.stop()

    def tell(self, read: int) -> None:
        """So many bytes were read."""
        if not self._shown:
            if time.monotonic() < self._from or not self._bar.console.is_terminal:
                return
            self._bar.start()
            self._shown = True
        self._bar.update(self._task, completed=min(read, self._total))
