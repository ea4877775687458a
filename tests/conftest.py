"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# In CI the same examples every time; elsewhere new ones, so that they are searched on and on.
settings.register_profile("ci", derandomize=True, database=None, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "search")

SLOW_FOLDERS = tuple(
    Path(__file__).parent / name
    for name in (
        "collector/faults",
        "conformance",
        "costcraft/bench",
        "costcraft/replay",
        "integration",
        "journal",
    )
)
"""Each test there is quick, but starts services, databases or worlds, and they are many."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out of the fast tests what would make them slow together."""
    for item in items:
        if any(folder in item.path.parents for folder in SLOW_FOLDERS):
            item.add_marker(pytest.mark.slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured, also those that ran in other processes."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "measured":
                terminalreporter.write_line(f"measured: {value}")
