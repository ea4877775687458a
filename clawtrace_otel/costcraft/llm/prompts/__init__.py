"""What models are told: templates of plain text."""

import json
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

from clawtrace_otel.costcraft.llm.answers import schema_of


@cache
def _environment() -> Environment:
    # Not autoescaped: it is no HTML. Data is put in as values, so that no template is in it.
    return Environment(
        loader=PackageLoader("clawtrace_otel.costcraft.llm", "prompts"),
        undefined=StrictUndefined,
        autoescape=False,
    )


def render(name: str, kind: type[Struct], **values: Any) -> str:
    """A prompt.

    Args:
        name: of the template.
        kind: what the answer is to be.
        values: of the template.
    """
    schema = json.dumps(schema_of(kind))
    return _environment().get_template(f"{name}.md.j2").render(schema=schema, **values)
