"""The engine that most tests of this folder use, and a temporary folder that every test must leave empty."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actors.parser.scratch import PREFIX
from client.models import ParseOptions
from tests.waiting import eventually

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine


#: Names in it that onnxruntime and torch make once. They hold nothing of a document.
LIBRARIES = (".ses", "torchinductor_")


def left_in(folder: Path) -> list[str]:
    """Every name in it that a call left. A parser that ends meanwhile removes its folder: `os.walk` takes that."""
    names = [name for _, folders, files in os.walk(folder) for name in (*folders, *files)]
    return [name for name in names if not name.startswith((PREFIX, *LIBRARIES))]


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files. A parser's own, empty folder in it may live as long as its parser."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    # A call that the test has given up may still be on its way out in a thread.
    eventually(lambda: not left_in(folder), what="an empty folder for temporary files")


@pytest.fixture(scope="module")
def engine(remembered_models: None) -> Engine:
    """Warm, and without models unless a test asks for some."""
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine

    made = Engine(ParseOptions(profile="native"), Hardware(threads=1, device="cpu"))
    made.warm_up()
    return made
