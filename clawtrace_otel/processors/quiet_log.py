"""Logging that cannot flood: the agent's log is not ours to fill."""

import logging
import time

INTERVAL_SECONDS = 60.0


class QuietLog(logging.LoggerAdapter[logging.Logger]):
    """Says each message once a minute at most, and then how often it was due since."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__(logger)
        self._said: dict[str, tuple[float, int]] = {}

    def log(self, level: int, msg: object, *args: object, **kwargs: object) -> None:
        """Log ``msg`` unless it was logged within the last minute."""
        now = time.monotonic()
        said_at, swallowed = self._said.get(str(msg), (-INTERVAL_SECONDS, 0))
        if now - said_at < INTERVAL_SECONDS:
            self._said[str(msg)] = (said_at, swallowed + 1)
            return
        self._said[str(msg)] = (now, 0)
        more = f" (and {swallowed} times more since this was last said)" if swallowed else ""
        self.logger.log(level, f"{msg}{more}", *args, **kwargs)  # type: ignore[arg-type]  # noqa: G004
