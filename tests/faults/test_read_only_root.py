"""A pod of the chart writes into its volumes alone: the service starts and parses on a root that is read-only."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.chart import one, render
from tests.faults.hosts import missing

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "examples" / "documents" / name for name in ("memo.docx", "report.pdf", "scan.pdf")]
CLUSTER = one(render(), "RayService")["spec"]["rayClusterConfig"]
HEAD, WORKER = CLUSTER["headGroupSpec"], CLUSTER["workerGroupSpecs"][0]
CONTAINER = HEAD["template"]["spec"]["containers"][0]
NAMESPACES = ("--fork", "--pid", "--mount", "--mount-proc", "--ipc", "--net", "--kill-child")
#: As the chart starts Ray, but for a CPU: there is no worker.
START = {**HEAD["rayStartParams"], "num-cpus": "1"}

COMMAND = f"""
printenv SERVE_CONFIG >config.yaml
ray start --head {" ".join(f"--{name}={value}" for name, value in START.items())}
serve deploy config.yaml
timeout 300 sh -c 'until curl --silent --fail http://127.0.0.1:8080/readyz; do sleep 1; done'
docfleet parse --url http://127.0.0.1:8080 {shlex.join(map(str, DOCUMENTS))}
{shlex.join(WORKER["template"]["spec"]["containers"][0]["readinessProbe"]["exec"]["command"])}
"""


@pytest.mark.slow
def test_a_pod_writes_into_its_volumes_alone(short_folder: Path) -> None:
    if reason := missing():
        pytest.skip(reason)
    (folder := short_folder / "pod").mkdir()
    volumes = [mount["mountPath"] for mount in CONTAINER["volumeMounts"]]
    pod = [Path(__file__).with_name("read_only_pod.sh"), folder, COMMAND, ROOT, sys.prefix, *volumes]
    env = {
        **{variable["name"]: variable["value"] for variable in CONTAINER["env"] if "value" in variable},
        "SERVE_CONFIG": one(render(), "RayService")["spec"]["serveConfigV2"],
        "RAY_AUTH_MODE": "token",  # as KubeRay sets it
        "RAY_AUTH_TOKEN": "f" * 64,
        "HOME": "/home/ray",
        "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "PYTHONPATH": str(ROOT),
    }
    ran = subprocess.run(
        ["unshare", *NAMESPACES, *map(str, pod)], env=env, capture_output=True, text=True, timeout=900, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert [f"parsed: {document}" in ran.stdout for document in DOCUMENTS] == [True] * len(DOCUMENTS), ran.stdout
