"""The end of a page's way through the models: docling assembles it, and then lets go of its pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from docling.datamodel.base_models import Page
from docling.datamodel.document import ConversionResult

from actors.parser.engine import stopping
from actors.parser.engine.stages import Model


@dataclass(frozen=True, slots=True)
class Finish:
    """docling's assembly of a page, and then what needs the pixels of the assembled page."""

    model: Model
    finish: Callable[[ConversionResult, Page], None]

    def __call__(self, result: ConversionResult, pages: Iterable[Page]) -> Iterator[Page]:
        for page in self.model(result, pages):
            if not stopping.asked():
                self.finish(result, page)
            yield page
