"""Three nodes on one machine; a worker node is removed without grace while its parser is at work.

Prints what became of the jobs as JSON. A program of its own, since a process has one Ray cluster at most.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from serve_app.__main__ import choose_http_mode, free_port
from serve_app.settings import Settings
from tests.faults.conftest import PATIENCE_S
from tests.waiting import eventually

JOBS = 6
PAGES = 60


def main(state: Path) -> None:
    choose_http_mode()
    os.environ["SLEEP_PER_PAGE_S"] = "0.3"  # the nodes' processes inherit it
    import ray  # after the environment is complete: Ray reads it at import
    from ray.cluster_utils import Cluster

    from serve_app.local import serving
    from tests.faults.engine import FaultyEngine

    settings = Settings(
        port=free_port(), state_dir=str(state), parser_min_replicas=2, parser_max_replicas=2, parser_num_cpus=1
    )
    with ExitStack() as stack:
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        stack.callback(cluster.shutdown)
        workers = [cluster.add_node(num_cpus=1) for _ in range(2)]
        ray.init(address=cluster.address, log_to_driver=False)
        stack.callback(ray.shutdown)
        stack.enter_context(serving(settings, FaultyEngine))
        http = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{settings.port}", timeout=60))
        jobs = [_submit(http) for _ in range(JOBS)]
        eventually(lambda: _status(http, jobs[0])["progress"]["pages_done"] >= PAGES // 3, within_s=PATIENCE_S)
        removed = time.monotonic()
        cluster.remove_node(workers[0], allow_graceful=False)
        cluster.add_node(num_cpus=1)
        pages = [_pages(http, job) for job in jobs]
        print(json.dumps({"pages": pages, "seconds": round(time.monotonic() - removed, 1)}))


def _submit(http: httpx.Client) -> str:
    answer = http.post("/submit", files={"files": ("a.pdf", str(PAGES).encode())})
    return str(answer.raise_for_status().json()["job_id"])


def _status(http: httpx.Client, job: str) -> dict[str, Any]:
    return dict(http.get(f"/jobs/{job}").raise_for_status().json())


def _pages(http: httpx.Client, job: str) -> list[int]:
    """The page numbers of a job's result, once it has ended."""
    eventually(lambda: _status(http, job)["status"] not in ("pending", "processing"), within_s=PATIENCE_S)
    results = http.get(f"/jobs/{job}/results").raise_for_status().json()["results"]
    return [node["metadata"]["page_number"] for node in results["results"][0]["nodes"]]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
