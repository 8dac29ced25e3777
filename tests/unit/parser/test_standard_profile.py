"""docling's own models are loaded from a folder, as after `docling-tools models download`.

The checkpoint is small and random: this checks that it is found, loaded and run, and says nothing of quality.
"""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from actors.messages import PageSpan
from client.models import ParseOptions
from tests.unit.parser.files import as_document, make_pdf, make_task

pytestmark = pytest.mark.models

LABELS = (
    "Caption", "Footnote", "Formula", "List_item", "Page_footer", "Page_header", "Picture", "Section_header", "Table",
    "Text", "Title", "Document_Index", "Code", "Checkbox_Selected", "Checkbox_Unselected", "Form", "Key_Value_Region",
)  # fmt: skip


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import RTDetrImageProcessor, RTDetrResNetConfig, RTDetrV2Config, RTDetrV2ForObjectDetection

    from actors.parser.engine.profiles import TABLEFORMER

    folder = tmp_path_factory.mktemp("artifacts")
    layout = folder / "docling-project--docling-layout-heron"
    config = RTDetrV2Config(
        backbone_config=RTDetrResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], layer_type="basic",
            out_features=["stage2", "stage3", "stage4"],
        ),
        encoder_hidden_dim=16, encoder_in_channels=[16, 24, 32], encoder_ffn_dim=16, encoder_attention_heads=2,
        encoder_layers=1, d_model=16, decoder_in_channels=[16, 16, 16], decoder_ffn_dim=16, decoder_layers=2,
        decoder_attention_heads=2, num_queries=10, num_denoising=0,
        id2label=dict(enumerate(LABELS)), label2id={label: number for number, label in enumerate(LABELS)},
    )  # fmt: skip
    RTDetrV2ForObjectDetection(config).save_pretrained(layout)
    RTDetrImageProcessor().save_pretrained(layout)
    tableformer = folder / "docling-project--docling-models" / TABLEFORMER
    tableformer.mkdir(parents=True)
    (tableformer / "tableformer_accurate.safetensors").touch()
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
