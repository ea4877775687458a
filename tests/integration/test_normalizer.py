"""A processor before clawtrace that adds the official names changes no card."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from clawtrace_otel.tracecard.compile import Compiler
from clawtrace_otel.tracecard.write import dump_card
from tests.collector import peers
from tests.collector.peers import export
from tests.conformance.sink import Landed
from tests.importers.compile_files import compile_files
from tests.integration import chain, normalizer
from tests.integration.captured import Captured, captured
from tests.integration.chain import Chain
from tests.integration.compare import landed_in
from tests.integration.programs import need
from tests.integration.running import Config

pytestmark = pytest.mark.timeout(300)  # the first test starts all of them

CAPTURES = captured(
    "*openinference*.jsonl",
    "*traceloop*.jsonl",
    "combinations/*openinference*",
    "combinations/*traceloop*",
)


def test_gen_ai_normalizer_itself_changes_no_card(tmp_path: Path) -> None:
    command = [str(need("otelcol")), "components"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if normalizer.PROCESSOR not in listed:
        pytest.skip(f"the Collector was built without {normalizer.PROCESSOR}")
    with through(normalizer.NORMALIZE, tmp_path / "running", bytes) as running:
        for n, capture in enumerate(CAPTURES):
            cards_are_as_ever(running, capture, tmp_path / str(n))


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("normalizer")


@pytest.fixture(scope="module", name="running")
def _running(folder: Path) -> Iterator[Chain]:
    """All captures went through a processor that does the same."""
    with through(normalizer.transform(), folder, normalizer.with_messages) as running:
        yield running


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
def test_the_names_that_gen_ai_normalizer_adds_change_no_card(
    tmp_path: Path, running: Chain, capture: Captured
) -> None:
    cards_are_as_ever(running, capture, tmp_path / "capture")


@pytest.mark.usefixtures("running")
def test_all_spans_of_both_dialects_went_through_it(folder: Path) -> None:
    """So that the test before could fail."""
    sent = landed_in(body for capture in CAPTURES for body in capture.traces)
    peers.until(lambda: set(landed_in(chain.landed(folder))) >= set(sent), chain.SECONDS)
    came = landed_in(chain.landed(folder))
    of_them = {key for key, copies in sent.items() if _keys(copies) & set(normalizer.OPERATIONS)}
    assert any(normalizer.OPERATION not in _keys(sent[key]) for key in of_them)
    assert [key for key in of_them if normalizer.OPERATION not in _keys(came[key])] == []


def _keys(copies: Sequence[Landed]) -> set[str]:
    return {item.key for item in copies[0].span.attributes}


@contextmanager
def through(processor: Config, folder: Path, prepare: Callable[[bytes], bytes]) -> Iterator[Chain]:
    """All captures are sent through a processor of the Collector.

    Args:
        processor: its configuration, by its name.
        folder: of all files.
        prepare: what is done to a request before it is sent.
    """
    pipeline = {"processors": ["memory_limiter", *processor]}
    config = {"processors": processor, "service": {"pipelines": {"traces": pipeline}}}
    with chain.to_a_file(folder, config, settle_seconds=3) as running:
        for capture in CAPTURES:
            for body in capture.traces:
                export(running.collector.grpc, prepare(body))
        yield running


def cards_are_as_ever(running: Chain, capture: Captured, folder: Path) -> None:
    """They are those of the spans as their sender made them, byte for byte."""
    folder.mkdir()
    (folder / "capture.jsonl").write_bytes(b"\n".join(capture.lines))
    cards = compile_files([folder], Compiler()).cards
    assert cards
    for card in cards:
        running.card(card["trace_id"])
        path = running.clawtrace.cards / f"{card['trace_id']}.yaml"
        assert path.read_text() == dump_card(card)
