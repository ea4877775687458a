"""The container files agree: a port, path or name changed in one of them alone fails here."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

ROOT = Path(__file__).parents[2]
INIT = "init-volumes"
COLLECTOR = "otel-collector"
CLAWTRACE = "clawtrace"
JAEGER = "jaeger"

# What the images outside this repository do, from their own documentation.
COLLECTOR_UID = "10001"
JAEGER_OTLP_GRPC = 4317
JAEGER_UI = 16686

# clawtrace refuses larger requests for good, so nothing before it may send them.
MAX_REQUEST_BYTES = 64 * 1024 * 1024

FIXED_VERSION = re.compile(r"[\w./-]+:\d+\.\d+[\w.-]*")

Yaml = dict[str, Any]


@dataclass(frozen=True)
class Dockerfile:
    """The instructions of a Dockerfile, in order, continuation lines joined."""

    instructions: list[tuple[str, str]]

    @classmethod
    def parse(cls, text: str) -> "Dockerfile":
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        joined = "\n".join(lines).replace("\\\n", " ")
        pairs = [line.split(maxsplit=1) for line in joined.splitlines()]
        return cls([(keyword, rest) for keyword, rest in pairs])

    def all(self, keyword: str) -> list[str]:
        return [rest for name, rest in self.instructions if name == keyword]

    def last_stage(self) -> "Dockerfile":
        start = max(n for n, (name, _) in enumerate(self.instructions) if name == "FROM")
        return Dockerfile(self.instructions[start:])

    def env(self) -> dict[str, str]:
        words = [word for rest in self.all("ENV") for word in shlex.split(rest)]
        return dict(word.split("=", 1) for word in words)


@dataclass(frozen=True)
class Published:
    """One published port, `127.0.0.1:4317:4317`."""

    service: str
    host: str
    host_port: int
    container_port: int


@dataclass(frozen=True)
class Mount:
    source: str
    target: PurePosixPath
    read_only: bool

    @property
    def named(self) -> bool:
        return not self.source.startswith((".", "/"))


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def published(compose: Yaml) -> list[Published]:
    """Every published port of every service; one without all three parts is an error."""
    found = []
    for name, service in compose["services"].items():
        for port in service.get("ports", []):
            host, host_port, container_port = str(port).split(":")
            found.append(Published(name, host, int(host_port), int(container_port)))
    return found


def mounts(compose: Yaml, service: str) -> list[Mount]:
    found = []
    for volume in compose["services"][service].get("volumes", []):
        source, target, *mode = volume.split(":")
        found.append(Mount(source, PurePosixPath(target), mode == ["ro"]))
    return found


def is_kept(path: str, where: list[Mount]) -> bool:
    """Whether a file written at `path` ends up in a named volume."""
    return any(
        mount.named and not mount.read_only and PurePosixPath(path).is_relative_to(mount.target)
        for mount in where
    )


def exporter_to_clawtrace(collector: Yaml) -> Yaml:
    exporter: Yaml = collector["exporters"]["otlp_grpc/clawtrace"]
    return exporter


@pytest.fixture(scope="module")
def compose() -> Yaml:
    loaded: Yaml = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def collector() -> Yaml:
    loaded: Yaml = yaml.safe_load((ROOT / "collector-config.yaml").read_text())
    return loaded


@pytest.fixture(scope="module")
def dockerfile() -> Dockerfile:
    return Dockerfile.parse((ROOT / "Dockerfile").read_text())


@pytest.fixture(scope="module")
def image(dockerfile: Dockerfile) -> Dockerfile:
    """What the image that is shipped is made of: the last stage."""
    return dockerfile.last_stage()


@pytest.fixture(scope="module")
def environment(compose: Yaml, image: Dockerfile) -> dict[str, str]:
    """What clawtrace sees: the image's variables, then those of docker-compose.yml over them."""
    overrides: dict[str, str] = compose["services"][CLAWTRACE].get("environment", {})
    return image.env() | overrides


def test_every_image_has_a_fixed_version(compose: Yaml, dockerfile: Dockerfile) -> None:
    images = [service["image"] for service in compose["services"].values()]
    images += [base.split(" AS ")[0] for base in dockerfile.all("FROM")]
    assert [image for image in images if not FIXED_VERSION.fullmatch(image)] == []


def test_the_collector_is_the_one_that_the_tests_run(compose: Yaml) -> None:
    manifest = ROOT / "tests" / "integration" / "programs" / "otelcol" / "otelcol-builder.yaml"
    version = yaml.safe_load(manifest.read_text())["dist"]["version"]
    assert compose["services"][COLLECTOR]["image"].endswith(f":{version}")


def test_both_stages_start_from_one_base_image(dockerfile: Dockerfile) -> None:
    assert len({base.split(" AS ")[0] for base in dockerfile.all("FROM")}) == 1


def test_our_image_has_the_version_of_the_package(compose: Yaml) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    built = {s["image"] for s in compose["services"].values() if "build" in s}
    assert built == {f"clawtrace-otel:{version}"}


