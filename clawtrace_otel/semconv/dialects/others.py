"""Instrumentations that follow the official names but for a few keys.

Microsoft's Agent Framework, GitHub Copilot and OpenCode follow them for all that is read; their
agent spans carry sums, which count only where no call below says what it used. Copilot writes its
costs in credits, which are no money and are not read.
"""

from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.semconv.dialects.dialect import Dialect

SENTRY = Dialect(
    name="Sentry",
    llm={
        "cache_read": (a.SENTRY_CACHED,),
        "cache_write": (a.SENTRY_CACHE_WRITE,),
        "reasoning": (a.SENTRY_REASONING,),
    },
    source="docs.sentry.io, AI agents module: not captured",
)
