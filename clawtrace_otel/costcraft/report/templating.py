"""Jinja2, set up for both forms of a report."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from clawtrace_otel.costcraft.wording import counted


def environment(*, escapes_html: bool) -> Environment:
    """An environment with the templates of this package.

    A name that a template has and a view has not is an error.
    """
    made = Environment(
        loader=PackageLoader("clawtrace_otel.costcraft.report"),
        autoescape=escapes_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["counted"] = counted
    return made
