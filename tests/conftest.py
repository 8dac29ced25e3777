"""Shared by all tests: an environment in which Ray, Serve and docling start the same way wherever they are run."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import certifi
import pytest
from hypothesis import HealthCheck, settings

from actors.telemetry import metrics
from client.models import ParseOptions
from serve_app.__main__ import choose_http_mode
from tests.kept_patches import kept
from tests.recorded import Recorded
from tests.scopes import Scopes, turn_of

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

# Ray reads its environment when it is imported, and its sockets need a path shorter than pytest's own folders.
_FOLDER = Path(tempfile.mkdtemp(prefix="df-", dir="/tmp"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
(_FOLDER / "ray").mkdir()
os.environ["RAY_TMPDIR"] = str(_FOLDER)
os.environ["HF_HUB_OFFLINE"] = "1"
choose_http_mode()

# Ray's default is 15, with which the tests that need no service would leave the services of the others no time.
os.environ |= {"RAY_worker_niceness": "5"}

# Every client of httpx reads the certificates of 140 authorities, which takes 27 ms. The tests ask no server on the
# internet, so one of them is enough.
certificate, end, _ = certifi.contents().partition("-----END CERTIFICATE-----\n")
(_FOLDER / "authority.pem").write_text(certificate + end)
os.environ["SSL_CERT_FILE"] = str(_FOLDER / "authority.pem")

# By default a property fails when the machine is busy.
settings.register_profile("busy", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

# The libraries under test make a million objects. Python's default is to search them for garbage so often that it takes
# a sixth of the time of the tests.
gc.set_threshold(20_000, 10, 10)

#: Folders, and the fixtures by which each has its service; the first of these folders comes at the very end.
SHARED_SERVICES = [("faults", "service"), ("cluster", "ray_cluster")]

#: Seconds after which a test of these folders, or one that is marked slow, counts as hung; others: see pyproject.toml.
TIMEOUTS_S = {"cluster": 600, "faults": 900}
SLOW_TIMEOUT_S = 1800


def pytest_configure() -> None:
    """End the services of a session that is ended by SIGTERM, as `make test` does with those in the background."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scopes:
    """How several processes share the tests."""
    config.option.loadscopereorder = False
    return Scopes(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests the time they need. Run the files that need models before others of their kind: they take longest. Run
    tests that share a service last: it runs until the session ends, and takes time from all others. With several
    processes the longest scopes begin first: then all processes end at about the same time."""
    for item in items:
        if timeout := SLOW_TIMEOUT_S if item.get_closest_marker("slow") else TIMEOUTS_S.get(item.path.parent.name):
            item.add_marker(pytest.mark.timeout(timeout))

    def shared_services(item: pytest.Item) -> list[bool]:
        return [item.path.parent.name == folder and of in item.fixturenames for folder, of in SHARED_SERVICES]

    with_models = {item.path for item in items if item.get_closest_marker("models")}
    items.sort(key=lambda item: (shared_services(item), item.path not in with_models))
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: turn_of(item.nodeid))


def pytest_collection_finish() -> None:
    """Keep what the tests have imported out of every later search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_module_keeps_what_a_test_put_in_place() -> Iterator[None]:
    """Otherwise a later test fails."""
    before = set(sys.modules)
    yield
    assert kept(set(sys.modules) - before) == [], "imported while it was replaced: replace it in a module of ours"


@pytest.fixture(scope="session")
def short_folder() -> Path:
    """A folder whose path leaves room for socket names."""
    return _FOLDER


@pytest.fixture(scope="session")
def remembered_models() -> Iterator[None]:
    """Answers of the bundled models are kept for the tests that show them the same pictures."""
    from onnxruntime import InferenceSession

    from tests.remembered_models import remembering

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(InferenceSession, "run", remembering(InferenceSession.run))
        yield


@pytest.fixture(scope="session")
def engines(remembered_models: None) -> Iterator[list[Engine]]:
    """Two warm engines with the bundled models, as on two replicas. Each takes seconds to make."""
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine

    made = [Engine(ParseOptions(profile="bundled"), Hardware(threads=1, device="cpu")) for _ in range(2)]
    for engine in made:
        engine.warm_up()
    yield made
    for engine in made:
        engine.check_health()


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """The metrics of this process, for the length of a test."""
    recorder = Recorded()
    metrics.export_to(recorder)
    yield recorder
    metrics.export_to(metrics.NOWHERE)
