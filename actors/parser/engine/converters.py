"""Warm docling pipelines, one set per recipe."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import cast

from docling.backend.abstract_backend import AbstractDocumentBackend
from docling.datamodel.backend_options import (
    BackendOptions,
    EmailBackendOptions,
    HTMLBackendOptions,
    LatexBackendOptions,
    PdfBackendOptions,
)
from docling.datamodel.base_models import InputFormat
from docling.datamodel.document import InputDocument
from docling.datamodel.settings import DEFAULT_PAGE_RANGE, DocumentLimits
from docling.document_converter import (
    CsvFormatOption,
    DocumentConverter,
    EmailFormatOption,
    EpubFormatOption,
    ExcelFormatOption,
    FormatOption,
    HTMLFormatOption,
    ImageFormatOption,
    LatexFormatOption,
    MetsGbsFormatOption,
    OdpFormatOption,
    OdtFormatOption,
    PdfFormatOption,
    PowerpointFormatOption,
    WordFormatOption,
)
from docling.pipeline.base_pipeline import BasePipeline
from docling.pipeline.native_pdf_pipeline import NativePdfPipeline
from docling.pipeline.simple_pipeline import SimplePipeline
from docling.pipeline.vlm_pipeline import VlmPipeline
from docling.utils.utils import create_file_hash

from actors.endpoints import NO_ENDPOINTS, Endpoints
from actors.parser.engine.books import Book
from actors.parser.engine.csv_text import CsvBackend
from actors.parser.engine.device import Hardware
from actors.parser.engine.enrichment_models import EnrichmentModels
from actors.parser.engine.large_pictures import Picture
from actors.parser.engine.open_documents import OpenSlides, OpenText
from actors.parser.engine.options import Models, Recipe
from actors.parser.engine.pdf import RenderedPdf
from actors.parser.engine.pdf_drawings import PdfDrawings
from actors.parser.engine.pipelines import PdfPipeline
from actors.parser.engine.profiles import backend_options, describe, pdf_options, simple_options, splittable
from actors.parser.engine.sheets import SparseSheets
from actors.parser.engine.slides import Slides
from actors.parser.engine.sniffing import Source
from actors.parser.engine.vlm_options import vlm_options
from actors.parser.engine.word_files import WordFile
from client.models import ParseOptions, ParserInfo

_PIPELINES: Mapping[Models, type[BasePipeline]] = {"native": NativePdfPipeline, "vlm": VlmPipeline}

_OFFICE: Mapping[InputFormat, FormatOption] = {
    InputFormat.XLSX: ExcelFormatOption(backend=SparseSheets),
    **dict.fromkeys((InputFormat.DOCX, InputFormat.DOC, InputFormat.RTF), WordFormatOption(backend=WordFile)),
    **dict.fromkeys((InputFormat.PPTX, InputFormat.PPT), PowerpointFormatOption(backend=Slides)),
    InputFormat.ODT: OdtFormatOption(backend=OpenText),
    InputFormat.ODP: OdpFormatOption(backend=OpenSlides),
}

#: How many recipes keep their models loaded in one replica.
WARM_RECIPES = 4


class Converter:
    """docling's formats and pipelines for one recipe. A pipeline loads its models at its first use."""

    def __init__(
        self,
        recipe: Recipe,
        hardware: Hardware,
        artifacts_path: Path | None,
        enrichments: EnrichmentModels,
        endpoints: Endpoints = NO_ENDPOINTS,
    ) -> None:
        self.recipe = recipe
        self._enrichments = enrichments
        self.endpoint = endpoint = endpoints[recipe.endpoint] if recipe.endpoint else None
        self.picture_endpoint = endpoints[recipe.picture_endpoint] if recipe.picture_endpoint else None
        self._paged_options = (
            vlm_options(endpoint, images=recipe.images) if endpoint else pdf_options(recipe, hardware, artifacts_path)
        )
        self.splits = endpoint is not None or splittable(self._paged_options)
        paged = {"pipeline_cls": _PIPELINES.get(recipe.models, PdfPipeline), "pipeline_options": self._paged_options}
        web = HTMLFormatOption(backend_options=HTMLBackendOptions(infer_furniture=False))
        self._formats = DocumentConverter(
            format_options={
                InputFormat.PDF: PdfFormatOption(
                    **paged,
                    backend=PdfDrawings if endpoint else RenderedPdf,
                    backend_options=backend_options(recipe, hardware),
                ),
                InputFormat.EMAIL: EmailFormatOption(backend_options=EmailBackendOptions(list_attachments=True)),
                InputFormat.CSV: CsvFormatOption(backend=CsvBackend),
                InputFormat.EPUB: EpubFormatOption(backend=Book),
                # Its own time limit would leave a thread behind that goes on without any limit.
                InputFormat.LATEX: LatexFormatOption(backend_options=LatexBackendOptions(parse_timeout=None)),
                **_OFFICE,
                **dict.fromkeys((InputFormat.HTML, InputFormat.MHTML), web),
                InputFormat.METS_GBS: MetsGbsFormatOption(**paged),
            }
        ).format_to_options
        # docling's converter would take no other reader of pictures than its own.
        self._formats[InputFormat.IMAGE] = ImageFormatOption(**paged, backend=Picture)
        self._pipelines: dict[type[BasePipeline], BasePipeline] = {}

    def pipeline(self, form: InputFormat) -> BasePipeline:
        """The pipeline for a format. PDFs and pictures share one."""
        kind: type[BasePipeline] = self._formats[form].pipeline_cls
        if kind not in self._pipelines:
            pipeline = kind(simple_options() if kind is SimplePipeline else self._paged_options)
            pipeline.enrichment_pipe = self._enrichments.of(self.recipe, pages=kind is PdfPipeline)
            self._pipelines[kind] = pipeline
        return self._pipelines[kind]

    def describe(self, form: InputFormat) -> ParserInfo:
        """The profile, and the models for a format."""
        return describe(self.recipe, form, self.endpoint, self.picture_endpoint)

    def has_pages(self, form: InputFormat) -> bool:
        """Whether documents of a format have pages, so that a request can ask for a range."""
        return bool(self._formats[form].backend.supports_pagination())

    def input(
        self, source: Source, options: ParseOptions, *, backend: type[AbstractDocumentBackend] | None = None
    ) -> InputDocument:
        """A document opened with the request's own options. `backend` replaces docling's reader."""
        option = self._formats[source.format]
        opened = InputDocument(
            path_or_stream=BytesIO(source.data),
            format=source.format,
            filename=source.name,
            backend=backend or source.backend or option.backend,
            backend_options=_unlocked(option, options),
            limits=DocumentLimits(page_range=options.page_range or DEFAULT_PAGE_RANGE),
        )
        if source.sent is not None and opened.valid:  # a document identifies the client's file by its hash
            opened.document_hash = opened._backend.document_hash = create_file_hash(BytesIO(source.sent))
        return opened


class Converters:
    """Keeps the converters of the most recently used recipes."""

    def __init__(
        self,
        hardware: Hardware,
        artifacts_path: Path | None,
        enrichments: EnrichmentModels,
        endpoints: Endpoints = NO_ENDPOINTS,
    ) -> None:
        self._hardware = hardware
        self._enrichments = enrichments
        self._artifacts_path = artifacts_path
        self._endpoints = endpoints
        self._warm: OrderedDict[Recipe, Converter] = OrderedDict()

    def get(self, recipe: Recipe) -> Converter:
        if recipe not in self._warm:
            while len(self._warm) >= WARM_RECIPES:
                self._warm.popitem(last=False)
            self._warm[recipe] = Converter(
                recipe, self._hardware, self._artifacts_path, self._enrichments, self._endpoints
            )
        self._warm.move_to_end(recipe)
        return self._warm[recipe]


def _unlocked(option: FormatOption, options: ParseOptions) -> BackendOptions | None:
    """The format's backend options. With a password, a copy that has it."""
    if options.password is None or not isinstance(option.backend_options, PdfBackendOptions):
        return option.backend_options
    return cast(BackendOptions, option.backend_options.model_copy(update={"password": options.password}))
