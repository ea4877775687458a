"""Health of the service: there, and ready to take requests."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest

from clawtrace_otel.collector.telemetry.health import Health, go_duration
from clawtrace_otel.collector.telemetry.metrics import ServiceMetrics
from clawtrace_otel.collector.telemetry.servers import StatusServers
from tests.collector import otlp, peers
from tests.collector.peers import Answer, InProcess, Program, export
from tests.collector.test_durability import full_disk
from tests.deploy.test_compose import ROOT, Dockerfile


def get(address: str, path: str = "/", method: str = "GET") -> Answer:
    connection = HTTPConnection(address, timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return Answer(response.status, dict(response.headers), response.read())
    finally:
        connection.close()


def answers(obstacle: str, *, ready: bool = False, stopping: bool = False) -> list[Answer]:
    """What a server in such a state answers to readiness and liveness."""

    async def ask() -> list[Answer]:
        health = Health(lambda: obstacle)
        servers = StatusServers(ServiceMetrics(), "", health, "127.0.0.1:0")
        address = (await servers.start())["health"]
        if ready:
            health.ready()
        if stopping:
            health.stopping()
        found = [await asyncio.to_thread(get, address, path) for path in ("/", "/live")]
        await servers.stop()
        return found

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "0.25s"),
        (59.9994, "59.999s"),
        (60, "1m0s"),
        (90.5, "1m30.5s"),
        (3600, "1h0m0s"),
        (360_000 + 61.5, "100h1m1.5s"),
    ],
)
def test_an_uptime_reads_as_in_go(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


def test_a_service_that_listens_is_available(tmp_path: Path) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    with InProcess(tmp_path) as service:
        answer = get(service.health)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    found = json.loads(answer.body)
    assert list(found) == ["status", "upSince", "uptime"]
    assert found["status"] == "Server available"
    assert found["upSince"].endswith("Z")
    assert before <= datetime.fromisoformat(found["upSince"]) <= datetime.now(UTC)
    assert re.fullmatch(r"[\d.]+s", found["uptime"])


@pytest.mark.parametrize(
    ("ready", "stopping", "obstacle"),
    [(False, False, ""), (True, False, "the disk is full"), (True, True, "")],
    ids=["starting", "obstacle", "stopping"],
)
def test_a_service_that_takes_nothing_is_not_available_but_lives(
    ready: bool, stopping: bool, obstacle: str
) -> None:
    readiness, liveness = answers(obstacle, ready=ready, stopping=stopping)
    assert readiness.status == 503
    assert json.loads(readiness.body) == {
        "status": "Server not available",
        "upSince": "0001-01-01T00:00:00Z",
        "uptime": "",
    }
    assert liveness.status == 200


def test_a_service_whose_cards_cannot_be_written_is_not_available_until_they_can(
    tmp_path: Path,
) -> None:
    with InProcess(tmp_path) as service:
        shutil.rmtree(service.cards)
        service.cards.write_text("no folder")
        export(service.grpc, otlp.body(*otlp.run()))
        peers.until(lambda: get(service.health).status == 503)
        assert get(service.health, "/live").status == 200
        service.cards.unlink()
        service.cards.mkdir()
        peers.until(lambda: get(service.health).status == 200)
        peers.card(service.cards)


def test_no_other_path_and_no_other_method_is_answered(tmp_path: Path) -> None:
    with InProcess(tmp_path) as service:
        assert get(service.health, "/metrics").status == 404
        assert get(service.health, "/", "POST").status == 405
        assert get(service.metrics, "/").status == 404
        assert get(service.metrics, "/metrics", "POST").status == 405


def test_the_health_check_of_the_image_passes_and_fails_with_the_service(tmp_path: Path) -> None:
    image = Dockerfile.parse((ROOT / "Dockerfile").read_text()).last_stage()
    [check] = image.all("HEALTHCHECK")
    _, *arguments = json.loads(check.partition(" CMD ")[2])

    def status(address: str) -> int:
        environment = {"CLAWTRACE_HEALTH": address}
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        return done.returncode

    with Program(tmp_path) as service:
        assert status(service.health) == 0
        service.cards.rmdir()
        service.cards.write_text("no folder")
        export(service.grpc, otlp.body(*otlp.run()))
        peers.until(lambda: get(service.health).status == 503)
        assert status(service.health) == 1
        service.end()
        assert status(service.health) == 1


def test_a_service_whose_journal_cannot_be_written_is_not_available_until_it_can(
    tmp_path: Path,
) -> None:
    with Program(tmp_path) as service:
        export(service.grpc, otlp.body(*otlp.run(1)))
        peers.card(service.cards, where=peers.is_complete)
        with full_disk(service, 50_000):
            peers.refused(service.grpc, otlp.body(*otlp.run(2)))
            assert get(service.health).status == 503
        peers.until(lambda: peers.post(service.http, otlp.body(*otlp.run(2))).status == 200)
        peers.until(lambda: get(service.health).status == 200)
