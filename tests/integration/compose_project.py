"""A compose file that is brought up under a name of its own, and taken down without a trace."""

import re
import shutil
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml

from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import card_paths, read_card
from tests.deploy.test_compose import compose_command
from tests.integration.docker_engine import Engine, output
from tests.integration.running import addresses
from tests.integration.stand_ins import Image, Images, found

T = TypeVar("T")
Yaml = dict[str, Any]

ROOT = Path(__file__).parents[2]

_SECONDS = 120.0
"""In which containers do what is asked of them, on a busy machine."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class Project:
    """A compose file under a name of its own. A context manager that takes it down again.

    Args:
        images: of the engine that runs it.
        file: as it is shipped.
        name: of the project.
        folder: for files of ours.
        variables: that the file asks for.

    Attributes:
        engine: that runs it.
        services: of the file.
        needs: the images from elsewhere.
    """

    def __init__(
        self,
        images: Images,
        file: Path,
        name: str,
        folder: Path,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        compose = yaml.safe_load(file.read_text())
        self.engine = images.engine
        self.services: Yaml = compose["services"]
        self.needs = [images.need(name) for name in needed_images(self.services)]
        self._name = name
        self._folder = folder
        self._directory = file.parent
        self._files = [_with_free_ports(file, compose, folder), folder / "build.yaml"]
        self._files[-1].write_text(yaml.safe_dump(_on_this_host(self.engine, self.services)))
        self._environment = {**self.engine.environment, **(variables or {})}
        self._before = {name: found(self.engine, name) for name in built_names(self.services)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "1")
        for name, before in () if self.engine.is_own else self._before.items():
            self._put_back(name, before)

    def compose(self, *arguments: str) -> str:
        """What compose writes.

        Raises:
            DockerError: it failed.
        """
        command = [*compose_command(), f"--project-name={self._name}"]
        command += [f"--project-directory={self._directory}"]
        command += [f"--file={file}" for file in self._files]
        return output([*command, *arguments], self._environment, self._directory).strip()

    def build(self) -> Image:
        """Build the image as the file says."""
        self.compose("build")
        (name,) = built_names(self.services)
        built = found(self.engine, name)
        assert built is not None
        return built

    def containers(self, service: str) -> list[str]:
        """Ids of the containers of a service, whether they run or not."""
        labels = {"project": self._name, "service": service}
        chosen = [f"--filter=label=com.docker.compose.{k}={v}" for k, v in labels.items()]
        return self.engine.docker("ps", "--all", "--quiet", "--no-trunc", *chosen).split()

    def container(self, service: str) -> str:
        """The id of the only one."""
        (container,) = self.containers(service)
        return container

    def state(self, service: str, key: str) -> str:
        """A part of the state of the only container of a service, such as ``Health.Status``."""
        template = f"{{{{.State.{key}}}}}"
        return self.engine.docker("inspect", "--format", template, self.container(service))

    def kill(self, container: str) -> None:
        """End a container at once; it stays so until it is started."""
        self.engine.docker("kill", "--signal", "KILL", container)

    def start(self, container: str) -> None:
        """Start one that has ended."""
        self.engine.docker("start", container)

    def run_in(self, service: str, *command: str) -> str:
        """What a command in the only container of a service writes."""
        return self.engine.docker("exec", self.container(service), *command)

    def address(self, service: str, port: int) -> str:
        """Where a port of a container is published: ``host:port``."""
        for published in self.services[service]["ports"]:
            host, host_port, container_port = str(published).split(":")
            if int(container_port) == port:
                return f"{host}:{host_port}"
        msg = f"port {port} of {service} is not published"
        raise LookupError(msg)

    def cards(self) -> dict[str, Card]:
        """The cards in the volume by trace id, checked against the schema."""
        copied = self.copy_cards(self._folder / "cards")
        return {card["trace_id"]: card for card in map(read_card, card_paths(copied))}

    def copy_cards(self, folder: Path) -> Path:
        """Copy the cards in the volume to a folder, in the place of what is in it; the folder."""
        shutil.rmtree(folder, ignore_errors=True)
        self.engine.docker("cp", f"{self.containers('clawtrace')[0]}:/cards", str(folder))
        return folder

    def finished_cards(self, count: int) -> dict[str, Card]:
        """Wait for so many cards that are complete; all that are."""

        def probe() -> dict[str, Card] | None:
            done = {i: card for i, card in self.cards().items() if card["status"] == "complete"}
            return done if len(done) >= count else None

        return until(probe)

    def _put_back(self, name: str, before: Image | None) -> None:
        """The image of a name that was there before is there again."""
        now = found(self.engine, name)
        if now is None or (before and before.id == now.id):
            return
        self.engine.succeeds("image", "rm", name)
        if before:
            self.engine.docker("image", "tag", before.id, name)


def until(probe: Callable[[], T | None]) -> T:
    """Wait until ``probe`` gives something that is true, and return it."""
    deadline = time.monotonic() + _SECONDS
    while not (given := probe()):
        assert time.monotonic() < deadline, f"nothing after {_SECONDS} s"
        time.sleep(0.5)
    return given


def _on_this_host(engine: Engine, services: Yaml) -> Yaml:
    """Builds on the host's network: our own engine has no other, and proxies may be there."""
    proxies = {name: value for name in _PROXIES if (value := engine.environment.get(name))}
    build = {"network": "host", "args": proxies}
    return {"services": {name: {"build": build} for name in _building(services)}}


def _building(services: Yaml) -> list[str]:
    return [name for name, service in services.items() if "build" in service]


def built_names(services: Yaml) -> set[str]:
    """Names of the images that are built."""
    return {services[name]["image"] for name in _building(services)}


def needed_images(services: Yaml) -> list[str]:
    """Names of the images that must be there, those that the Dockerfile begins with among them."""
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    named = {service["image"] for service in services.values()} - built_names(services)
    return sorted({*bases, *named})


def _with_free_ports(file: Path, compose: Yaml, folder: Path) -> Path:
    """The file; or a copy with other ports of the host, if any of those in it is taken.

    ``compose`` is changed likewise.
    """
    publishing = [service for service in compose["services"].values() if "ports" in service]
    ports = [port.split(":") for service in publishing for port in service["ports"]]
    if all(_is_free(host, int(number)) for host, number, _ in ports):
        return file
    for service in publishing:
        free = addresses(len(service["ports"]))
        inner = [port.rpartition(":")[2] for port in service["ports"]]
        service["ports"] = [":".join(pair) for pair in zip(free, inner, strict=True)]
    copied = folder / "docker-compose.yml"
    copied.write_text(yaml.safe_dump(compose, sort_keys=False))
    return copied


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
