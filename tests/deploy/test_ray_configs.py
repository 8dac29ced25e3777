"""Every file that starts docfleet on a cluster is read here the way Ray reads it, and more strictly."""

import importlib
import inspect
import pkgutil
import re
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.serve._private.build_app import build_app
from ray.serve.schema import DeploymentSchema, RayActorOptionsSchema, ServeDeploySchema
from starlette.middleware import Middleware

from serve_app.app import compose
from serve_app.haproxy import BINARY, COMMAND
from serve_app.header_timeout import HAPROXY_DEFAULTS
from serve_app.settings import ServeArguments, Settings
from tests.deploy.chart import one, render

ROOT = Path(__file__).parents[2]
SERVE_CONFIG = yaml.safe_load((ROOT / "deploy" / "serve_config.yaml").read_text())
WITH_A_MODEL = yaml.safe_load((ROOT / "deploy" / "serve_config.vlm.yaml").read_text())
CLUSTER = yaml.safe_load((ROOT / "cluster.yaml").read_text())
RAY_SERVICE = one(render(), "RayService")
VOLUME_CLAIM = one(render(), "PersistentVolumeClaim")
GROUPS = [RAY_SERVICE["spec"]["rayClusterConfig"]["headGroupSpec"]]
GROUPS += RAY_SERVICE["spec"]["rayClusterConfig"]["workerGroupSpecs"]
ANSWERS = "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"
EVERY_NODE = {"RAY_SERVE_ENABLE_HA_PROXY": "1", ANSWERS: "serve_app.proxies.middlewares"}
SHARED = {"database_url": "postgresql+psycopg://db/docfleet", "blob_url": "s3://docfleet"}
HTTP_PORT = SERVE_CONFIG["http_options"]["port"]


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The pydantic models that a field's annotation allows, inside unions and lists too."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from models_in(part)


def unknown_keys(model: type[BaseModel], data: dict[str, Any], path: str = "") -> Iterator[str]:
    """What Serve would ignore without a word: keys that no field of the model has."""
    for key, value in data.items():
        field = model.model_fields.get(key)
        if field is None:
            yield path + key
            continue
        nested = next(models_in(field.annotation), None)
        for item in value if isinstance(value, list) else [value]:
            if nested and isinstance(item, dict):
                yield from unknown_keys(nested, item, f"{path}{key}.")


@pytest.mark.parametrize("config", [SERVE_CONFIG, WITH_A_MODEL], ids=["plain", "with a model"])
def test_serve_config_is_valid(config: dict[str, Any]) -> None:
    ServeDeploySchema.model_validate(config)


@pytest.mark.parametrize("config", [SERVE_CONFIG, WITH_A_MODEL], ids=["plain", "with a model"])
def test_serve_config_has_no_unknown_key(config: dict[str, Any]) -> None:
    assert list(unknown_keys(ServeDeploySchema, config)) == []


def test_model_of_the_config_is_what_serve_s_builder_takes() -> None:
    from ray.llm._internal.serve.core.configs.llm_config import LLMConfig  # imports torch

    [config] = WITH_A_MODEL["applications"][1]["args"]["llm_configs"]
    taken = LLMConfig.model_validate(config)  # refuses unknown keys; the builder itself needs vLLM
    DeploymentSchema.model_validate({"name": "vlm", **taken.deployment_config})
    assert list(unknown_keys(DeploymentSchema, taken.deployment_config)) == []


def test_endpoint_of_the_config_is_its_model() -> None:
    docfleet, model = WITH_A_MODEL["applications"]
    [config] = model["args"]["llm_configs"]
    endpoint = ServeArguments(**docfleet["args"]).endpoints["granite"]
    port = WITH_A_MODEL["http_options"]["port"]
    assert endpoint.url == f"http://localhost:{port}{model['route_prefix']}/v1/chat/completions"
    assert endpoint.model == config["model_loading_config"]["model_id"]
    replicas = config["deployment_config"]["autoscaling_config"]["max_replicas"]
    assert endpoint.concurrency == replicas * config["engine_kwargs"]["max_num_seqs"]


def test_config_with_a_model_is_the_plain_one_besides() -> None:
    plain, with_a_model = (
        {**config, "applications": {**config["applications"][0]["args"]}} for config in (SERVE_CONFIG, WITH_A_MODEL)
    )
    del with_a_model["applications"]["model_endpoints"]
    assert with_a_model == plain


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("prox_location", {"prox_location": "EveryNode"}),
        ("http_options.prot", {"http_options": {"prot": 1}}),
        (
            "applications.deployments.max_ongoing_request",
            {"applications": [{"deployments": [{"max_ongoing_request": 1}]}]},
        ),
        (
            "applications.deployments.autoscaling_config.max_replica",
            {"applications": [{"deployments": [{"autoscaling_config": {"max_replica": 2}}]}]},
        ),
    ],
)
def test_a_misspelt_key_is_found_at_every_depth(path: str, wrong: dict[str, Any]) -> None:
    assert list(unknown_keys(ServeDeploySchema, wrong)) == [path]


