"""Turns a request's options into the recipe that decides which models are needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from actors.endpoints import page_endpoint
from client.models import ParseOptions

Models = Literal["standard", "bundled", "native", "vlm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The options that change docling's pipelines. Requests with the same recipe share its loaded models.

    A request's page range and password are not part of it. They travel with the document, so they never reload a
    model and never stay in a cache. `endpoint` names the remote model that reads the pages of the profile `vlm`,
    `picture_endpoint` the one that describes pictures. `picture_classes`, `code` and `formulas` are
    for models of single items.
    """

    models: Models
    ocr: bool
    ocr_everywhere: bool
    tables: bool
    images: bool
    images_scale: float | None = None
    fast_tables: bool = False
    heading_levels: bool = False
    endpoint: str = ""
    picture_endpoint: str = ""
    picture_classes: bool = False
    code: bool = False
    formulas: bool = False


def recipe_of(options: ParseOptions, models: Models) -> Recipe:
    """The recipe for `options`. The defaults are OCR where text is missing, tables, and no images."""
    everywhere = bool(options.force_ocr)
    runs_models = models not in ("native", "vlm")
    classes = bool(options.do_picture_classification)
    # Other profiles look at pictures while the pixels of their page are there.
    needs_pictures = bool(options.picture_description) or (classes and not runs_models)
    return Recipe(
        models=models,
        ocr=runs_models and (everywhere or options.do_ocr is not False),
        ocr_everywhere=runs_models and everywhere,
        tables=runs_models and options.do_table_structure is not False,
        images=bool(options.include_images) or needs_pictures,
        images_scale=options.images_scale,
        fast_tables=options.table_mode == "fast",
        heading_levels=runs_models and bool(options.heading_hierarchy),
        endpoint=page_endpoint(options.profile) or "",
        picture_endpoint=options.picture_description or "",
        picture_classes=classes,
        code=bool(options.do_code_enrichment),
        formulas=bool(options.do_formula_enrichment),
    )
