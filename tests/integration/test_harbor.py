"""The real Harbor runs a task of ours in a real container, and its job becomes cards.

The agent runs in the container, asks a scripted model, and sends its spans to a service of ours.
What it does depends on the skills that it finds.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from clawtrace_otel.costcraft.bench.harbor import BUNDLED, CARDS, JOBS, HarborOrder, run_harbor
from clawtrace_otel.costcraft.bench.report import Report
from clawtrace_otel.costcraft.bench.service import BackgroundService, service_settings
from clawtrace_otel.demo.model_server import ModelServer, Reply, Request, ToolCall
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths, read_card
from tests.integration.compose_project import until
from tests.integration.docker_engine import Engine, engine
from tests.integration.harbor_program import Harbor, need
from tests.integration.stand_ins import Images

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
TASKS = HERE / "harbor_task" / "tasks"
TASK = "sum-of-sales"
HASTY = HERE / "harbor_task" / "skills" / "hasty"
MODEL = "gpt-5-mini"
FAILED_TEST = "check.py::test_answer_is_the_revenue_of_north"

_ON_THE_HOST = """\
services:
  main:
    network_mode: host
    stop_grace_period: 0s
    build:
      network: host
"""
"""Our own engine has no other network. What runs in a task's container waits for no signal."""


def script(request: Request) -> Reply:
    """Read the sales twice, or once, or not at all, as the skills say; then write the sum."""
    said = sum(message["role"] == "assistant" for message in request.messages)
    plan = _plan(str(request.messages[0]["content"]))
    calls = (ToolCall(f"call_{said}", *plan[said]),) if said < len(plan) else ()
    return Reply(
        text="" if calls else "Done.",
        tool_calls=calls,
        input_tokens=900 + 400 * said,
        output_tokens=30,
        cache_read_tokens=512 if said else 0,
    )


def _plan(skills: str) -> list[tuple[str, str]]:
    read = ("read_file", json.dumps({"path": "/app/sales.csv"}))
    reads = 0 if "Guess the answer" in skills else 1 if "not read again" in skills else 2
    answer = {"path": "/app/answer.txt", "text": "97.50" if reads else "1.00"}
    return [*[read] * reads, ("write_file", json.dumps(answer))]


@dataclass(frozen=True)
class World:
    """What was done, once for all tests.

    Attributes:
        folder: of the order.
        report: what it came to.
        again: what the same order came to when it was given again.
        live: the cards that the service made of what the agents sent.
        requests: how many the model was sent by the first order, and by both.
    """

    folder: Path
    report: Report
    again: Report
    live: list[Card]
    requests: tuple[int, int]

    def cards(self, condition: str) -> list[Card]:
        """Those of the job of a condition."""
        (folder,) = (self.folder / CARDS).glob(f"{condition}-*")
        return [read_card(path) for path in card_paths(folder)]

    def trajectory(self, condition: str) -> dict[str, object]:
        """The only one of a job."""
        (path,) = (self.folder / JOBS).glob(f"{condition}-*/*/agent/trajectory.json")
        read: dict[str, object] = json.loads(path.read_text())
        return read


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    harbor = need()
    folder = tmp_path_factory.mktemp("harbor")
    with ExitStack() as stack:
        running = stack.enter_context(engine())
        images = stack.enter_context(Images(running, folder))
        images.need("python:3.11-slim-bookworm")
        model = stack.enter_context(ModelServer(script))
        settings = service_settings(folder / "live", folder / "journal.db", {})
        service = stack.enter_context(BackgroundService(settings, folder / "service.log"))
        order = _order(folder, harbor, running, model, service)
        report = run_harbor(order)
        asked = len(model.requests)
        live = until(lambda: _live(folder / "live", len(report.conditions)))
        again = run_harbor(order)
        yield World(order.folder, report, again, live, (asked, len(model.requests)))


def _live(folder: Path, count: int) -> list[Card] | None:
    cards = [read_card(path) for path in card_paths(folder)]
    return cards if len(cards) == count and all(c["status"] == "complete" for c in cards) else None


