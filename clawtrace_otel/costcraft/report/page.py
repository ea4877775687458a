"""A report as one HTML page: self-contained, without scripts, for any width, light and dark."""

from functools import cache

from jinja2 import Template

from clawtrace_otel.costcraft.report.patches import RUNGS
from clawtrace_otel.costcraft.report.skill_lines import MARKS
from clawtrace_otel.costcraft.report.templating import environment
from clawtrace_otel.costcraft.report.view import MAX_PROBLEMS, Shown
from clawtrace_otel.costcraft.report.words import code_spans


def render_page(shown: Shown) -> str:
    """The text of ``report.html``."""
    return _template().render(
        {name: getattr(shown, name) for name in Shown.__dataclass_fields__},
        rungs=RUNGS,
        max_problems=MAX_PROBLEMS,
        marks=MARKS,
    )


@cache
def _template() -> Template:
    made = environment(escapes_html=True)
    made.filters["code_spans"] = code_spans
    return made.get_template("report.html.j2")
