"""``report.md`` and ``report.html``."""

from pathlib import Path

from clawtrace_otel.costcraft.report.markdown import render_markdown
from clawtrace_otel.costcraft.report.page import render_page
from clawtrace_otel.costcraft.report.view import ReportView, shown
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.tracecard.write import write_text

MARKDOWN_NAME = "report.md"
PAGE_NAME = "report.html"


def write_report(out: Path, view: ReportView) -> None:
    """Write both forms of a report; equal views give equal bytes.

    Args:
        out: the folder; it is made if it does not exist. Readers see the old files or the new ones.
        view: what is reported.

    Raises:
        CostCraftError: a file cannot be written.
    """
    parts = shown(view)
    texts = {MARKDOWN_NAME: render_markdown(parts), PAGE_NAME: render_page(parts)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_text(text, out / name)
    except OSError as e:
        msg = f"cannot write the report to {out}: {e}"
        raise CostCraftError(msg) from e
