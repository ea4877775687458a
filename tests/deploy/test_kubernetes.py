"""The manifests of ``deploy/kubernetes``: valid, and in agreement with each other."""

import kubernetes_validate
import pytest

from clawtrace_otel.settings import load_settings
from tests.deploy.manifests import (
    Yaml,
    container,
    environment,
    in_bytes,
    named,
    pod,
    resources,
    workload,
    written,
)

VERSIONS = ("1.29", "1.37")
"""Of Kubernetes: an old one that is still met, and the newest whose schemas are at hand."""

IDLE_BYTES = 128 << 20
"""What the service may take when nothing comes."""

PEAK = 1.5
"""Of ``max_memory_bytes``; see docs/reliability.md."""

NOT_IN_SCHEMAS = "ServiceMonitor"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("file", "resource"), [pytest.param(*one, id=f"{one[0]}-{one[1]['kind']}") for one in written()]
)
def test_a_manifest_is_valid_against_the_schema_of_its_kind(
    file: str, resource: Yaml, version: str
) -> None:
    del file
    if resource["kind"] == NOT_IN_SCHEMAS:
        assert resource["apiVersion"] == "monitoring.coreos.com/v1"
        return
    kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_kustomize_renders_is_valid(rendered: list[Yaml], version: str) -> None:
    for resource in rendered:
        kubernetes_validate.validate(resource, version, strict=True)


def test_a_misspelled_key_is_found() -> None:
    """So that the tests before could fail."""
    wrong = workload("clawtrace") | {"spec": workload("clawtrace")["spec"] | {"replica": 3}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_everything_is_rendered_but_the_example_of_a_secret(rendered: list[Yaml]) -> None:
    kinds = {(r["kind"], r["metadata"]["name"]) for r in resources()}
    kinds -= {("Secret", "clawtrace-journal"), (NOT_IN_SCHEMAS, "clawtrace")}
    applied = {(r["kind"], r["metadata"]["name"]) for r in rendered if r["kind"] != "ConfigMap"}
    assert applied == kinds
    assert {r["metadata"]["namespace"] for r in rendered} == {"clawtrace"}


@pytest.mark.parametrize("name", ["clawtrace", "otel-collector"])
def test_pods_have_no_rights_that_they_do_not_need(name: str) -> None:
    given = pod(name)["securityContext"]
    assert (given["runAsNonRoot"], given["runAsUser"], given["fsGroup"]) == (True, 10001, 10001)
    assert given["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(name)["automountServiceAccountToken"] is False
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("name", ["clawtrace", "otel-collector"])
def test_every_pod_is_looked_after(name: str) -> None:
    ports = {one["name"]: one["containerPort"] for one in container(name)["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert ports[container(name)[probe]["httpGet"]["port"]] == 13133
    labels = workload(name)["spec"]["template"]["metadata"]["labels"]
    for kind, key in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        selector = named(resources(), kind, name)["spec"][key]["matchLabels"]
        assert selector.items() <= labels.items()


def test_a_replica_is_not_restarted_because_the_database_is_away() -> None:
    assert container("clawtrace")["readinessProbe"]["httpGet"]["path"] == "/"
    assert container("clawtrace")["livenessProbe"]["httpGet"]["path"] == "/live"


def test_the_limits_of_memory_agree(collector: Yaml) -> None:
    bound = int(environment("clawtrace")["CLAWTRACE_MAX_MEMORY_BYTES"])
    assert bound == load_settings({}, environment={}).max_memory_bytes
    limit = in_bytes(container("clawtrace")["resources"]["limits"]["memory"])
    assert IDLE_BYTES + PEAK * bound + (64 << 20) <= limit, "with what /tmp takes"
    limiter = collector["processors"]["memory_limiter"]["limit_mib"]
    assert environment("otel-collector")["GOMEMLIMIT"] == f"{limiter}MiB"
    limit = in_bytes(container("otel-collector")["resources"]["limits"]["memory"])
    assert limit >= 1.25 * (limiter << 20)


def test_the_disk_of_the_queue_holds_what_may_wait(collector: Yaml) -> None:
    [claim] = workload("otel-collector")["spec"]["volumeClaimTemplates"]
    room = in_bytes(claim["spec"]["resources"]["requests"]["storage"])
    pipelines = [
        one
        for one in collector["service"]["pipelines"].values()
        if "load_balancing/clawtrace" in one["exporters"]
    ]
    assert (
        room
        >= 2
        * len(pipelines)
        * collector["exporters"]["load_balancing/clawtrace"]["sending_queue"]["queue_size"]
    ), "twice: compaction"
    [mount] = [m for m in container("otel-collector")["volumeMounts"] if m["name"] == "queue"]
    assert collector["extensions"]["file_storage"]["directory"].startswith(mount["mountPath"])


def test_what_replicas_are_told_are_settings_that_there_are() -> None:
    given = {k: v for k, v in environment("clawtrace").items() if v is not None}
    load_settings({}, environment=given)
