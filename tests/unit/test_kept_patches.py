from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

from tests.kept_patches import kept


class Encoder(json.JSONEncoder):
    """Takes the place of json's own."""


def dumps() -> None:
    """Takes the place of json's own."""


@pytest.mark.parametrize(("name", "instead"), [("JSONEncoder", Encoder), ("dumps", dumps), ("dumps", lambda: None)])
def test_a_module_that_took_a_replacement_by_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, instead: object
) -> None:
    (tmp_path / "imported_meanwhile.py").write_text(f"import json\nfrom json import {name}, loads\n")
    monkeypatch.syspath_prepend(tmp_path)
    with monkeypatch.context() as replaced:
        replaced.setattr(json, name, instead)
        importlib.import_module("imported_meanwhile")
    found = kept(["json", "imported_meanwhile"])
    del sys.modules["imported_meanwhile"]
    assert found == [f"imported_meanwhile.{name}"]


def test_a_module_that_is_gone_again_keeps_nothing() -> None:
    assert kept(["no_such_module"]) == []
