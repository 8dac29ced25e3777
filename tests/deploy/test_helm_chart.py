"""The chart renders what Kubernetes and KubeRay take, for each of its examples, and refuses values that it has not."""

from __future__ import annotations

from pathlib import Path

import helm_python
import pytest
import yaml
from pydantic import SecretStr
from ray.serve.schema import ServeDeploySchema

from serve_app.settings import Settings
from tests.deploy.chart import CHART, EXAMPLES, Object, complaints, one, render, values_of

OF_THE_CHART = [None, *EXAMPLES]
NAMES = ["default", *(example.stem for example in EXAMPLES)]
GIB = 2**30
EVERY_EXAMPLE = pytest.mark.parametrize("example", OF_THE_CHART, ids=NAMES)


def rendered(name: str) -> list[Object]:
    return render(values_of(CHART / "examples" / f"{name}.yaml"))


def cluster(objects: list[Object]) -> Object:
    return dict(one(objects, "RayService")["spec"]["rayClusterConfig"])


def groups(objects: list[Object]) -> list[Object]:
    config = cluster(objects)
    return [config["headGroupSpec"], *config["workerGroupSpecs"]]


def pods(objects: list[Object]) -> list[Object]:
    """The specs of all pods that the objects start."""
    return [group["template"]["spec"] for group in groups(objects)] + [one(objects, "Pod")["spec"]]


def arguments(objects: list[Object]) -> Object:
    config = yaml.safe_load(one(objects, "RayService")["spec"]["serveConfigV2"])
    return dict(config["applications"][0]["args"])


@EVERY_EXAMPLE
def test_kubernetes_and_kuberay_know_every_field(example: Path | None) -> None:
    for found in render(values_of(example)):
        assert list(complaints(found)) == []


@EVERY_EXAMPLE
def test_helm_finds_no_fault(example: Path | None) -> None:
    report = helm_python.lint(CHART, values_of(example), strict=True)
    assert report["errors"] == []
    assert [each for each in report["messages"] if each["severity"] > 1] == []  # 1: a hint that charts have icons


@pytest.mark.parametrize(
    ("kind", "path", "complaint"),
    [
        ("RayService", ["spec"], "RayService.spec.misspelt does not exist"),
        ("RayService", ["spec", "rayClusterConfig", "autoscalerOptions"], "autoscalerOptions.misspelt does not exist"),
        ("RayService", ["spec", "rayClusterConfig", "headGroupSpec", "template", "spec"], "'misspelt' was unexpected"),
        ("Service", ["spec"], "'misspelt' was unexpected"),
    ],
)
def test_a_misspelt_field_would_be_found(kind: str, path: list[str], complaint: str) -> None:
    found = one(render(), kind)
    place = found
    for key in path:
        place = place[key]
    place["misspelt"] = 1
    assert any(complaint in each for each in complaints(found))


@pytest.mark.parametrize(
    ("values", "about"),
    [
        ({"image": {"tga": "1"}}, "additional properties 'tga' not allowed"),
        ({"settings": {"parser_max_replica": 3}}, "invalid propertyName 'parser_max_replica'"),
        ({"settings": {"webhook_secret": "whsec_"}}, "invalid propertyName 'webhook_secret'"),
        ({"workers": {"cpu": {"maxReplicas": 0}}}, "minimum: got 0, want 1"),
        ({"state": {"shared": True}}, "state.shared needs settings.blob_url"),
        ({"gateway": {"enabled": True}}, "gateway.name is the Gateway that the route belongs to"),
    ],
)
def test_wrong_values_are_refused_with_their_name(values: Object, about: str) -> None:
    with pytest.raises(helm_python.HelmError, match=about.replace("(", "\\(")):
        render(values)


def test_the_schema_knows_every_setting_but_secrets_and_those_that_the_chart_sets() -> None:
    known = set(helm_python.Chart.load(CHART).schema["properties"]["settings"]["propertyNames"]["enum"])
    secrets = {name for name, field in Settings.model_fields.items() if field.annotation is SecretStr}
    assert known == Settings.model_fields.keys() - secrets - {"host", "port", "state_dir"}


@EVERY_EXAMPLE
def test_the_settings_are_what_the_application_takes(example: Path | None) -> None:
    Settings.model_validate(arguments(render(values_of(example))))


def test_a_setting_that_needs_no_restart_has_its_place_in_the_serve_config() -> None:
    changed = [{"name": "Parser", "user_config": {"page_deadline_s": 120}}]
    config = yaml.safe_load(one(render({"deployments": changed}), "RayService")["spec"]["serveConfigV2"])
    ServeDeploySchema.model_validate(config)
    assert config["applications"][0]["deployments"] == changed


@EVERY_EXAMPLE
def test_no_pod_has_more_rights_than_it_needs(example: Path | None) -> None:
    objects = render(values_of(example))
    for pod in pods(objects):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    containers = [container["securityContext"] for pod in pods(objects) for container in pod["containers"]]
    for security in (*containers, cluster(objects)["autoscalerOptions"]["securityContext"]):
        assert security == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@EVERY_EXAMPLE
