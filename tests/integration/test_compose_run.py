"""`docker-compose up` of the shipped files, with an agent in front, as the README says."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clawtrace_otel.demo import scenario
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths
from tests.collector import otlp, peers
from tests.collector.faults.ledger import Ledger
from tests.demo.test_demo import expected_tokens, expected_usd
from tests.integration import jaeger_api
from tests.integration.agents import run_agent
from tests.integration.compose_project import ROOT, Project, until
from tests.integration.docker_engine import DockerError, engine
from tests.integration.stand_ins import Images

# The first run makes root file systems; each builds the image.
pytestmark = pytest.mark.timeout(1500)

UID = "10001"
SERVICES = ("otel-collector", "clawtrace", "jaeger")
SPANS = scenario.LLM_CALLS + scenario.TOOL_CALLS + 2
"""Of a run of the agent; two are those of the agents themselves."""

REPLICAS = 3
TRACES = range(1, 61)
"""That are sent to the replicas, one of which is killed after a third of them."""

Record = Callable[[str, object], None]


class Stack:
    """The shipped file, up, with an agent that has run once.

    Args:
        project: of compose.
        folder: for files of ours.

    Attributes:
        project: of compose.
        first: the card of that run.
        query: address of Jaeger's page.
        figures: what was measured, in words.
    """

    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self._folder = folder
        self._runs = 0
        self.query = project.address("jaeger", 16686)
        self.figures = [str(project.engine), *map(str, project.needs)]
        self._build()
        self.first = self._up()

    def _build(self) -> None:
        started = time.monotonic()
        image = self.project.build()
        self._took("build", started)
        base = next(one.size for one in self.project.needs if one.name.startswith("python:"))
        above = f"{(image.size - base) / 1e6:.0f} MB above its base"
        self.figures.append(f"{image.name} {image.id[:19]} {image.size / 1e6:.0f} MB, {above}")

    def _up(self) -> Card:
        started = time.monotonic()
        self.project.compose("up", "--detach")
        self._took("up", started)
        self.run_agent()
        self._took("up, and an agent had run", started)
        (card,) = self.project.finished_cards(1).values()
        self._took("up, and the card was final", started)
        until(self.is_healthy)
        self._took("up, and healthy", started)
        return card

    def _took(self, what: str, started: float) -> None:
        self.figures.append(f"{what}: {time.monotonic() - started:.1f} s")

    def is_healthy(self) -> bool:
        """What the engine says of the health check."""
        return self.project.state("clawtrace", "Health.Status") == "healthy"

    def run_agent(self) -> None:
        """Let an agent work that knows nothing but the endpoint."""
        self._runs += 1
        endpoint = self.project.address("otel-collector", 4318)
        run_agent(self._folder / f"agent-{self._runs}", endpoint)


@pytest.fixture(scope="module", name="images")
def _images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    """An engine, and the images that are needed from elsewhere."""
    with engine() as running, Images(running, tmp_path_factory.mktemp("images")) as images:
        yield images


@pytest.fixture(scope="module", name="stack")
def _stack(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("compose")
    with Project(images, ROOT / "docker-compose.yml", "clawtrace-test", folder) as project:
        yield Stack(project, folder)


@pytest.fixture(scope="module", name="replicas")
def _replicas(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The file for several replicas, up with three of them."""
    file = ROOT / "deploy" / "docker-compose.yml"
    variables = {"POSTGRES_PASSWORD": "ofTheTests1"}
    folder = tmp_path_factory.mktemp("scaled")
    with Project(images, file, "clawtrace-test-scaled", folder, variables) as project:
        project.build()
        project.compose("up", "--detach", "--scale", f"clawtrace={REPLICAS}")
        yield project


def is_exact(card: Card) -> bool:
    """Whether a card has what the script of the model says, to the last digit."""
    total = card["total"]
    assert total["cost_usd"] is not None
    return (
        total["tokens"] == expected_tokens()
        and abs(total["cost_usd"] - expected_usd()) < 1e-9
        and (total["llm_calls"], total["tool_calls"]) == (scenario.LLM_CALLS, scenario.TOOL_CALLS)
    )


def test_an_agent_that_knows_the_endpoint_alone_gets_its_card(
    stack: Stack, record_property: Record
) -> None:
    for line in stack.figures:
        record_property("measured", line)
        print(line)
    assert stack.first["root"]["service"] == "clawtrace-demo"
    assert is_exact(stack.first)


def test_the_command_of_the_readme_lists_the_card(stack: Stack) -> None:
    command = "clawtrace clawtrace cards ls /cards"
    assert f"docker-compose exec {command}" in (ROOT / "README.md").read_text()
    listed = stack.project.compose("exec", "-T", *command.split())
    assert stack.first["trace_id"][:8] in listed


