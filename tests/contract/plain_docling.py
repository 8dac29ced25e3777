"""docling by itself, set up as its users would: what every document of ours has to equal."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import AnyUrl

from actors.messages import FileTask

if TYPE_CHECKING:
    from docling.datamodel.base_models import Page
    from docling.datamodel.document import ConversionResult
    from docling_core.types.doc.document import DoclingDocument


def converted_by_docling(data: bytes, task: FileTask) -> DoclingDocument:
    """The document of `conversion_by_docling`."""
    return conversion_by_docling(data, task).document


def conversion_by_docling(
    data: bytes, task: FileTask, *, described_by: str = "", artifacts: Path | None = None
) -> ConversionResult:
    """What a plain DocumentConverter makes, in one piece and with options that users would write.

    A model at the URL `described_by` describes the pictures. Models of single items are in the folder `artifacts`."""
    from docling.datamodel.base_models import DocumentStream
    from docling.datamodel.settings import DEFAULT_PAGE_RANGE

    stream = DocumentStream(name=task.filename, stream=BytesIO(data))
    asked = task.options
    converter = _converter(
        images=bool(asked.include_images),
        described_by=described_by,
        artifacts=artifacts,
        classes=bool(asked.do_picture_classification),
        code=bool(asked.do_code_enrichment),
    )
    return converter.convert(stream, page_range=task.options.page_range or DEFAULT_PAGE_RANGE)


@cache
def _converter(*, images: bool, described_by: str, artifacts: Path | None, classes: bool, code: bool) -> Any:
    from docling.datamodel.base_models import InputFormat
    from docling.datamodel.pipeline_options import PdfPipelineOptions, PictureDescriptionApiOptions
    from docling.document_converter import DocumentConverter, PdfFormatOption
    from docling.pipeline.standard_pdf_pipeline import StandardPdfPipeline

    from actors.parser.bundled.layout.layout_model import BundledLayoutOptions
    from actors.parser.bundled.ocr.ocr_model import BundledOcrOptions
    from actors.parser.bundled.tables.table_model import BundledTableOptions
    from actors.parser.engine.pipelines import PdfPipeline
    from actors.parser.engine.profiles import OCR_SETTINGS

    class Whole(PdfPipeline):
        """With whole pictures of the pages, and docling's own enrichment after the assembly: one item at a time, since
        the other items of a batch change the last digits of its scores."""

        _enrich_document = StandardPdfPipeline._enrich_document

        def _init_models(self) -> None:
            super()._init_models()
            for model in self.enrichment_pipe:
                model.elements_batch_size = 1

        def _finish_page(self, result: ConversionResult, page: Page) -> None:
            pass

    options = PdfPipelineOptions(
        allow_external_plugins=True,
        layout_options=BundledLayoutOptions(),
        table_structure_options=BundledTableOptions(),
        ocr_options=BundledOcrOptions(backend="onnxruntime", rapidocr_params=OCR_SETTINGS),
        generate_picture_images=images,
        images_scale=2.0 if images else 1.0,
    )
    if described_by:
        options.enable_remote_services = options.do_picture_description = True
        options.picture_description_options = PictureDescriptionApiOptions(url=AnyUrl(described_by))
    if artifacts:
        options.artifacts_path, options.do_ocr = artifacts, False  # with a folder, docling looks for OCR's models there
        options.do_picture_classification, options.do_code_enrichment = classes, code
    return DocumentConverter(
        format_options={InputFormat.PDF: PdfFormatOption(pipeline_cls=Whole, pipeline_options=options)}
    )
