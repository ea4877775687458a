"""deploy/grafana/clawtrace.json: written by Grafana's own library from the table of panels.

``python -m tests.grafana.dashboard`` writes it again.
"""

import itertools
import json
from pathlib import Path

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models

from clawtrace_otel.collector.telemetry import table as t
from tests.grafana.panels import ROWS, Panel, Query

PAGE = Path(__file__).parents[2] / "deploy/grafana/clawtrace.json"

SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")

_COLUMNS = 24
_WIDTHS = {"lines": 8, "number": 6}
_HEIGHTS = {"lines": 8, "number": 4}


def made() -> str:
    """The dashboard, as the file has it."""
    board = (
        builders.Dashboard("ClawTrace")
        .uid("clawtrace")
        .description("What agents cost and waste, and how the service that says so is.")
        .tags(["clawtrace", "opentelemetry", "llm"])
        .time("now-6h", "now")
        .refresh("1m")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(builders.DatasourceVariable("datasource").label("Source").type("prometheus"))
        .with_variable(_label("job", f"label_values({t.TRACES_OPEN.name}, job)"))
        .with_variable(
            _label("instance", f'label_values({t.TRACES_OPEN.name}{{job=~"$job"}}, instance)')
        )
    )
    ids = itertools.count(1)
    for title, panels in ROWS.items():
        board.with_row(builders.Row(title).id(next(ids)))
        for panel in panels:
            board.with_panel(_panel(panel, next(ids)))
    return json.dumps(board.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _label(name: str, query: str) -> builders.QueryVariable:
    return (
        builders.QueryVariable(name)
        .datasource(SOURCE)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )


def _panel(panel: Panel, number: int) -> timeseries.Panel | stat.Panel:
    is_number = panel.kind == "number"
    made: timeseries.Panel | stat.Panel = _number() if is_number else _lines()
    made.id(number).title(panel.title).unit(panel.unit).datasource(SOURCE)
    made.span(_WIDTHS[panel.kind]).height(_HEIGHTS[panel.kind])
    if panel.says:
        made.description(panel.says)
    for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
        made.with_target(_target(query, letter, is_number=is_number))
    return made


def _number() -> stat.Panel:
    reduce = common_builders.ReduceDataOptions().calcs(["lastNotNull"])
    return (
        stat.Panel().reduce_options(reduce).graph_mode(common.BigValueGraphMode.NONE).no_value("0")
    )


def _lines() -> timeseries.Panel:
    legend = (
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    return timeseries.Panel().min(0).fill_opacity(10).legend(legend)


def _target(query: Query, letter: str, *, is_number: bool) -> prometheus.Dataquery:
    made = prometheus.Dataquery().ref_id(letter).expr(query.expr).legend_format(query.legend)
    return made.instant() if is_number else made.range()


if __name__ == "__main__":
    PAGE.write_text(made(), encoding="utf-8")
