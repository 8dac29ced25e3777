"""The Helm chart as Helm renders it, and what Kubernetes would say to it, without a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import yaml

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "docfleet"
EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))
KUBERNETES = "1.34"

Object = dict[str, Any]

#: The fields of KubeRay 1.6's RayService, by the reference of its API. `...` stands for any value, and POD for a pod
#: template, which Kubernetes' own schema checks.
POD = "a pod template"
_GROUP: Object = {"rayStartParams": ..., "template": POD, "resources": ..., "labels": ...}
_CLUSTER: Object = {
    "rayVersion": ...,
    "enableInTreeAutoscaling": ...,
    "managedBy": ...,
    "suspend": ...,
    "headServiceAnnotations": ...,
    "authOptions": {"mode": ..., "secretName": ...},
    "gcsFaultToleranceOptions": {
        "redisAddress": ...,
        "redisUsername": {"value": ..., "valueFrom": ...},
        "redisPassword": {"value": ..., "valueFrom": {"secretKeyRef": {"name": ..., "key": ...}}},
        "externalStorageNamespace": ...,
    },
    "autoscalerOptions": {
        "version": ...,
        "idleTimeoutSeconds": ...,
        "upscalingMode": ...,
        "image": ...,
        "imagePullPolicy": ...,
        "resources": ...,
        "env": ...,
        "envFrom": ...,
        "volumeMounts": [{"name": ..., "mountPath": ..., "readOnly": ..., "subPath": ...}],
        "securityContext": ...,
    },
    "headGroupSpec": {**_GROUP, "serviceType": ..., "headService": ..., "enableIngress": ...},
    "workerGroupSpecs": [
        {
            **_GROUP,
            "groupName": ...,
            "replicas": ...,
            "minReplicas": ...,
            "maxReplicas": ...,
            "numOfHosts": ...,
            "idleTimeoutSeconds": ...,
            "suspend": ...,
            "scaleStrategy": ...,
        }
    ],
}
_METADATA: Object = {"name": ..., "labels": ..., "annotations": ...}
#: Resources that Kubernetes itself does not know, by kind.
CUSTOM: dict[str, Object] = {
    "RayService": {
        "spec": {
            "upgradeStrategy": {"type": ...},
            "serveConfigV2": ...,
            "rayClusterConfig": _CLUSTER,
            "serveService": ...,
            "excludeHeadPodFromServeSvc": ...,
            "rayClusterDeletionDelaySeconds": ...,
        }
    },
    "PodMonitor": {
        "spec": {
            "selector": {"matchLabels": ...},
            "namespaceSelector": ...,
            "podMetricsEndpoints": [{"port": ..., "interval": ..., "path": ..., "scheme": ...}],
        }
    },
    "PrometheusRule": {
        "spec": {
            "groups": [
                {
                    "name": ...,
                    "interval": ...,
                    "rules": [{"alert": ..., "expr": ..., "for": ..., "labels": ..., "annotations": ...}],
                }
            ]
        }
    },
    "HTTPRoute": {
        "spec": {
            "parentRefs": [{"name": ..., "namespace": ..., "sectionName": ...}],
            "hostnames": ...,
            "rules": [
                {
                    "matches": [{"path": {"type": ..., "value": ...}}],
                    "timeouts": {"request": ..., "backendRequest": ...},
                    "backendRefs": [{"name": ..., "port": ..., "namespace": ...}],
                }
            ],
        }
    },
}


def values_of(example: Path | None) -> Object:
    """The values of an example; none are the chart's own."""
    return dict(yaml.safe_load(example.read_text())) if example else {}


def render(values: Object | None = None) -> list[Object]:
    """The objects of a release named `docfleet`. Raises HelmError for values that the chart refuses."""
    chart = helm_python.Chart.load(CHART)
    merged = chart.merge_values(values or {})
    chart.validate_schema(merged)
    manifests = chart.render(values or {}, name="docfleet", namespace="documents")
    texts = (text for name, text in manifests.items() if not name.endswith("NOTES.txt"))
    return [each for text in texts for each in yaml.safe_load_all(text) if each]


def one(objects: list[Object], kind: str) -> Object:
    (found,) = (each for each in objects if each["kind"] == kind)
    return found


def complaints(found: Object) -> Iterator[str]:
    """What is wrong with an object, fields that do not exist included."""
    fields = CUSTOM.get(found["kind"])
    if fields is None:
        yield from _kubernetes(found)
    else:
        yield from _unknown({"apiVersion": ..., "kind": ..., "metadata": _METADATA, **fields}, found, found["kind"])


def _kubernetes(found: Object) -> Iterator[str]:
    try:
        kubernetes_validate.validate(found, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{found['kind']}: {error.message}"


def _unknown(fields: Any, given: Any, path: str) -> Iterator[str]:
    if fields is POD:
        yield from _kubernetes({"apiVersion": "v1", "kind": "Pod", **given})
    elif isinstance(fields, list):
        for number, item in enumerate(given):
            yield from _unknown(fields[0], item, f"{path}[{number}]")
    elif isinstance(fields, dict):
        yield from (f"{path}.{key} does not exist" for key in given.keys() - fields.keys())
        for key in given.keys() & fields.keys():
            yield from _unknown(fields[key], given[key], f"{path}.{key}")