@pytest.mark.parametrize("state", [{}, SHARED], ids=["local state", "shared state"])
def test_every_deployment_has_options_that_serve_can_show(state: dict[str, str], tmp_path: Path) -> None:
    """Serve takes options that its own schema refuses. Then its proxies never hear of the replicas."""
    application = compose(Settings(state_dir=str(tmp_path), **state))
    built = build_app(application, name="docfleet", default_runtime_env={}, make_deployment_handle=lambda *_: None)
    options = {deployment.name: deployment.ray_actor_options for deployment in built.deployments}
    for each in options.values():
        RayActorOptionsSchema.model_validate(each)
    is_pinned = {name: bool(options[name].get("resources")) for name in ("Dispatcher", "Ingress")}
    assert is_pinned == dict.fromkeys(is_pinned, not state)


def test_cluster_yaml_is_what_ray_up_accepts() -> None:
    validate_config(prepare_config(CLUSTER))


@pytest.mark.parametrize("cloud", ["gcp", "azure"])
def test_other_clouds_differ_from_aws_in_their_machines_alone(cloud: str) -> None:
    config = yaml.safe_load((ROOT / "deploy" / "clusters" / f"{cloud}.yaml").read_text())
    validate_config(prepare_config(config))
    of_the_cloud = {"provider", "auth", "available_node_types"}
    assert config["provider"]["type"] == cloud
    assert {key: config[key] for key in config.keys() - of_the_cloud} == {
        key: CLUSTER[key] for key in CLUSTER.keys() - of_the_cloud
    }
    kinds = (config["available_node_types"], CLUSTER["available_node_types"])
    here, aws = ({name: {**kind, "node_config": None} for name, kind in each.items()} for each in kinds)
    assert here == aws


def test_every_node_of_ray_up_asks_for_the_token_that_it_is_given() -> None:
    options = CLUSTER["docker"]["run_options"]
    assert "--env RAY_AUTH_MODE=token" in options
    (path,) = (option.partition("RAY_AUTH_TOKEN_PATH=")[2] for option in options if "RAY_AUTH_TOKEN_PATH" in option)
    assert f"print(secrets.token_hex(32))' >{CLUSTER['file_mounts'][path]}" in (ROOT / "deploy/README.md").read_text()