def test_the_command_of_the_compose_file_copies_the_cards(stack: Stack) -> None:
    command = 'docker cp "$(docker-compose ps -q clawtrace)":/cards ./tracecards'
    assert command in (ROOT / "docker-compose.yml").read_text()
    assert stack.project.cards()[stack.first["trace_id"]] == stack.first


def test_jaeger_has_the_whole_trace_with_what_was_found_out(stack: Stack) -> None:
    spans = jaeger_api.spans(stack, stack.first["trace_id"], SPANS)
    root = spans[stack.first["root"]["span"]].attributes
    assert root[a.CLAWTRACE_TRACE_COST_USD] == stack.first["total"]["cost_usd"]
    verdicts = {span.attributes.get(a.CLAWTRACE_REPEAT_VERDICT) for span in spans.values()}
    assert verdicts == {None, "same"}


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_runs_as_root_or_may_become_it(stack: Stack, service: str) -> None:
    container = stack.project.container(service)
    _, *processes = stack.project.engine.docker("top", container, "-eo", "uid,pid").splitlines()
    assert {process.split()[0] for process in processes} == {UID}
    status = "{{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}"
    shown = stack.project.engine.docker("inspect", "--format", status, container)
    assert shown == "[ALL] [no-new-privileges:true]"


def test_what_clawtrace_writes_is_its_users(stack: Stack) -> None:
    folders = ["/cards", "/var/lib/clawtrace"]
    owners = stack.project.run_in("clawtrace", "find", *folders, "-printf", "%U:%G %p\n")
    files = [line.split(" ", 1) for line in owners.splitlines()]
    assert {owner for owner, _ in files} == {f"{UID}:{UID}"}
    paths = {path for _, path in files}
    assert f"/cards/{stack.first['trace_id']}.yaml" in paths
    assert "/var/lib/clawtrace/journal.db" in paths


@pytest.mark.parametrize("folder", ["/", "/opt/clawtrace", "/etc", "/var/lib"])
def test_clawtraces_root_file_system_is_read_only(stack: Stack, folder: str) -> None:
    with pytest.raises(DockerError, match="Read-only file system"):
        stack.project.run_in("clawtrace", "touch", f"{folder}/written")


@pytest.mark.parametrize("service", ["clawtrace", "otel-collector"])
def test_nothing_is_lost_when_a_service_is_killed(stack: Stack, service: str) -> None:
    container = stack.project.container(service)
    before = stack.project.cards()
    expected = len(before) + 1
    stack.run_agent()
    stack.project.kill(container)
    if service == "clawtrace":
        stack.run_agent()  # what it sends waits in the Collector's queue
        expected += 1
    stack.project.start(container)
    cards = stack.project.finished_cards(expected)
    assert len(cards) == expected
    assert {trace_id: cards[trace_id] for trace_id in before} == before
    for trace_id, card in cards.items():
        assert is_exact(card)
        assert len(jaeger_api.spans(stack, trace_id, SPANS)) == SPANS
    until(stack.is_healthy)


def test_a_stop_takes_seconds_and_ends_with_0(stack: Stack) -> None:
    started = time.monotonic()
    stack.project.compose("stop", "clawtrace")
    assert time.monotonic() - started < 25  # of the 30 s after which it would be killed
    assert stack.project.state("clawtrace", "ExitCode") == "0"


def test_replicas_of_which_one_is_killed_write_one_exact_card_a_trace(
    replicas: Project, tmp_path: Path, record_property: Record
) -> None:
    address, ledger = replicas.address("otel-collector", 4317), Ledger()
    containers = replicas.containers("clawtrace")
    assert len(containers) == REPLICAS
    for trace in TRACES:
        send(address, ledger, otlp.run(trace)[:2])
    for trace in TRACES:
        if trace == len(TRACES) // 3:
            replicas.kill(containers[0])
        send(address, ledger, otlp.run(trace)[2:])
    started = time.monotonic()
    until(lambda: not ledger.balance(replicas.copy_cards(tmp_path / "cards")).problems)
    record_property("measured", f"cards of replicas: {time.monotonic() - started:.1f} s")
    ledger.check(tmp_path / "cards")
    assert {path.stem for path in card_paths(tmp_path / "cards")} == set(ledger.traces)
    assert len(ledger.traces) == len(TRACES)


def send(address: str, ledger: Ledger, spans: list[Span]) -> None:
    """Send spans in a request, and note them once the Collector has them."""
    peers.export(address, otlp.body(*spans))
    ledger.acknowledged(spans)