def _order(
    folder: Path, harbor: Harbor, running: Engine, model: ModelServer, service: BackgroundService
) -> HarborOrder:
    overlay = folder / "on_the_host.yaml"
    overlay.write_text(_ON_THE_HOST)
    environment = {name: value for name, value in running.environment.items() if "DOCKER" in name}
    return HarborOrder(
        tasks=TASKS,
        agent="scripted:Scripted",
        folder=folder / "bench",
        model=f"openai/{MODEL}",
        skills=[str(HASTY)],
        bundled=True,
        endpoint=service.http,
        arguments=[
            f"--agent-env=OPENAI_BASE_URL={model.url}",
            f"--extra-docker-compose={overlay}",
        ],
        environment={
            **environment,
            "DOCKER_CONFIG": str(harbor.docker_config),
            "HARBOR_TELEMETRY": "off",
            "HOME": str(folder),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "PATH": f"{harbor.bin}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(HERE / "harbor_agent"),
        },
    )


def test_the_outcome_of_a_trial_is_what_its_tests_said(world: World) -> None:
    (without,), (hasty,) = world.cards("without"), world.cards("hasty")

    assert without["outcome"] == {"passed": True, "score": 1.0, "by": "harbor", "evidence": []}
    evidence = [f"failed tests: {FAILED_TEST}"]
    assert hasty["outcome"] == {"passed": False, "score": 0.0, "by": "harbor", "evidence": evidence}


@pytest.mark.parametrize("condition", ["without", "hasty", BUNDLED])
def test_tokens_and_cost_are_those_of_the_trajectory(world: World, condition: str) -> None:
    (card,) = world.cards(condition)
    trajectory = world.trajectory(condition)
    stated = trajectory["final_metrics"]
    assert isinstance(stated, dict)

    total, tokens = card["total"], card["total"]["tokens"]
    assert tokens["input"] == stated["total_prompt_tokens"]
    assert tokens["cache_read"] == stated["total_cached_tokens"]
    assert tokens["output"] == stated["total_completion_tokens"]
    assert total["cost_usd"] == pytest.approx(stated["total_cost_usd"])
    assert card["prices"] == {"supplied": total["llm_calls"]}
    assert (card["task"], card["session"]) == (TASK, trajectory["session_id"])


def test_a_file_that_is_read_twice_is_found_and_the_tasks_own_skill_avoids_it(world: World) -> None:
    (without,), (bundled,) = world.cards("without"), world.cards(BUNDLED)

    assert [step["tool"] for step in without["steps"] if "tool" in step] == [
        "read_file",
        "read_file",
        "write_file",
    ]
    assert [step["n"] for step in without["steps"] if "repeat" in step] == [4]
    assert bundled["total"]["tool_calls"] == 2
    assert bundled["outcome"]["passed"] is True


def test_what_the_agents_sent_reached_the_service_and_is_the_same_run(world: World) -> None:
    imported = {
        card["session"]: card
        for condition in ("without", "hasty", BUNDLED)
        for card in world.cards(condition)
    }
    live = {card["session"]: card for card in world.live}

    assert live.keys() == imported.keys()
    for session, card in live.items():
        same = imported[session]["total"]
        assert card["total"]["tokens"] == same["tokens"]
        assert card["total"]["llm_calls"] == same["llm_calls"]
        assert card["total"]["tool_calls"] == same["tool_calls"]
        assert card["trace_id"] != imported[session]["trace_id"]
        assert "outcome" not in card


def test_the_conditions_are_compared(world: World) -> None:
    report = world.report
    by_pair = {(each.first, each.second): each for each in report.comparisons}

    assert report.missing == 0
    assert [(each.condition, each.passed, each.graded) for each in report.conditions] == [
        ("without", 1, 1),
        ("hasty", 0, 1),
        (BUNDLED, 1, 1),
    ]
    worse = by_pair["without", "hasty"].quality
    assert worse is not None
    assert [change.task for change in worse.regressions] == [TASK]
    cheaper = next(m for m in by_pair["without", BUNDLED].measures if m.name == "cost_usd")
    assert cheaper.second < cheaper.first


def test_what_was_done_is_not_done_again(world: World) -> None:
    asked, asked_in_all = world.requests

    assert asked == 4 + 2 + 3
    assert asked_in_all == asked
    assert world.again == world.report
