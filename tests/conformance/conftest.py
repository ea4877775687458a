"""Which receiver the suite is held against, and the report."""

import time
from collections.abc import Iterator

import pytest

from tests.collector.peers import InProcess
from tests.conformance import report
from tests.conformance.sink import Sink
from tests.conformance.target import Target

RECOMMENDED = 64 << 20
"""Bytes that a request may have by default."""

SMALL = 1 << 20
"""Limit of the service of ours that the tests of limits are held against."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options that point the suite at another receiver."""
    group = parser.getgroup("conformance", "OTLP conformance (tests/conformance)")
    group.addoption("--otlp-grpc", metavar="HOST:PORT", help="OTLP/gRPC of a running receiver")
    group.addoption("--otlp-http", metavar="HOST:PORT", help="OTLP/HTTP of the same receiver")
    group.addoption(
        "--sink-port",
        type=int,
        metavar="PORT",
        help="port on 127.0.0.1 that it sends its spans on to over OTLP/gRPC; the suite listens",
    )
    group.addoption(
        "--request-limit",
        type=int,
        metavar="BYTES",
        help=f"what its limit is set to; default {RECOMMENDED}",
    )
    group.addoption("--points", action="store_true", help="print what holds of each point")


def pytest_configure(config: pytest.Config) -> None:
    """The mark that names the points of a test."""
    config.addinivalue_line("markers", "point(*numbers, level): point of the OTLP checklist")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put points and levels where reports carry them, also from other processes."""
    for item in items:
        for mark in item.iter_markers("point"):
            for number in mark.args:
                item.user_properties.append((report.PROPERTY, f"{number} {mark.kwargs['level']}"))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The table of points, if it was asked for."""
    if config.getoption("points", False):
        terminalreporter.write(report.text_of(report.results_of(terminalreporter.stats)))


@pytest.fixture(scope="session", name="sink")
def _sink(request: pytest.FixtureRequest) -> Iterator[Sink | None]:
    port = request.config.getoption("sink_port", None)
    if _given(request) and port is None:
        yield None
        return
    with Sink(port or 0) as sink:
        yield sink


@pytest.fixture(scope="session", name="target")
def _target(
    request: pytest.FixtureRequest, sink: Sink | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """The receiver with its defaults."""
    if other := _given(request):
        limit = request.config.getoption("request_limit", None) or RECOMMENDED
        target = Target(*other, limit, sink, salt=str(time.time_ns()))
        target.wait_until_ready()
        yield target
        return
    assert sink is not None
    with InProcess(tmp_path_factory.mktemp("conformance"), forward=sink.url) as service:
        yield Target(service.grpc, service.http, RECOMMENDED, sink, service.cards)


@pytest.fixture(scope="session", name="limited")
def _limited(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """The receiver with the smallest limit that it can be given."""
    if _given(request):
        yield request.getfixturevalue("target")
        return
    folder = tmp_path_factory.mktemp("limited")
    with InProcess(folder, max_request_bytes=SMALL) as service:
        yield Target(service.grpc, service.http, SMALL, None, service.cards)


@pytest.fixture(scope="session", name="busy")
def _busy(
    request: pytest.FixtureRequest, sink: Sink | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A receiver that has no room for a second request while one waits."""
    if _given(request):
        yield request.getfixturevalue("target")
        return
    assert sink is not None
    folder = tmp_path_factory.mktemp("busy")
    with InProcess(folder, forward=sink.url, max_pending_bytes=1) as service:
        yield Target(service.grpc, service.http, RECOMMENDED, sink, service.cards)


@pytest.fixture(name="trace")
def _trace(request: pytest.FixtureRequest, target: Target) -> int:
    """The number of a trace that is this test's own."""
    return target.trace(request.node.nodeid)


def _given(request: pytest.FixtureRequest) -> tuple[str, str] | None:
    addresses = [request.config.getoption(name, None) for name in ("otlp_grpc", "otlp_http")]
    if not any(addresses):
        return None
    if not all(addresses):
        msg = "--otlp-grpc and --otlp-http go together"
        raise pytest.UsageError(msg)
    return addresses[0], addresses[1]
