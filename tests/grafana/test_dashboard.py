"""The dashboard is made from the code, and shows every metric that there is."""

import json
import re

from clawtrace_otel.collector.telemetry.table import METRICS
from tests.grafana import dashboard
from tests.grafana.panels import NEVER_SHOWN, ROWS

EXPRESSIONS = [
    query.expr for panels in ROWS.values() for panel in panels for query in panel.queries
]


def test_the_file_is_what_grafanas_library_makes_of_the_table() -> None:
    text = dashboard.PAGE.read_text(encoding="utf-8")
    assert text == dashboard.made(), "run python -m tests.grafana.dashboard"


def test_each_metric_of_the_service_is_shown_and_no_other() -> None:
    asked = {
        re.sub("_bucket$", "", name)
        for expression in EXPRESSIONS
        for name in re.findall(r"\b(?:clawtrace|otelcol)_\w+", expression)
    }
    never = {metric.name for metric in NEVER_SHOWN}
    assert asked == {metric.name for metric in METRICS} - never


def test_each_metric_is_of_the_jobs_and_instances_that_are_chosen() -> None:
    chosen = '{job=~"$job",instance=~"$instance"}'
    for expression in EXPRESSIONS:
        names = re.findall(r"\b(?:clawtrace|otelcol)_\w+", expression)
        assert expression.count(chosen) == len(names) > 0


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = json.loads(dashboard.made())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    covered = [cell for panel in panels for cell in cells(panel["gridPos"])]
    assert len(set(covered)) == len(covered)
    assert {x for x, _ in covered} == set(range(24))


def cells(place: dict[str, int]) -> list[tuple[int, int]]:
    """Where a panel stands."""
    return [
        (x, y)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