def test_every_published_port_is_bound_to_loopback(compose: Yaml) -> None:
    assert {port.host for port in published(compose)} == {"127.0.0.1"}


def test_agents_and_people_find_the_standard_ports(compose: Yaml) -> None:
    found = {(port.service, port.host_port) for port in published(compose)}
    assert found == {(COLLECTOR, 4317), (COLLECTOR, 4318), (JAEGER, JAEGER_UI)}


def test_published_ports_reach_the_receiver_of_the_same_protocol(
    compose: Yaml, collector: Yaml
) -> None:
    reached = {p.host_port: p.container_port for p in published(compose) if p.service == COLLECTOR}
    protocols = collector["receivers"]["otlp"]["protocols"]
    assert reached == {
        4317: port_of(protocols["grpc"]["endpoint"]),
        4318: port_of(protocols["http"]["endpoint"]),
    }


def test_what_is_reached_from_outside_a_container_listens_on_all_its_interfaces(
    collector: Yaml, environment: dict[str, str]
) -> None:
    protocols = collector["receivers"]["otlp"]["protocols"]
    addresses = [
        protocols["grpc"]["endpoint"],
        protocols["http"]["endpoint"],
        collector["extensions"]["health_check"]["endpoint"],
        environment["CLAWTRACE_GRPC"],
        environment["CLAWTRACE_HTTP"],
        environment["CLAWTRACE_METRICS"],
        environment["CLAWTRACE_HEALTH"],
    ]
    assert {address.rpartition(":")[0] for address in addresses} == {"0.0.0.0"}


def test_jaegers_page_is_published_from_the_port_it_is_served_on(compose: Yaml) -> None:
    assert [p.container_port for p in published(compose) if p.service == JAEGER] == [JAEGER_UI]


def test_the_collector_sends_to_the_port_on_which_clawtrace_listens(
    collector: Yaml, environment: dict[str, str]
) -> None:
    endpoint = exporter_to_clawtrace(collector)["endpoint"]
    assert endpoint == f"{CLAWTRACE}:{port_of(environment['CLAWTRACE_GRPC'])}"


def test_the_image_exposes_the_ports_on_which_clawtrace_listens(image: Dockerfile) -> None:
    env = image.env()
    listens = {port_of(env[f"CLAWTRACE_{name}"]) for name in ("GRPC", "HTTP", "METRICS", "HEALTH")}
    assert {int(port) for rest in image.all("EXPOSE") for port in rest.split()} == listens


def test_clawtrace_forwards_to_jaeger(compose: Yaml, environment: dict[str, str]) -> None:
    target = urlsplit(environment["CLAWTRACE_FORWARD"])
    assert (target.scheme, target.hostname, target.port) == ("http", JAEGER, JAEGER_OTLP_GRPC)
    assert compose["services"][JAEGER]["image"].startswith("jaegertracing/jaeger:2.")


def test_the_collectors_storage_is_in_a_volume(compose: Yaml, collector: Yaml) -> None:
    storage = collector["extensions"]["file_storage"]
    where = mounts(compose, COLLECTOR)
    assert is_kept(storage["directory"], where)
    assert is_kept(storage["compaction"]["directory"], where)


@pytest.mark.parametrize("variable", ["CLAWTRACE_JOURNAL", "CLAWTRACE_CARDS"])
def test_what_clawtrace_writes_is_in_a_volume(
    compose: Yaml, image: Dockerfile, environment: dict[str, str], variable: str
) -> None:
    assert is_kept(environment[variable], mounts(compose, CLAWTRACE))
    folders = [folder for rest in image.all("VOLUME") for folder in json.loads(rest)]
    assert any(PurePosixPath(environment[variable]).is_relative_to(f) for f in folders)


def test_every_volume_is_mounted_where_a_service_needs_it(compose: Yaml) -> None:
    used = {m.source for s in compose["services"] if s != INIT for m in mounts(compose, s)}
    assert {source for source in used if not source.startswith(".")} == set(compose["volumes"])


def test_the_init_service_gives_every_volume_to_the_user_of_the_image(
    compose: Yaml, image: Dockerfile
) -> None:
    init = compose["services"][INIT]
    program, *options, owner = init["entrypoint"]
    assert (program, options) == ("chown", ["--recursive"])
    assert [owner] == image.all("USER")
    given = {m.source for m in mounts(compose, INIT) if str(m.target) in init["command"]}
    assert given == set(compose["volumes"])
    assert len(init["command"]) == len(given)


def test_the_init_service_runs_once_and_as_root(compose: Yaml) -> None:
    init = compose["services"][INIT]
    assert (init["user"], init["restart"]) == ("0:0", "no")


def test_services_wait_until_their_volumes_are_theirs(compose: Yaml) -> None:
    for name, service in compose["services"].items():
        if name != INIT and any(mount.named for mount in mounts(compose, name)):
            assert service["depends_on"][INIT] == {"condition": "service_completed_successfully"}


