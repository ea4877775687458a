"""Who the service says it is, in metrics and in spans of its own."""

from importlib.metadata import version
from uuid import uuid4

from clawtrace_otel.semconv import attributes as a

SERVICE = "clawtrace-collector"

VERSION = version("clawtrace-otel")


def new_identity() -> dict[str, str]:
    """Resource attributes of this start of the service."""
    return {
        a.SERVICE_NAME: SERVICE,
        a.SERVICE_VERSION: VERSION,
        a.SERVICE_INSTANCE_ID: str(uuid4()),
    }
