"""Progress: on a terminal only, and only where it takes over two seconds."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

SHOW_AFTER_SECONDS = 2.0


class _Bar:
    def __init__(self, what: str, total: int | None, amount: "ProgressColumn") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._from = time.monotonic() + SHOW_AFTER_SECONDS
        self._shown = False
        self._bar = Progress(
            TextColumn(what),
            BarColumn(),
            amount,
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(what, total=total)

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

    def _show(self, done: int, total: int) -> None:
        if not self._shown:
            if time.monotonic() < self._from or not self._bar.console.is_terminal:
                return
            self._bar.start()
            self._shown = True
        self._bar.update(self._task, completed=min(done, total), total=total)


class ReadingBar(_Bar):
    """A bar on standard error, to be used in a ``with`` statement.

    Args:
        total: bytes to be read.
    """

    def __init__(self, total: int) -> None:
        from rich.progress import DownloadColumn

        super().__init__("reading", total, DownloadColumn())
        self._total = total

    def tell(self, read: int) -> None:
        """So many bytes were read."""
        self._show(read, self._total)


class CountingBar(_Bar):
    """A bar on standard error, to be used in a ``with`` statement.

    Args:
        what: is done.
    """

    def __init__(self, what: str) -> None:
        from rich.progress import MofNCompleteColumn

        super().__init__(what, None, MofNCompleteColumn())

    def tell(self, done: int, total: int) -> None:
        """So many of all were done."""
        self._show(done, total)