def test_every_folder_that_ray_writes_is_a_volume(example: Path | None) -> None:
    for group in groups(render(values_of(example))):
        pod = group["template"]["spec"]
        mounted = {mount["mountPath"]: mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
        assert {"/tmp", "/home/ray", "/dev/shm"} <= mounted.keys()
        assert set(mounted.values()) == {volume["name"] for volume in pod["volumes"]}


@EVERY_EXAMPLE
def test_the_object_store_fits_into_shared_memory_and_that_into_the_pod(example: Path | None) -> None:
    for group in groups(render(values_of(example))):
        pod = group["template"]["spec"]
        (shared,) = (volume["emptyDir"] for volume in pod["volumes"] if volume["name"] == "shared-memory")
        size = gibibytes(shared["sizeLimit"])
        assert shared["medium"] == "Memory"
        assert 0.8 * size < int(group["rayStartParams"]["object-store-memory"]) / GIB < size
        assert size <= gibibytes(pod["containers"][0]["resources"]["limits"]["memory"]) / 2


def gibibytes(quantity: str) -> int:
    assert quantity.endswith("Gi")
    return int(quantity.removesuffix("Gi"))


def test_a_worker_is_ready_when_its_raylet_is() -> None:
    """Also with Ray's token, which this path does not need."""
    for worker in cluster(render())["workerGroupSpecs"]:
        (container,) = worker["template"]["spec"]["containers"]
        assert "/api/local_raylet_healthz" in container["readinessProbe"]["exec"]["command"][-1]


def test_requests_reach_only_a_head_whose_proxy_is_healthy() -> None:
    objects = render()
    selector = one(objects, "Service")["spec"]["selector"]
    labels = [group["template"]["metadata"]["labels"] for group in groups(objects)]
    by_kuberay = {"ray.io/serve": "true"}  # on every worker; on the head while its proxy is healthy
    reached = [selector.items() <= {**each, **by_kuberay}.items() for each in labels]
    assert by_kuberay.items() <= selector.items()
    assert reached == [True, False, False]


def test_ray_asks_for_a_token_and_only_its_own_pods_and_the_operator_reach_its_ports() -> None:
    objects = render()
    assert cluster(objects)["authOptions"] == {"mode": "token"}
    assert cluster(rendered("air-gapped"))["authOptions"] == {"mode": "token", "secretName": "ray-token"}
    open_to_all = [rule["ports"] for rule in one(objects, "NetworkPolicy")["spec"]["ingress"] if not rule.get("from")]
    assert open_to_all == [[{"port": 8080}]]


def test_pods_on_gpus_are_scheduled_there_and_no_others() -> None:
    (worker,) = cluster(rendered("gpu"))["workerGroupSpecs"]
    pod = worker["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_with_shared_state_no_pod_has_a_volume_and_an_upgrade_starts_a_second_cluster() -> None:
    objects = rendered("shared-state")
    assert "PersistentVolumeClaim" not in {each["kind"] for each in objects}
    assert [volume["name"] for volume in pods(objects)[0]["volumes"]] == ["tmp", "home", "shared-memory"]
    assert one(objects, "RayService")["spec"]["upgradeStrategy"] == {"type": "NewCluster"}
    settings = Settings(**arguments(objects), database_url="postgresql+psycopg://db/docfleet")
    assert not settings.is_local


def test_with_shared_state_a_pod_without_the_database_does_not_start() -> None:
    """It would keep the journal in a file of its own."""
    for group in groups(rendered("shared-state")):
        variables = group["template"]["spec"]["containers"][0]["env"]
        (found,) = (each for each in variables if each["name"] == "DATABASE_URL")
        assert found["valueFrom"] == {"secretKeyRef": {"name": "docfleet", "key": "DATABASE_URL"}}


def test_budgets_are_of_the_kind_that_kubernetes_takes_for_pods_of_an_operator() -> None:
    budgets = [each["spec"] for each in rendered("shared-state") if each["kind"] == "PodDisruptionBudget"]
    components = [each["selector"]["matchLabels"]["app.kubernetes.io/component"] for each in budgets]
    assert ([each["minAvailable"] for each in budgets], components) == ([1, 1], ["head", "worker"])


def test_no_gateway_cuts_a_long_request() -> None:
    (rule,) = one(rendered("air-gapped"), "HTTPRoute")["spec"]["rules"]
    assert rule["timeouts"] == {"request": "3600s", "backendRequest": "3600s"}
    annotations = one(rendered("shared-state"), "Ingress")["metadata"]["annotations"]
    assert {value for name, value in annotations.items() if name.endswith("-timeout")} == {"3600"}
    assert Settings.model_fields["parse_timeout_s"].default < 3600


def test_alerts_and_dashboard_are_those_of_the_repository() -> None:
    objects = rendered("shared-state")
    deploy = CHART.parents[1]
    assert one(objects, "PrometheusRule")["spec"] == yaml.safe_load((deploy / "alerts.yaml").read_text())
    dashboard = one(objects, "ConfigMap")["data"]["docfleet.json"]
    assert yaml.safe_load(dashboard) == yaml.safe_load((deploy / "grafana-dashboard.json").read_text())


def test_without_internet_nothing_outside_is_asked() -> None:
    objects = rendered("air-gapped")
    offline = {"HF_HUB_OFFLINE": "1", "RAY_USAGE_STATS_ENABLED": "0", "DOCLING_ARTIFACTS_PATH": "/models"}
    for group in groups(objects):
        (container,) = group["template"]["spec"]["containers"]
        assert offline.items() <= {each["name"]: each.get("value") for each in container["env"]}.items()
        assert container["image"].startswith("registry.internal/docfleet@sha256:")
