"""Recorded runs hold next to no secrets: what is masked in them shows how eager the rules are."""

from collections.abc import Iterator

import pytest

from clawtrace_otel.importers.compile_group import read
from clawtrace_otel.importers.plan import AUTO, make_plan
from clawtrace_otel.importers.registry import importer
from clawtrace_otel.semconv.masking import MASK, mask
from clawtrace_otel.semconv.normalize import normalize
from clawtrace_otel.semconv.step import Step
from clawtrace_otel.span import Span
from tests.corpora.folder import CORPORA, reads_corpora

pytestmark = reads_corpora


def steps() -> Iterator[Step]:
    for group in make_plan([CORPORA], AUTO).groups:
        for record in read(importer(group.kind), group.paths):
            if isinstance(record, Span):
                yield normalize(record)


@pytest.mark.slow
def test_hardly_anything_is_masked_in_recorded_runs() -> None:
    found = [(step.kind, step.args, step.error) for step in steps()]
    args = [text for kind, text, _ in found if kind == "tool" and text]
    errors = [error for _, _, error in found if error]
    masked = [mask(text) for text in args if mask(text) != text]
    assert len(args) > 4000
    assert len(errors) > 100
    assert len(masked) == 3
    assert all("PostHog" in text or "POSTHOG" in text for text in masked)
    assert all(text.count(MASK) < 10 for text in masked)
    assert [error for error in errors if mask(error) != error] == []
