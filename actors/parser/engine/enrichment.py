"""Enriches the items of a page: docling's models tell the class of a picture, and read code and formulas again.

The models look at pixels. So they run when a page is assembled, while its pixels are there, in the parser that reads
the page. What they wrote travels with the page, and comes into the document once all pages are assembled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from docling.datamodel.base_models import AssembledUnit, EquationPrediction, Page
from docling.datamodel.document import ConversionResult
from docling.models.base_model import GenericEnrichmentModel
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.node import DocItem, NodeItem

from actors.parser.engine.stages import PageWarning
from client.models import WarningCode

#: The page, the label and the box of an item.
Place = tuple[int, str, tuple[float, float, float, float]]

#: What docling's models write.
_WRITTEN = ("text", "code_language", "meta", "annotations")


class Enriched(EquationPrediction):
    """What the models wrote about a page's items."""

    written: dict[Place, dict[str, Any]]


def enrich(
    result: ConversionResult,
    page: Page,
    make_document: Callable[[ConversionResult], DoclingDocument],
    models: Iterable[GenericEnrichmentModel[Any]],
) -> None:
    """Run the models on a page. `make_document` makes a document of its items, as that of all pages is made.

    Docling's own loop over the items would look for a page in the wrong place once another page was lost.
    """
    alone = ConversionResult(input=result.input, pages=[page], assembled=page.assembled or AssembledUnit())
    alone.document = make_document(alone)
    items = [item for item, _ in alone.document.iterate_items()]
    written = [item for model in models for item in _run(model, alone, items)]
    result.errors += [each for each in alone.errors if _is_about_an_item(each)]
    page.predictions.equations_prediction = Enriched(written={_place(item): _fields(item) for item in written})


def put_in(result: ConversionResult) -> None:
    """Put into the document what the models wrote about its items."""
    found: dict[Place, dict[str, Any]] = {}
    for page in result.pages:
        if isinstance(page.predictions.equations_prediction, Enriched):
            found |= page.predictions.equations_prediction.written
    for item, _ in result.document.iterate_items():
        if isinstance(item, DocItem) and item.prov:
            for name, value in found.get(_place(item), {}).items():
                setattr(item, name, value)


def _run(model: GenericEnrichmentModel[Any], result: ConversionResult, items: Iterable[NodeItem]) -> list[DocItem]:
    """The items that a model wrote about."""
    elements = (model.prepare_element(result, item) for item in items)
    return [
        item
        for element in elements
        if element is not None
        for item in model(doc=result.document, element_batch=[element])
        if isinstance(item, DocItem)
    ]


def _is_about_an_item(error: object) -> bool:
    return isinstance(error, PageWarning) and error.code is WarningCode.NOT_ENRICHED


def _place(item: DocItem) -> Place:
    where = item.prov[0]
    return where.page_no, item.label.value, where.bbox.as_tuple()


def _fields(item: DocItem) -> dict[str, Any]:
    return {name: value for name, value in vars(item).items() if name in _WRITTEN}