def test_the_image_runs_as_the_same_unprivileged_user_as_the_collectors(image: Dockerfile) -> None:
    [user] = image.all("USER")
    assert user == f"{COLLECTOR_UID}:{COLLECTOR_UID}"
    [setup] = image.all("RUN")
    assert set(re.findall(r" (?:--uid|--gid|-o|-g) (\d+)", setup)) == {COLLECTOR_UID}


def test_the_folders_of_the_image_exist_before_they_become_volumes(image: Dockerfile) -> None:
    [setup] = image.all("RUN")
    [volumes] = image.all("VOLUME")
    assert re.findall(r" (/\S+)", setup.partition("install -d")[2]) == json.loads(volumes)


def test_no_service_but_init_overrides_the_user(compose: Yaml) -> None:
    assert [name for name, service in compose["services"].items() if "user" in service] == [INIT]


def test_the_image_starts_the_service(image: Dockerfile) -> None:
    [entrypoint] = [json.loads(rest) for rest in image.all("ENTRYPOINT")]
    [command] = [json.loads(rest) for rest in image.all("CMD")]
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert entrypoint[0] in scripts
    assert entrypoint + command == ["clawtrace", "collector"]


def test_the_health_check_follows_the_address_that_is_set(image: Dockerfile) -> None:
    [check] = image.all("HEALTHCHECK")
    assert "os.environ['CLAWTRACE_HEALTH']" in json.loads(check.partition(" CMD ")[2])[-1]


def test_the_image_builds_without_buildkit() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"--mount|--chmod|--link|<<|# *syntax", text) == []


def test_the_build_sees_what_it_copies_and_nothing_else(dockerfile: Dockerfile) -> None:
    copies = [rest.split() for rest in dockerfile.all("COPY") if not rest.startswith("--from")]
    copied = {source for *sources, _ in copies for source in sources}
    rules = (ROOT / ".dockerignore").read_text().split("\n")
    assert "*" in rules
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_the_collector_reads_the_file_that_is_mounted(compose: Yaml) -> None:
    [config] = [mount for mount in mounts(compose, COLLECTOR) if not mount.named]
    assert compose["services"][COLLECTOR]["command"] == [f"--config={config.target}"]
    assert config.read_only
    assert (ROOT / config.source).samefile(ROOT / "collector-config.yaml")


@pytest.mark.parametrize("kind", ["receivers", "processors", "exporters"])
def test_pipelines_use_every_component_that_is_defined_and_no_other(
    collector: Yaml, kind: str
) -> None:
    pipelines = collector["service"]["pipelines"].values()
    assert {name for pipeline in pipelines for name in pipeline[kind]} == set(collector[kind])


def test_every_extension_that_is_defined_is_started(collector: Yaml) -> None:
    assert set(collector["service"]["extensions"]) == set(collector["extensions"])


def test_all_three_signals_go_to_clawtrace(collector: Yaml) -> None:
    pipelines = collector["service"]["pipelines"]
    assert set(pipelines) == {"traces", "logs", "metrics"}
    for pipeline in pipelines.values():
        assert pipeline["exporters"] == ["otlp_grpc/clawtrace"]


def test_the_memory_limiter_comes_first_and_nothing_batches_before_the_queue(
    collector: Yaml,
) -> None:
    for pipeline in collector["service"]["pipelines"].values():
        assert pipeline["processors"][0] == "memory_limiter"
        assert not any(name.startswith("batch") for name in pipeline["processors"])


def test_acknowledged_spans_survive_a_restart_of_the_collector(collector: Yaml) -> None:
    exporter = exporter_to_clawtrace(collector)
    assert exporter["sending_queue"]["storage"] in collector["service"]["extensions"]
    assert collector["extensions"]["file_storage"]["fsync"] is True
    assert exporter["retry_on_failure"]["max_elapsed_time"] == 0


def test_all_that_is_received_can_be_passed_on_below_clawtraces_limit(collector: Yaml) -> None:
    """The Collector drops a span that is larger than ``max_size``, and what is behind it."""
    protocols = collector["receivers"]["otlp"]["protocols"]
    batch = exporter_to_clawtrace(collector)["sending_queue"]["batch"]
    assert protocols["grpc"]["max_recv_msg_size_mib"] * 1024 * 1024 == batch["max_size"]
    assert protocols["http"]["max_request_body_size"] == batch["max_size"]
    assert batch["sizer"] == "bytes"
    assert batch["min_size"] <= batch["max_size"] < MAX_REQUEST_BYTES


def test_clawtrace_has_time_to_flush_before_it_is_killed(compose: Yaml) -> None:
    assert compose["services"][CLAWTRACE]["stop_grace_period"] == "30s"


def compose_command() -> list[str]:
    """The compose program of this machine, or a skip that says there is none."""
    for command in (["docker-compose"], ["docker", "compose"]):
        if shutil.which(command[0]):
            found = subprocess.run([*command, "version"], capture_output=True, check=False)
            if found.returncode == 0:
                return command
    pytest.skip("neither docker-compose nor the compose plugin of docker is installed here")


def test_compose_itself_accepts_the_file() -> None:
    command = [*compose_command(), "--file", "docker-compose.yml", "config", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
