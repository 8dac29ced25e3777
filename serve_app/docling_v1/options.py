"""docling-serve's conversion options as one table: the type of each, its default there, and what is done with it here.

Only what a request sends is looked at. For the rest, the defaults of this server hold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from actors.endpoints import NO_ENDPOINTS, Endpoints
from client.models import ErrorCode, ExportFormat, ParseOptions
from client.options import LEAST_SCALE, MOST_SCALE
from serve_app.docling_v1.languages import native_language
from serve_app.docling_v1.loose_types import Config, Flag, Number, PageRange, Text, Words, as_object, as_one, as_words
from serve_app.docling_v1.remote_models import remote_options
from serve_app.docling_v1.rules import (
    IfThere,
    Ignored,
    Native,
    Only,
    Remote,
    Reply,
    Substituted,
    Substitutions,
    made,
    native_values,
    without_what_is_not_set,
)
from serve_app.problems import Refused

Format = Literal["md", "json", "html", "text", "doctags", "doclang", "chunks"]

ImageExportMode = Literal["placeholder", "embedded", "referenced"]

#: The formats that are exports of a document; `chunks` are cut from it.
EXPORTS: Mapping[Format, ExportFormat] = {
    "md": ExportFormat.MARKDOWN,
    "json": ExportFormat.JSON,
    "html": ExportFormat.HTML,
    "text": ExportFormat.TEXT,
    "doctags": ExportFormat.DOCTAGS,
    "doclang": ExportFormat.DOCLANG,
}


_OFF = Only((False,))
_OWN_MODELS = Substituted("default", (None, "default", "auto", {}))
_CLASSIFIER = Substituted("document_figure_classifier_v2", (None, "default", "auto"))
_CODE_FORMULA = Substituted("codeformulav2", (None, "default", "auto"))
_WITH_ITS_SWITCH = Ignored("used only together with a switch that is refused")


def _languages(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(native_language, tags))


class ConvertOptions(BaseModel):
    """The options of a request. Unknown ones are ignored, as docling-serve does."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore")

    to_formats: Annotated[tuple[Format, ...], as_words, Reply()] = ("md",)
    image_export_mode: Annotated[ImageExportMode, as_one, Reply()] = "placeholder"
    include_images: Annotated[Flag, Reply()] = True
    include_page_images: Annotated[Flag, Reply()] = False
    images_scale: Annotated[Number, Native("images_scale")] = 2.0
    md_page_break_placeholder: Annotated[str, as_one, Reply()] = ""
    md_compact_tables: Annotated[Flag, Substituted("false", (False,))] = False

    do_ocr: Annotated[Flag, Native("do_ocr")] = True
    force_ocr: Annotated[Flag, Native("force_ocr")] = False
    do_table_structure: Annotated[Flag, Native("do_table_structure")] = True
    page_range: Annotated[PageRange, Native("page_range")] = (1, None)
    ocr_lang: Annotated[Words, AfterValidator(_languages), Native("ocr_lang")] = ()

    ocr_engine: Annotated[Text, Substituted("rapidocr", ("auto",))] = "auto"
    ocr_preset: Annotated[Text, Substituted("rapidocr", ("auto",))] = "auto"
    ocr_custom_config: Annotated[Config, _OWN_MODELS] = None
    pdf_backend: Annotated[Text, Substituted("threaded_docling_parse", ("docling_parse",))] = "threaded_docling_parse"
    table_mode: Annotated[Literal["fast", "accurate"], as_one, IfThere("table_mode", "accurate")] = "accurate"
    table_cell_matching: Annotated[Flag, Substituted("true", (True,))] = True
    table_structure_preset: Annotated[Text | None, _OWN_MODELS] = None
    table_structure_custom_config: Annotated[Config, _OWN_MODELS] = None
    layout_preset: Annotated[Text | None, _OWN_MODELS] = None
    layout_custom_config: Annotated[Config, _OWN_MODELS] = None
    pipeline: Annotated[Literal["standard", "legacy", "vlm"], as_one, Substituted("standard", ("vlm",))] = "standard"

    do_pdf_heading_hierarchy: Annotated[Flag, Native("heading_hierarchy")] = False
    do_code_enrichment: Annotated[Flag, Native("do_code_enrichment")] = False
    do_formula_enrichment: Annotated[Flag, Native("do_formula_enrichment")] = False
    do_picture_classification: Annotated[Flag, Native("do_picture_classification")] = False
    do_picture_description: Annotated[Flag, Remote()] = False
    do_chart_extraction: Annotated[Flag, _OFF] = False
    pdf_heading_hierarchy_options: Annotated[Any, Ignored("docling's defaults hold")] = None
    picture_description_area_threshold: Annotated[Any, as_one, Remote()] = None
    picture_description_local: Annotated[Any, as_object, Remote()] = None
    picture_description_api: Annotated[Any, as_object, Remote()] = None
    picture_description_preset: Annotated[Any, as_one, Remote()] = None
    picture_description_custom_config: Annotated[Any, as_object, Remote()] = None
    picture_classification_preset: Annotated[Text | None, _CLASSIFIER] = None
    picture_classification_custom_config: Annotated[Config, _OWN_MODELS] = None
    chart_extraction_preset: Annotated[Any, _WITH_ITS_SWITCH] = None
    chart_extraction_custom_config: Annotated[Any, _WITH_ITS_SWITCH] = None
    code_formula_preset: Annotated[Text | None, _CODE_FORMULA] = None
    code_formula_custom_config: Annotated[Config, _OWN_MODELS] = None
    vlm_pipeline_model: Annotated[Any, as_one, Remote()] = None
    vlm_pipeline_model_local: Annotated[Any, as_object, Remote()] = None
    vlm_pipeline_model_api: Annotated[Any, as_object, Remote()] = None
    vlm_pipeline_preset: Annotated[Any, as_one, Remote()] = None
    vlm_pipeline_custom_config: Annotated[Any, as_object, Remote()] = None

    chunking_options: Annotated[Any, as_object, Reply()] = None
    chunking_preset: Annotated[Text | None, _OWN_MODELS] = None

    from_formats: Annotated[Any, Ignored("the content of a file tells its format")] = None
    document_timeout: Annotated[Any, Ignored("the server's own time limits hold")] = None
    abort_on_error: Annotated[Any, Ignored("the files of a job are independent of each other")] = None

    _drop_empty = without_what_is_not_set


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """What became of a request's options. `substituted` says what was asked and what is done, by option."""

    parse: ParseOptions
    substituted: Substitutions = field(default_factory=dict)


