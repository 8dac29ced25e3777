"""The end of a page's way through the models: docling assembles it, and then lets go of its pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from docling.datamodel.base_models import Page
from docling.datamodel.document import ConversionResult

from actors.parser.engine import stopping
from actors.parser.engine.cutouts import keep_only_pictures
from actors.parser.engine.stages import Model


@dataclass(frozen=True, slots=True)
class Finish:
    """docling's assembly of a page, and what needs the pixels of the assembled page."""

    model: Model
    keeps_pictures: bool

    def __call__(self, result: ConversionResult, pages: Iterable[Page]) -> Iterator[Page]:
        for page in self.model(result, pages):
            if self.keeps_pictures and not stopping.asked():
                keep_only_pictures(page)
            yield page
