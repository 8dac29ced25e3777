from __future__ import annotations

import json

import numpy as np
import pytest
from docling.datamodel.base_models import ConfidenceReport, PageConfidenceScores
from docling.datamodel.service.responses import ConfidenceScores
from docling_core.types.doc.base import Size
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel

from actors.parser.engine.confidence import confidence_of
from actors.parser.engine.nodes import nodes_of
from client.confidence import FileConfidence, worst
from tests.unit.parser.engine.test_chunks import at
from tests.unit.parser.files import make_task

REPORT = ConfidenceReport(
    parse_score=1.0,
    layout_score=0.81234567,
    ocr_score=np.nan,
    pages={
        2: PageConfidenceScores(parse_score=1.0, layout_score=0.4),
        1: PageConfidenceScores(parse_score=1.0, layout_score=0.95, ocr_score=0.5),
        3: PageConfidenceScores(),
    },
)


@pytest.mark.filterwarnings("ignore:(Mean of empty|All-NaN) slice:RuntimeWarning")  # docling's own, of page 3
def test_scores_and_grades_are_doclings_own() -> None:
    ours = confidence_of(REPORT).model_dump(exclude={"pages"})
    docling = ConfidenceScores.from_scores(REPORT).model_dump(mode="json", exclude={"pages"})
    rounded = {name: round(score, 4) if isinstance(score, float) else score for name, score in docling.items()}
    assert ours == rounded


def test_pages_come_in_order_without_those_that_were_not_scored() -> None:
    pages = confidence_of(REPORT).pages
    assert list(pages) == ["1", "2"]
    assert (pages["2"].layout_score, pages["2"].ocr_score, pages["2"].low_grade) == (0.4, None, "poor")


def test_document_without_scores_has_none() -> None:
    assert confidence_of(ConfidenceReport()) == FileConfidence()


def test_scores_are_json() -> None:
    assert json.loads(confidence_of(REPORT).model_dump_json())["table_score"] is None


def test_node_of_a_page_has_the_scores_of_its_page() -> None:
    document = DoclingDocument(name="d")
    for page in (1, 3):
        document.add_page(page_no=page, size=Size(width=600, height=800))
        document.add_text(DocItemLabel.TEXT, "text", prov=at(page))
    scores = confidence_of(REPORT)
    first, third = nodes_of(document, make_task(), confidence=scores)
    assert first["metadata"]["confidence"] == scores.pages["1"].model_dump()
    assert "confidence" not in third["metadata"]


def test_worst_grade_passes_over_what_was_not_scored() -> None:
    assert worst(["excellent", "unspecified", "fair", "good"]) == "fair"
    assert worst(["unspecified"]) is None
