"""docling by itself, set up as its users would: what every document of ours has to equal."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from actors.messages import FileTask

if TYPE_CHECKING:
    from docling.datamodel.document import ConversionResult
    from docling_core.types.doc.document import DoclingDocument


def converted_by_docling(data: bytes, task: FileTask) -> DoclingDocument:
    """The document of `conversion_by_docling`."""
    return conversion_by_docling(data, task).document


def conversion_by_docling(data: bytes, task: FileTask) -> ConversionResult:
    """What a plain DocumentConverter makes, in one piece and with options that users would write."""
    from docling.datamodel.base_models import DocumentStream
    from docling.datamodel.settings import DEFAULT_PAGE_RANGE

    stream = DocumentStream(name=task.filename, stream=BytesIO(data))
    return _converter().convert(stream, page_range=task.options.page_range or DEFAULT_PAGE_RANGE)


@cache
def _converter() -> Any:
    from docling.datamodel.base_models import InputFormat
    from docling.datamodel.pipeline_options import PdfPipelineOptions
    from docling.document_converter import DocumentConverter, PdfFormatOption

    from actors.parser.bundled.layout.layout_model import BundledLayoutOptions
    from actors.parser.bundled.ocr.ocr_model import BundledOcrOptions
    from actors.parser.bundled.tables.table_model import BundledTableOptions
    from actors.parser.engine.pipelines import PdfPipeline
    from actors.parser.engine.profiles import OCR_SETTINGS

    options = PdfPipelineOptions(
        allow_external_plugins=True,
        layout_options=BundledLayoutOptions(),
        table_structure_options=BundledTableOptions(),
        ocr_options=BundledOcrOptions(backend="onnxruntime", rapidocr_params=OCR_SETTINGS),
    )
    return DocumentConverter(
        format_options={InputFormat.PDF: PdfFormatOption(pipeline_cls=PdfPipeline, pipeline_options=options)}
    )
