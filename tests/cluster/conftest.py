"""One Ray with logical CPUs for the whole session, and one docfleet service on it with the bundled models."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import httpx
import psutil
import pytest
import ray
from pydantic import SecretStr

from client import DoclingParserClient
from serve_app.__main__ import free_port
from serve_app.app import APP
from serve_app.local import serving
from serve_app.settings import Settings
from tests.cluster.collector import Collector
from tests.model_endpoint import FakeModel, running

MODEL_KEY = "sk-a-secret-of-the-operator"
#: Requests that the model may get at once.
AT_ONCE = 8
DOCUMENTS = Path(__file__).parents[2] / "examples" / "documents"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    collector = Collector()
    with collector.serving():
        yield collector


@pytest.fixture(scope="session")
def ray_cluster(short_folder: Path, collector: Collector) -> Iterator[None]:
    # Every process of the cluster inherits these.
    os.environ |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "RAY_metrics_report_interval_ms": "2000",
        "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "1000",
    }
    ray.init(
        address="local",
        num_cpus=16,  # logical: replicas of the tests hardly compute
        include_dashboard=False,
        object_store_memory=500_000_000,
        log_to_driver=False,
        _temp_dir=str(short_folder),
    )
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def model() -> Iterator[FakeModel]:
    """What answers for the remote models of the service."""
    with running(FakeModel()) as model:
        yield model


@pytest.fixture(scope="session")
def settings(short_folder: Path, model: FakeModel) -> Settings:
    """Two parsers, and spans of two pages, so that every longer document is parsed in parts on both."""
    os.environ["MODEL_KEY"] = MODEL_KEY
    granite = {"url": model.url, "model": "granite-docling", "concurrency": AT_ONCE, "key_env": "MODEL_KEY"}
    return Settings(
        model_endpoints=json.dumps({"granite": granite, "locked": granite | {"model": "locked"}}),
        host="127.0.0.1",
        port=free_port(),
        state_dir=str(short_folder / "state"),
        parser_min_replicas=2,
        parser_max_replicas=2,
        span_pages=2,
        callback_allow="127.0.0.1",
        sources_allow="127.0.0.1",
        webhook_secret=SecretStr("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
    )


@pytest.fixture(scope="session")
def url(ray_cluster: None, settings: Settings) -> Iterator[str]:
    with serving(settings):
        yield f"http://127.0.0.1:{settings.port}"


@pytest.fixture
def client(url: str) -> Iterator[DoclingParserClient]:
    with DoclingParserClient(url) as client:
        yield client


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=120) as http:
        yield http


@pytest.fixture(scope="session")
def documents() -> Path:
    return DOCUMENTS


class ReplicaPids(Protocol):
    def __call__(self, deployment: str, app: str = APP) -> list[int]: ...


@pytest.fixture(scope="session")
def replica_pids(url: str) -> ReplicaPids:
    """Process ids of a deployment's replicas, by the titles that Ray gives its processes: this cluster's alone."""

    def pids(deployment: str, app: str = APP) -> list[int]:
        title = f"ray::ServeReplica:{app}:{deployment}"
        return [
            process.pid for process in psutil.Process().children(recursive=True) if _title(process).startswith(title)
        ]

    return pids


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()).strip()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""
