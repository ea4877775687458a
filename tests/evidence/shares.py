"""Shares of cases that all count alike."""

from collections.abc import Iterable

from clawtrace_otel.costcraft.stats import wilson
from tests.evidence.scores import Share


def share_of(cases: Iterable[bool]) -> Share:
    """How many of some cases are as hoped, with Wilson's interval."""
    found = list(cases)
    good = sum(found)
    return Share(good, len(found), good / len(found) if found else None, wilson(good, len(found)))
