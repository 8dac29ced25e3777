"""From what a client asked for to what decides which warm models are needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from client.models import ParseOptions

Models = Literal["standard", "bundled", "native"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The options that change docling's pipelines. Two requests of one recipe share its warm models.

    What belongs to a single request (page range, password) is not in here: it travels with the document, so that
    neither reloads a model nor stays in a cache.
    """

    models: Models
    ocr: bool
    ocr_everywhere: bool
    tables: bool
    images: bool


def recipe_of(options: ParseOptions, models: Models) -> Recipe:
    """The recipe for `options`; where they say nothing: OCR where the text is missing, tables, no images."""
    everywhere = bool(options.force_ocr)
    runs_models = models != "native"
    return Recipe(
        models=models,
        ocr=runs_models and (everywhere or options.do_ocr is not False),
        ocr_everywhere=runs_models and everywhere,
        tables=runs_models and options.do_table_structure is not False,
        images=bool(options.include_images),
    )
