"""Shared by all tests: an environment in which Ray, Serve and docling start the same way wherever they are run."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors import metrics
from serve_app.__main__ import choose_http_mode
from tests.recorded import Recorded

# Ray reads its environment when it is imported, and its sockets need a path shorter than pytest's own folders.
_FOLDER = Path(tempfile.mkdtemp(prefix="df-", dir="/tmp"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
(_FOLDER / "ray").mkdir()
os.environ["RAY_TMPDIR"] = str(_FOLDER)
os.environ["HF_HUB_OFFLINE"] = "1"
choose_http_mode()


@pytest.fixture(scope="session")
def short_folder() -> Path:
    """A folder whose path leaves room for socket names."""
    return _FOLDER


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """The metrics of this process, for the length of a test."""
    recorder = Recorded()
    metrics.export_to(recorder)
    yield recorder
    metrics.export_to(metrics.NOWHERE)
