"""The JSON Schema of a TraceCard, from its types."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from clawtrace_otel.tracecard.model import Card

FILE_NAME = "tracecard-1.schema.json"


def make_schema() -> dict[str, Any]:
    """The schema as it follows from the types in :mod:`clawtrace_otel.tracecard.model`."""
    schema = msgspec.json.schema(Card)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "TraceCard",
        **schema,
    }


def schema_text() -> str:
    """The text of the schema file that ships with the package (``make schema`` writes it)."""
    return json.dumps(make_schema(), indent=2) + "\n"


@cache
def shipped_schema() -> str:
    """The schema file that ships with the package."""
    return files("clawtrace_otel.tracecard").joinpath(FILE_NAME).read_text(encoding="utf-8")
