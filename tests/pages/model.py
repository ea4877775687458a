"""The scripted models of a try: all three APIs, and what they served."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from clawtrace_otel.demo.model_script import Reply, Request
from clawtrace_otel.demo.model_server import ModelServer
from tests.fixtures.capture import model_environment
from tests.fixtures.gemini_server import GeminiServer
from tests.fixtures.script import Model
from tests.pages.expect import Served

_PROVIDERS = {"messages": "anthropic", "chat": "openai", "responses": "openai"}


class Recorded(Model):
    """The captures' model; it knows coding agents by their tools, and keeps what it served."""

    def __init__(self) -> None:
        super().__init__()
        self.served: list[Served] = []

    def __call__(self, request: Request) -> Reply:
        """The captures' answer."""
        reply = super().__call__(request)
        provider = _PROVIDERS[request.api]
        provider = "google" if request.model.startswith("gemini") else provider
        self.served.append(Served(provider, request.model, reply))
        return reply


@contextmanager
def models() -> Iterator[tuple[Recorded, dict[str, str]]]:
    """The model, and the environment that leads to it and to nothing beyond this machine."""
    script = Recorded()
    with ModelServer(script) as model, GeminiServer(script) as gemini:
        yield (
            script,
            {
                "LANG": os.environ.get("LANG", "C.UTF-8"),
                "HTTPS_PROXY": "http://127.0.0.1:9",  # where nobody listens
                "NO_PROXY": "127.0.0.1",
                **model_environment(model, gemini),
            },
        )
