"""docs/telemetry.md: its table of metrics, made from the code.

``python -m tests.telemetry_page`` writes it again.
"""

from pathlib import Path

from clawtrace_otel.collector.telemetry.table import METRICS, Metric

PAGE = Path(__file__).parents[1] / "docs/telemetry.md"

BEGIN, END = "<!-- metrics -->", "<!-- /metrics -->"


def with_tables(text: str) -> str:
    """The page with the table as the code has it."""
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    rows = "\n".join(map(_row, METRICS))
    table = f"| metric | kind | unit | labels | meaning |\n|---|---|---|---|---|\n{rows}"
    return f"{head}{BEGIN}\n{table}\n{END}{tail}"


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | `{metric.unit}` | {labels} | {metric.meaning} |"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
