"""Models that write about single items of a page: pictures, code and formulas."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from actors.errors import FileError
from client.models import ParseOptions
from client.picture_classes import PICTURE_CLASSES

if TYPE_CHECKING:
    from docling.datamodel.document import ConversionResult

    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

LATEX = r"e = m c^2"


class Formulas:
    """In place of docling's model. It reads formulas, as often as it does not raise `error`."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.seen: list[int] = []

    def is_processable(self, doc: Any, element: Any) -> bool:
        return bool(element.label == "formula")

    def prepare_element(self, conv_res: Any, element: Any) -> Any:
        from docling.datamodel.base_models import ItemAndImageEnrichmentElement
        from PIL import Image

        return ItemAndImageEnrichmentElement(item=element, image=Image.new("RGB", (9, 9)))

    def __call__(self, doc: Any, element_batch: Iterable[Any]) -> Iterator[Any]:
        for element in element_batch:
            if self.error:
                raise self.error
            self.seen.append(element.item.prov[0].page_no)
            element.item.text = f"{LATEX} on page {element.item.prov[0].page_no}"
            yield element.item


def result_of(*numbers: int) -> ConversionResult:
    """Assembled pages with a line of text and a formula. docling gives the formula no text."""
    from docling.backend.noop_backend import NoOpBackend
    from docling.datamodel.base_models import AssembledUnit, Cluster, InputFormat, Page, TextElement
    from docling.datamodel.document import ConversionResult, InputDocument
    from docling_core.types.doc.base import BoundingBox, Size
    from docling_core.types.doc.labels import DocItemLabel

    pages = []
    for number in numbers:
        elements = []
        for place, label in enumerate((DocItemLabel.TEXT, DocItemLabel.FORMULA)):
            box = BoundingBox(l=10.3, t=10.1 + 30 * place, r=90.7, b=30.9 + 30 * place)
            cluster = Cluster(id=place, label=label, bbox=box)
            text = f"{label.value} of page {number}"
            elements.append(TextElement(label=label, id=place, page_no=number, text=text, cluster=cluster))
        assembled = AssembledUnit(elements=elements, body=elements)
        pages.append(Page(page_no=number, size=Size(width=100, height=100), assembled=assembled))
    opened = InputDocument(path_or_stream=Path(__file__), format=InputFormat.PDF, backend=NoOpBackend)
    return ConversionResult(input=opened, pages=pages)


def enriched(result: ConversionResult, model: Formulas) -> list[str]:
    """The texts of the document, after each of its pages went through the model and travelled."""
    from docling.datamodel.base_models import AssembledUnit
    from docling.models.stages.reading_order.readingorder_model import ReadingOrderModel, ReadingOrderOptions
    from docling_core.types.doc.labels import DocItemLabel

    from actors.parser.engine.enrichment import enrich, put_in
    from actors.parser.engine.enrichment_models import OneByOne

    order = ReadingOrderModel(options=ReadingOrderOptions())
    one_by_one: Any = OneByOne(model, [DocItemLabel.FORMULA])  # type: ignore[arg-type] # it has what is called
    for page in result.pages:
        enrich(result, page, order, [one_by_one])
    result.pages = pickle.loads(pickle.dumps(result.pages))
    elements = [element for page in result.pages if page.assembled for element in page.assembled.elements]
    result.assembled = AssembledUnit(elements=elements, body=elements)
    result.document = order(result)
    put_in(result)
    return [item.text for item in result.document.texts]


def test_formula_has_the_text_of_the_model_and_other_texts_stay() -> None:
    model = Formulas()
    texts = enriched(result_of(3, 7), model)
    assert texts == ["text of page 3", f"{LATEX} on page 3", "text of page 7", f"{LATEX} on page 7"]
    assert model.seen == [3, 7]


def test_formula_without_its_model_has_no_text() -> None:
    result = result_of(1)
    assert enriched(result, Formulas(RuntimeError("no such kernel"))) == ["text of page 1", ""]
    [warning] = result.errors
    assert (warning.page_no, warning.error_message) == (1, "The formula model failed; the formula has no text")


def test_model_that_runs_out_of_memory_leaves_the_page_to_another_parser() -> None:
    with pytest.raises(RuntimeError, match="CUDA out of memory"):
        enriched(result_of(1), Formulas(RuntimeError("CUDA out of memory")))


def test_no_model_runs_after_a_request_to_stop() -> None:
    from actors.parser.engine import stopping

    model = Formulas()
    stopping.stop()
    try:
        assert enriched(result_of(1), model) == ["text of page 1", ""]
    finally:
        stopping.begin()
    assert model.seen == []


def test_classes_of_pictures_are_those_of_docling() -> None:
    from docling_core.types.doc.labels import PictureClassificationLabel

    assert tuple(label.value for label in PictureClassificationLabel) == PICTURE_CLASSES


def test_model_is_found_in_the_artifacts_folder_or_in_the_hub_s_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    from actors.parser.engine.enrichment_models import CODE_FORMULA, folder_of

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = tmp_path / "models"
    place = folder / CODE_FORMULA.replace("/", "--")
    assert folder_of(CODE_FORMULA, folder) is None
    place.mkdir(parents=True)
    (place / "config.json").touch()
    assert folder_of(CODE_FORMULA, folder) is None  # as after a download that broke off
    kept = tmp_path / "hub" / f"models--{CODE_FORMULA.replace('/', '--')}"
    snapshot = kept / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).touch()
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("abc")
    assert folder_of(CODE_FORMULA, folder) == snapshot
    (place / "model.safetensors").touch()
    assert folder_of(CODE_FORMULA, folder) == place


@pytest.mark.parametrize(
    ("options", "model"),
    [
        ({"do_picture_classification": True}, "picture_classifier"),
        ({"do_code_enrichment": True, "profile": "bundled"}, "code_formula"),
    ],
)
def test_model_that_is_not_there_is_refused_with_what_to_do(
    engine: Engine, options: dict[str, Any], model: str
) -> None:
    with pytest.raises(FileError, match="This server does not have the model of do_") as refused:
        engine.describe(ParseOptions(**options))
    assert refused.value.file_code == "invalid_option"
    assert refused.value.message.endswith(f"on every node with parsers: docling-tools models download {model}")
