"""The JSON Schema of ``patches.yaml``, from its types."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from clawtrace_otel.costcraft.model import PatchFile
from clawtrace_otel.costcraft.patch_file import VERSION_KEY

FILE_NAME = "patches-1.schema.json"


def make_schema() -> dict[str, Any]:
    """The schema as it follows from the types in :mod:`clawtrace_otel.costcraft.model`.

    The version is required: without it a file is not read.
    """
    schema = msgspec.json.schema(PatchFile)
    schema["$defs"]["PatchFile"]["required"].insert(0, VERSION_KEY)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "CostCraft patches",
        **schema,
    }


def schema_text() -> str:
    """The text of the schema file that ships with the package (``make schema`` writes it)."""
    return json.dumps(make_schema(), indent=2) + "\n"


@cache
def shipped_schema() -> str:
    """The schema file that ships with the package."""
    return files("clawtrace_otel.costcraft").joinpath(FILE_NAME).read_text(encoding="utf-8")
