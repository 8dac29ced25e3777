"""docling's models for pictures, code and formulas: where they are on disk, and how one item costs no document."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.datamodel.base_models import ItemAndImageEnrichmentElement, Page
from docling.datamodel.document import ConversionResult
from docling.datamodel.picture_classification_options import DocumentPictureClassifierOptions
from docling.datamodel.pipeline_options import CodeFormulaVlmOptions
from docling.models.base_model import GenericEnrichmentModel
from docling.models.stages.code_formula.code_formula_vlm_model import CodeFormulaVlmModel
from docling.models.stages.picture_classifier.document_picture_classifier import DocumentPictureClassifier
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.node import DocItem, NodeItem
from docling_core.types.doc.labels import DocItemLabel
from huggingface_hub import try_to_load_from_cache

from actors.parser.engine import stopping
from actors.parser.engine.device import Hardware
from actors.parser.engine.options import Recipe
from actors.parser.engine.out_of_memory import ran_out_of_memory
from actors.parser.engine.stages import warn
from actors.telemetry.logs import get_logger
from client.models import WarningCode

log = get_logger()

CLASSIFIER = "docling-project/DocumentFigureClassifier-v2.5"
CODE_FORMULA = "docling-project/CodeFormulaV2"

_FAILED: Mapping[DocItemLabel, str] = {
    DocItemLabel.PICTURE: "A picture has no class: the model failed on it",
    DocItemLabel.CODE: "The code model failed; the code is as it stands in the file",
    DocItemLabel.FORMULA: "The formula model failed; the formula has no text",
}


def folder_of(repository: str, artifacts_path: Path | None) -> Path | None:
    """The folder with a model's weights: one of the artifacts folder, or else one of the hub's cache."""
    cached = try_to_load_from_cache(repository, "config.json", revision="main")
    places = [artifacts_path / repository.replace("/", "--")] if artifacts_path else []
    places += [Path(cached).parent] if isinstance(cached, str) else []
    return next((place for place in places if any(place.glob("*.safetensors"))), None)


class EnrichmentModels:
    """The models, each loaded at its first use, and shared by all pipelines. They must be on disk."""

    def __init__(self, hardware: Hardware, artifacts_path: Path | None) -> None:
        self._accelerator = AcceleratorOptions(num_threads=hardware.threads, device=hardware.device)
        self._folder = artifacts_path

    def of(self, recipe: Recipe, *, pages: bool) -> list[GenericEnrichmentModel[Any]]:
        """The models of a recipe, in docling's order. Code and formulas are read from pages only."""
        texts = {DocItemLabel.CODE: recipe.code, DocItemLabel.FORMULA: recipe.formulas}
        labels = [label for label, wanted in texts.items() if wanted and pages]
        models = [OneByOne(self._code_formula, labels)] if labels else []
        return [*models, *([OneByOne(self._classifier, [DocItemLabel.PICTURE])] if recipe.picture_classes else [])]

    @cached_property
    def _classifier(self) -> DocumentPictureClassifier:
        return DocumentPictureClassifier(
            enabled=True,
            artifacts_path=self._artifacts_path(CLASSIFIER),
            options=DocumentPictureClassifierOptions.from_preset("document_figure_classifier_v2"),
            accelerator_options=self._accelerator,
        )

    @cached_property
    def _code_formula(self) -> CodeFormulaVlmModel:
        return CodeFormula(
            enabled=True,
            enable_remote_services=False,
            artifacts_path=self._artifacts_path(CODE_FORMULA),
            options=CodeFormulaVlmOptions.from_preset("codeformulav2"),
            accelerator_options=self._accelerator,
        )

    def _artifacts_path(self, repository: str) -> Path | None:
        """The folder that docling is given; None makes it look in the hub's cache."""
        folder = folder_of(repository, self._folder)
        return self._folder if self._folder and folder and folder.parent == self._folder else None


class CodeFormula(CodeFormulaVlmModel):
    """docling's model. It raises when it fails on an item; docling's own only logs that."""

    _answered = False

    def __call__(
        self, doc: DoclingDocument, element_batch: Iterable[ItemAndImageEnrichmentElement]
    ) -> Iterator[NodeItem]:
        self._answered = False
        items = list(super().__call__(doc, element_batch))
        if not self._answered:
            raise RuntimeError("the model gave no answer")
        yield from items

    def _post_process(self, texts: list[str]) -> list[str]:
        self._answered = True
        return super()._post_process(texts)


class OneByOne(GenericEnrichmentModel[Any]):
    """A model of docling's, for items with these labels. An item on which it fails stays as it is, with a warning.

    It takes one item at a time: its answer must not depend on the other items of a batch.
    """

    elements_batch_size = 1

    def __init__(self, model: GenericEnrichmentModel[Any], labels: Collection[DocItemLabel]) -> None:
        self._model = model
        self._labels = labels
        self._result: ConversionResult | None = None

    def is_processable(self, doc: DoclingDocument, element: NodeItem) -> bool:
        wanted = isinstance(element, DocItem) and element.label in self._labels
        return wanted and not stopping.asked() and self._model.is_processable(doc, element)

    def prepare_element(self, conv_res: ConversionResult, element: NodeItem) -> Any:
        self._result, prepared = conv_res, None
        if self.is_processable(conv_res.document, element):
            with self._warned_of_failure(element):
                prepared = self._model.prepare_element(conv_res, element)
        return prepared

    def __call__(self, doc: DoclingDocument, element_batch: Iterable[Any]) -> Iterator[NodeItem]:
        for element in element_batch:
            with self._warned_of_failure(element.item):
                yield from self._model(doc=doc, element_batch=[element])

    @contextmanager
    def _warned_of_failure(self, item: NodeItem) -> Iterator[None]:
        """Raises when memory ran out, so that another parser tries again."""
        try:
            yield
        except Exception as error:
            if ran_out_of_memory(error) or self._result is None or not isinstance(item, DocItem):
                raise
            log.warning("enrichment_failed", label=item.label, exc_info=True)
            page = Page(page_no=item.prov[0].page_no) if item.prov else None
            warn(self._result, WarningCode.NOT_ENRICHED, page, _FAILED[item.label])
