"""Who may send, and how much: asked before a request is read."""

from clawtrace_otel.collector.security.rate_limit import RateLimiter
from clawtrace_otel.collector.security.tokens import Tokens

EVERYONE = ""
"""The sender where there are no tokens."""


class Guard:
    """Tokens and rates.

    Args:
        tokens: of those who may send; ``None``: everyone may.
        limiter: bytes a second of each.
    """

    def __init__(self, tokens: Tokens | None = None, limiter: RateLimiter | None = None) -> None:
        self._tokens = tokens
        self._limiter = limiter or RateLimiter(0)

    def admit(self, authorization: str | None) -> str:
        """Look at the credentials of a request that has not been read.

        Args:
            authorization: its header of this name.

        Returns:
            The name of the sender.

        Raises:
            UnauthenticatedError: there is no token, or one that nobody has.
            RateLimitedError: its sender has to wait.
        """
        name = self._tokens.identify(authorization) if self._tokens else EVERYONE
        self._limiter.check(name)
        return name

    def charge(self, name: str, size: int) -> None:
        """Count what was read of a sender, in bytes after decompression."""
        self._limiter.charge(name, size)
