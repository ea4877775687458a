"""What ``deploy/`` ships for several replicas agrees with itself and with the small topology."""

import os
import subprocess

import pytest

from tests.deploy.manifests import (
    DEPLOY,
    Yaml,
    container,
    environment,
    loaded,
    named,
    resources,
    workload,
)
from tests.deploy.test_compose import (
    CLAWTRACE,
    FIXED_VERSION,
    INIT,
    MAX_REQUEST_BYTES,
    ROOT,
    compose_command,
    is_kept,
    mounts,
    published,
)


@pytest.fixture(scope="module")
def balancer(collector: Yaml) -> Yaml:
    exporter: Yaml = collector["exporters"]["load_balancing/clawtrace"]
    return exporter


@pytest.fixture(scope="module")
def compose() -> Yaml:
    (one,) = loaded(DEPLOY / "docker-compose.yml")
    return one


def test_both_ways_run_the_same_configuration_of_the_collector(
    rendered: list[Yaml], compose: Yaml
) -> None:
    (config,) = [r for r in rendered if r["kind"] == "ConfigMap"]
    assert config["data"] == {"config.yaml": (DEPLOY / "collector-config.yaml").read_text()}
    applied = named(rendered, "StatefulSet", "otel-collector")["spec"]["template"]["spec"]
    [volume] = applied["volumes"]
    assert volume["configMap"]["name"] == config["metadata"]["name"]
    [bound] = [m for m in mounts(compose, "otel-collector") if not m.named]
    assert (DEPLOY / bound.source).samefile(DEPLOY / "collector-config.yaml")
    assert compose["services"]["otel-collector"]["command"] == container("otel-collector")["args"]


def test_versions_are_fixed_and_those_of_the_small_topology(
    rendered: list[Yaml], compose: Yaml
) -> None:
    (small,) = loaded(ROOT / "docker-compose.yml")
    images = {name: service["image"] for name, service in small["services"].items()}
    ours = {name: service["image"] for name, service in compose["services"].items()}
    assert {name: image for name, image in ours.items() if name in images} == images
    assert all(FIXED_VERSION.fullmatch(image) for image in ours.values())
    applied = {
        r["metadata"]["name"]: r["spec"]["template"]["spec"]["containers"][0]["image"]
        for r in rendered
        if "template" in r.get("spec", {})
    }
    assert applied == {name: images[name] for name in ("clawtrace", "otel-collector")}


def test_spans_go_by_trace_id_to_each_address_of_the_replicas(
    balancer: Yaml, rendered: list[Yaml]
) -> None:
    assert balancer["routing_key"] == "traceID"
    assert balancer["resolver"]["dns"]["hostname"] == "${env:CLAWTRACE_HOST:-clawtrace}"
    service = named(rendered, "Service", environment("otel-collector")["CLAWTRACE_HOST"])
    assert service["spec"]["clusterIP"] == "None"
    assert "publishNotReadyAddresses" not in service["spec"]
    ports = {port["port"] for port in service["spec"]["ports"]}
    assert int(balancer["resolver"]["dns"]["port"]) in ports
    labels = workload("clawtrace")["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()


def test_nothing_waits_where_a_restart_or_a_change_of_addresses_would_lose_it(
    balancer: Yaml, collector: Yaml
) -> None:
    assert balancer["sending_queue"]["storage"] in collector["service"]["extensions"]
    assert balancer["sending_queue"]["block_on_overflow"] is True
    assert (
        balancer["retry_on_failure"] | {"enabled": True, "max_elapsed_time": 0}
        == (balancer["retry_on_failure"])
    )
    inner = balancer["protocol"]["otlp"]
    assert not inner["sending_queue"]["enabled"]
    assert not inner["retry_on_failure"]["enabled"]
    for name in ("traces", "logs"):
        pipeline = collector["service"]["pipelines"][name]
        assert pipeline["exporters"] == ["load_balancing/clawtrace"]
        assert not any(one.startswith("batch") for one in pipeline["processors"])


def test_no_span_is_too_large_for_a_batch_that_clawtrace_takes(balancer: Yaml) -> None:
    """The Collector drops a span that is larger than ``max_size``."""
    (small,) = loaded(ROOT / "collector-config.yaml")
    usual = small["exporters"]["otlp_grpc/clawtrace"]["sending_queue"]["batch"]["max_size"]
    assert balancer["sending_queue"]["batch"]["max_size"] == usual < MAX_REQUEST_BYTES


def test_as_much_is_received_as_with_one_service(collector: Yaml) -> None:
    (small,) = loaded(ROOT / "collector-config.yaml")
    assert collector["receivers"] == small["receivers"]


def test_replicas_have_a_database_and_a_folder_in_common(compose: Yaml) -> None:
    env = compose["services"][CLAWTRACE]["environment"]
    assert env["CLAWTRACE_JOURNAL"].startswith("postgresql://clawtrace@postgres")
    assert is_kept("/cards", mounts(compose, CLAWTRACE))
    [journal] = [e for e in container("clawtrace")["env"] if e["name"] == "CLAWTRACE_JOURNAL"]
    reference = journal["valueFrom"]["secretKeyRef"]
    secret = named(resources(), "Secret", reference["name"])
    assert reference["key"] in secret["stringData"]
    claim = named(resources(), "PersistentVolumeClaim", "clawtrace-cards")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert environment("clawtrace")["CLAWTRACE_CARDS"] == "/cards"


def test_replicas_in_compose_can_be_several(compose: Yaml) -> None:
    assert {port.service for port in published(compose)} == {"otel-collector", "jaeger"}
    assert {port.host for port in published(compose)} == {"127.0.0.1"}
    assert "container_name" not in compose["services"][CLAWTRACE]
    assert compose["services"][CLAWTRACE]["stop_grace_period"] == "30s"
    used = {m.source for s in compose["services"] if s != INIT for m in mounts(compose, s)}
    assert {source for source in used if not source.startswith(".")} == set(compose["volumes"])


def test_no_password_is_in_the_files(compose: Yaml) -> None:
    services = compose["services"]
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${")
    assert services[CLAWTRACE]["environment"]["PGPASSWORD"].startswith("${")
    assert ":PASSWORD@" in named(resources(), "Secret", "clawtrace-journal")["stringData"]["url"]


def test_compose_itself_accepts_the_file_with_a_password_and_not_without() -> None:
    command = [*compose_command(), "--file", "docker-compose.yml", "config", "--quiet"]
    environment = {k: v for k, v in os.environ.items() if k != "POSTGRES_PASSWORD"}
    given = environment | {"POSTGRES_PASSWORD": "password"}
    for variables, status in ((given, 0), (environment, 1)):
        done = subprocess.run(command, cwd=DEPLOY, capture_output=True, env=variables, check=False)
        assert done.returncode == status, done.stderr
