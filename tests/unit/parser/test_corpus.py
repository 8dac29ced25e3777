"""Documents of the corpus, where that is at hand, through the bundled models from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel

from tests.corpus import CORPUS
from tests.unit.parser.files import parsed

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not beside the repository"),
]


def document_of(engine: Engine, name: str) -> DoclingDocument:
    return DoclingDocument.model_validate_json(parsed(engine, name, (CORPUS / name).read_bytes()).document)


def test_the_one_table_of_a_page_is_found_with_its_rows_and_columns(engines: list[Engine]) -> None:
    (table,) = document_of(engines[0], "2305.03393v1-pg9.pdf").tables
    assert (table.data.num_rows, table.data.num_cols) == (6, 8)
    heads = [cell.text for cell in table.data.grid[1]]
    assert heads == ["# enc-layers", "# dec-layers", "Language", "simple", "complex", "all", "mAP (0.75)",
                     "Inference time (secs)"]  # fmt: skip
    assert [row[0].text + row[1].text for row in table.data.grid[2:]] == ["66", "44", "24", "42"]


def test_text_that_runs_from_right_to_left_is_read_in_its_order(engines: list[Engine]) -> None:
    document = document_of(engines[0], "right_to_left_01.pdf")
    assert [item.label for item in document.texts] == [DocItemLabel.SECTION_HEADER, *[DocItemLabel.TEXT] * 4]
    title, *paragraphs = (item.text for item in document.texts)
    assert title == "تحسين الإنتاجية وحل المشكلات من خلال البرمجة بلغة R و Python"
    beginnings = [
        "تعتبر البرمجة بلغة R و Python من الأدوات القوية التي يمكن أن تعزز الإنتاجية",
        "عندما يجتمع التفكير التحليلي مع مهارات البرمجة، يصبح من الممكن معالجة كميات هائلة من البيانات",
        "علاوة على ذلك، توفر كل من R و Python مكتبات وأدوات غنية تدعم مجموعة واسعة",
        "في النهاية، يمكن أن تؤدي البرمجة بلغة R و Python مع عقلية تحليلية إلى تحسين الإنتاجية",
    ]
    assert [text[: len(begin)] for text, begin in zip(paragraphs, beginnings, strict=True)] == beginnings
    assert "يمكن استخدام مكتبة pandas في Python لإدارة البيانات بكفاءة، بينما توفر R أدوات قوية" in paragraphs[2]