def test_every_aws_node_waits_for_a_chosen_image_and_has_room_for_it() -> None:
    """Ray's own choice of an image is years old. 256 GB is what its own defaults give to every node."""
    placeholder = "fill-me-in"
    for node in CLUSTER["available_node_types"].values():
        assert node["node_config"]["ImageId"] == placeholder
        assert node["node_config"]["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] >= 256
    manual = (ROOT / "deploy" / "README.md").read_text()
    assert f"`{placeholder}`" in manual
    assert f"--region {CLUSTER['provider']['region']} " in manual


def test_no_parser_fits_on_the_head_node() -> None:
    assert CLUSTER["available_node_types"][CLUSTER["head_node_type"]]["resources"] == {"CPU": 0}
    assert GROUPS[0]["rayStartParams"]["num-cpus"] == "0"


def test_workers_come_with_and_without_a_gpu() -> None:
    workers = [kind for name, kind in CLUSTER["available_node_types"].items() if name != CLUSTER["head_node_type"]]
    assert {kind["resources"].get("GPU", 0) for kind in workers} == {0, 1}
    assert all(kind["min_workers"] == 0 < kind["max_workers"] for kind in workers)


def starts() -> Iterator[str]:
    """Every command that starts Ray on a node, in the files and in the pages."""
    for commands in ("head_start_ray_commands", "worker_start_ray_commands"):
        yield from (command for command in CLUSTER[commands] if "ray start" in command)
    for page in [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/**/*.md")]:
        for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            yield from (line for line in block.replace("\\\n", " ").splitlines() if "ray start" in line)


def test_every_node_runs_the_same_http_mode_and_answers_for_the_dead() -> None:
    assert all(isinstance(each, Middleware) for each in pkgutil.resolve_name(EVERY_NODE[ANSWERS])())
    assert len(list(starts())) >= 3
    for start in starts():
        assert all(f"{name}={value}" in re.split(r"[\s;]+", start) for name, value in EVERY_NODE.items()), start
    for container in containers():
        assert all({"name": name, "value": value} in container["env"] for name, value in EVERY_NODE.items())


def test_every_haproxy_has_a_timeout_for_request_headers() -> None:
    for start in starts():
        assert f"RAY_SERVE_HAPROXY_RETRY_ON=$'{HAPROXY_DEFAULTS.encode('unicode_escape').decode()}'" in start
    for container in containers():
        assert {"name": "RAY_SERVE_HAPROXY_RETRY_ON", "value": HAPROXY_DEFAULTS} in container["env"]


def test_every_haproxy_answers_503_while_no_application_is_deployed() -> None:
    commands = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = commands[COMMAND].partition(":")
    assert callable(getattr(importlib.import_module(module), function))
    for start in starts():
        assert f"{BINARY}=$(command -v {COMMAND})" in start
    for container in containers():
        assert {"name": BINARY, "value": f"/usr/local/bin/{COMMAND}"} in container["env"]


def unit(name: str) -> str:
    """A unit's text, with continued lines joined."""
    return (ROOT / "deploy" / "systemd" / f"docfleet-{name}.service").read_text().replace("\\\n", " ")


def test_units_run_in_the_same_environment() -> None:
    environment = (ROOT / "deploy" / "systemd" / "docfleet.env").read_text()
    for name, value in {**EVERY_NODE, BINARY: f"/opt/docfleet/bin/{COMMAND}"}.items():
        assert f"\n{name}={value}\n" in environment
    assert f'\nRAY_SERVE_HAPROXY_RETRY_ON="{HAPROXY_DEFAULTS}"\n' in environment
    assert all("\nEnvironmentFile=/etc/docfleet/docfleet.env\n" in unit(name) for name in ("head", "worker"))


def test_units_start_ray_again_and_deploy_at_every_start_of_the_head() -> None:
    for name in ("head", "worker"):
        assert {"Restart=always", "StartLimitIntervalSec=0"} <= set(unit(name).splitlines())
        assert " --block " in unit(name)
    assert " --num-cpus=0 " in unit("head")
    assert re.search("^ExecStartPost=.*serve deploy /etc/docfleet/serve_config.yaml", unit("head"), re.MULTILINE)


def test_the_page_has_the_ports_that_units_give_to_ray() -> None:
    section = (
        (ROOT / "docs" / "deployment.md").read_text().partition("### Ports between nodes")[2].partition("\n## ")[0]
    )
    documented = {int(number) for number in re.findall(r"\b\d{4,5}\b", section)}
    for name in ("head", "worker"):
        fixed = {
            int(port) for option, port in re.findall(r"--([\w-]*port)=(\d+)", unit(name)) if "metrics" not in option
        }
        assert fixed
        assert fixed <= documented


def test_every_pod_has_the_secrets() -> None:
    for container in containers():
        assert container["envFrom"] == [{"secretRef": {"name": "docfleet", "optional": True}}]


def test_metrics_do_not_take_the_service_port() -> None:
    for commands in ("head_start_ray_commands", "worker_start_ray_commands"):
        assert "--metrics-export-port=8081" in CLUSTER[commands][-1]
    for group in GROUPS:
        assert group["rayStartParams"]["metrics-export-port"] == "8081"
    assert HTTP_PORT != 8081


def test_state_outlives_the_head_container() -> None:
    state = SERVE_CONFIG["applications"][0]["args"]["state_dir"]
    assert f"-v {state}:{state}" in CLUSTER["docker"]["head_run_options"]
    assert state in [mount["mountPath"] for mount in next(containers())["volumeMounts"]]


def test_whoever_uninstalls_the_service_from_kubernetes_keeps_its_state() -> None:
    assert VOLUME_CLAIM["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    claims = [volume.get("persistentVolumeClaim") for volume in GROUPS[0]["template"]["spec"]["volumes"]]
    assert {"claimName": VOLUME_CLAIM["metadata"]["name"]} in claims


def test_kubernetes_serves_what_serve_config_says() -> None:
    assert yaml.safe_load(RAY_SERVICE["spec"]["serveConfigV2"]) == SERVE_CONFIG


def test_kubernetes_never_starts_a_second_registry() -> None:
    assert RAY_SERVICE["spec"]["upgradeStrategy"] == {"type": "None"}


def test_kubernetes_finds_the_proxy_by_its_port() -> None:
    assert {"name": "serve", "containerPort": HTTP_PORT} in next(containers())["ports"]


def test_no_node_answers_for_an_ingress_that_runs_on_another() -> None:
    """There a dead replica would be a bare 500."""
    settings = Settings.model_validate(SERVE_CONFIG["applications"][0]["args"])
    assert (settings.is_local, SERVE_CONFIG["proxy_location"]) == (True, "HeadOnly")


def containers() -> Iterator[dict[str, Any]]:
    for group in GROUPS:
        yield from group["template"]["spec"]["containers"]
