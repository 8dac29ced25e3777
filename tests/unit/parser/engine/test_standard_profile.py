"""docling's own models are loaded from a folder, as after `docling-tools models download`.

The checkpoint is small and random: this checks that it is found, loaded and run, and says nothing of quality.
"""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from actors.messages import PageSpan
from benchmarks.random_models import save_random_models
from client.models import ParseOptions
from tests.unit.parser.files import as_document, make_pdf, make_task

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifacts")
    save_random_models(folder)
    return folder


def test_auto_takes_docling_s_own_models_where_they_are_on_disk(artifacts: Path) -> None:
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine

    defaults = ParseOptions(do_table_structure=False, do_ocr=False)
    engine = Engine(defaults, Hardware(threads=1, device="cpu"), artifacts)
    engine.warm_up()
    info = engine.describe()
    assert (info.profile, info.models) == ("standard", {"layout": "docling-layout-heron"})

    document, task = as_document(make_pdf(2)), make_task()
    parsed = engine.open(document, task, split_above=2)
    shards = [engine.parse_pages(document, task, PageSpan(page, page)) for page in (1, 2)]
    assert engine.assemble(document, task, shards, []) == parsed
    texts = [node["text"] for node in orjson.loads(parsed.nodes)]
    assert texts == ["This is page 1.", "This is page 2."]


def test_auto_takes_the_bundled_models_where_docling_s_own_are_not(tmp_path: Path) -> None:
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine

    engine = Engine(ParseOptions(), Hardware(threads=1, device="cpu"), tmp_path)
    assert engine.describe().profile == "bundled"


def test_a_folder_of_models_that_is_not_there_is_no_reason_not_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docling.datamodel.settings import settings

    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine

    monkeypatch.setattr(settings, "artifacts_path", tmp_path / "missing")
    engine = Engine(ParseOptions(), Hardware(threads=1, device="cpu"))
    engine.warm_up()
    assert engine.describe().profile == "bundled"