def translate(
    options: ConvertOptions,
    *,
    keeps_inputs: bool = True,
    there: Collection[str] = (),
    endpoints: Endpoints = NO_ENDPOINTS,
) -> Translation:
    """The options for a job. The parsers can do the options `there`, which not all parsers can.

    Raises Refused for an option that this server cannot do and that changes the content.

    Pictures are kept in the document if they are asked for, or if they cannot be drawn from the input later. By default
    they are not, other than in docling-serve: with pictures, a document is many times as large.
    """
    _check_page_images(options, keeps_inputs=keeps_inputs)
    native, substituted = native_values(options, there)
    native |= remote_options(options.model_dump(exclude_unset=True), endpoints)
    mode = options.image_export_mode
    is_needed = mode == "embedded" or (mode == "referenced" and not keeps_inputs)
    if is_needed or "include_images" in options.model_fields_set:
        native["include_images"] = options.include_images
    if not native.get("include_images"):
        native.pop("images_scale", None)  # there are no pictures to scale
    if "page_range" in native:
        native["page_range"] = _pages(*native["page_range"])
    return Translation(parse=made(ParseOptions, native), substituted=substituted)


def _check_page_images(options: ConvertOptions, *, keeps_inputs: bool) -> None:
    if not options.include_page_images:
        return
    if not keeps_inputs:
        message = "include_page_images needs the uploaded files, which this server does not keep (KEEP_INPUTS)"
        raise Refused(ErrorCode.INVALID_OPTION, message)
    if not LEAST_SCALE <= options.images_scale <= MOST_SCALE:
        message = f"images_scale must be from {LEAST_SCALE:g} to {MOST_SCALE:g}"
        raise Refused(ErrorCode.INVALID_OPTION, message)


def _pages(first: int, last: int | None) -> tuple[int, int] | None:
    """A native page range. The parser stops at the last page, so the end may lie beyond it."""
    return None if (first, last) == (1, None) else (first, last if last is not None else 2**31 - 1)
