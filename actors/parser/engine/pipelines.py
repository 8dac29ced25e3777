"""docling's PDF pipelines in two halves: one parses pages, the other assembles the document from them.

docling's pipeline builds each page by itself, assembles the document (reading order, paragraphs over several pages),
and enriches it. A shard pipeline stops after the pages. An assembly pipeline begins with pages instead of a PDF. Both
run docling's own code, and the assembly sees all pages at once. So the result equals that of a single conversion.

The profile `native` makes the items of a page from its lines alone. There the first half makes the items, on all
parsers at once, and the second half only puts them into one document.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from docling.datamodel.base_models import ConversionStatus, ErrorItem, Page, PageConfidenceScores
from docling.datamodel.document import ConversionResult
from docling.pipeline.base_pipeline import BasePipeline, ConvertPipeline
from docling.pipeline.native_pdf_pipeline import NativePdfPipeline
from docling.pipeline.standard_pdf_pipeline import StandardPdfPipeline
from docling_core.types.doc.base import Size
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.node import NodeItem
from docling_core.types.doc.items.picture.picture import PictureItem
from docling_core.types.doc.items.text import TextItem
from numpy.typing import NDArray

from actors.parser.engine.cutouts import keep_only_pictures
from actors.parser.engine.enrichment import enrich, put_in
from actors.parser.engine.finish_stage import Finish
from actors.parser.engine.furniture import settle
from actors.parser.engine.ocr_merge import merged
from actors.parser.engine.order_stage import Order
from actors.parser.engine.page_text import ReadLayout, text_read
from actors.parser.engine.profiles import layout_score, reading_order, second_look
from actors.parser.engine.stages import Layout, Ocr, Regions
from actors.parser.engine.table_stage import Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedPages:
    """The result of the first half, and the input of the second. `items` are those that the first half has made."""

    pages: list[Page]
    errors: list[ErrorItem]
    confidence: dict[int, PageConfidenceScores]
    sizes: dict[int, Size]
    items: list[NodeItem] = field(default_factory=list)

    @classmethod
    def of(cls, result: ConversionResult) -> ParsedPages:
        return cls(
            pages=result.pages,
            errors=result.errors,
            confidence=dict(result.confidence.pages),
            sizes=result._page_sizes_by_no,
            items=[reference.resolve(result.document) for reference in result.document.body.children],
        )

    def pack(self) -> NDArray[np.uint8]:
        """The pages as one array, which Ray shares without a copy. Pickle keeps docling's private attributes."""
        return np.frombuffer(pickle.dumps(self, protocol=5), dtype=np.uint8)

    @classmethod
    def unpack(cls, payload: NDArray[np.uint8]) -> ParsedPages:
        """The pages from `pack`. Unpickling is safe: shards come from our own replicas, never from a client."""
        parsed = pickle.loads(payload.data)
        if not isinstance(parsed, cls):
            raise TypeError(f"a shard holds ParsedPages, not {type(parsed).__name__}")
        return parsed


class Sharing(ConvertPipeline):
    """A pipeline that uses the loaded models of another."""

    def __init__(self, warm: BasePipeline) -> None:
        vars(self).update(vars(warm))


class _StopsAfterPages(Sharing):
    def _assemble_document(self, conv_res: ConversionResult) -> ConversionResult:
        return conv_res

    def _enrich_document(self, conv_res: ConversionResult) -> ConversionResult:
        return conv_res


class BeginsWithPages(Sharing):
    def __init__(self, warm: BasePipeline, shards: Sequence[ParsedPages]) -> None:
        super().__init__(warm)
        self._shards = shards

    def _build_document(self, conv_res: ConversionResult) -> ConversionResult:
        for shard in self._shards:
            conv_res.pages.extend(shard.pages)
            conv_res.errors.extend(shard.errors)
            conv_res.confidence.pages.update(shard.confidence)
            conv_res._page_sizes_by_no.update(shard.sizes)
        conv_res.pages.sort(key=lambda page: page.page_no)
        conv_res.status = ConversionStatus.SUCCESS
        return conv_res


class PdfPipeline(StandardPdfPipeline):
    """docling's pipeline with stages that lose no words. Furniture is decided when all pages are there."""

    def _init_models(self) -> None:
        super()._init_models()
        second, score = second_look(self.pipeline_options), layout_score(self.pipeline_options)
        vars(self).update(
            layout_model=Layout(self.layout_model),
            ocr_model=Ocr(self.ocr_model) if self.pipeline_options.do_ocr else self.ocr_model,
            layout_postprocessing_model=Regions(self.layout_postprocessing_model, second, score),
            table_model=Tables(self.table_model),
            assemble_model=Finish(self.assemble_model, self._finish_page),
            enrichment_pipe=[model for model in self.enrichment_pipe if getattr(model, "enabled", True)],
        )
        if own := reading_order(self.pipeline_options):
            self.reading_order_model.ro_model = own
        vars(self).update(reading_order_model=Order(self.reading_order_model))

    def _make_ocr_model(self, art_path: Path | None) -> Any:
        model = super()._make_ocr_model(art_path)
        model._merge_cells_by_priority = merged  # docling has no option for it
        return model

    def _finish_page(self, result: ConversionResult, page: Page) -> None:
        if not self.keep_images:
            page._image_cache = {}  # as docling leaves a page to its models
        if self.enrichment_pipe:
            enrich(result, page, self.reading_order_model, self.enrichment_pipe)
        if self.keep_images:
            keep_only_pictures(page)

    def _assemble_document(self, conv_res: ConversionResult) -> ConversionResult:
        settle(conv_res.pages)
        return super()._assemble_document(conv_res)

    def _enrich_document(self, conv_res: ConversionResult) -> ConversionResult:
        put_in(conv_res)
        return conv_res


class _StandardShard(_StopsAfterPages, PdfPipeline):
    pass


class _NativeShard(Sharing, NativePdfPipeline):
    """Makes the items, too. Of what was read it keeps the text alone, in which lost words are looked for."""

    def _assemble_document(self, conv_res: ConversionResult) -> ConversionResult:
        conv_res = super()._assemble_document(conv_res)
        for page in conv_res.pages:
            page.predictions.layout = ReadLayout(read=text_read(page))
            page.parsed_page = None
        return conv_res


class _StandardAssembly(BeginsWithPages, PdfPipeline):
    pass


class _NativeAssembly(BeginsWithPages, NativePdfPipeline):
    def _assemble_document(self, conv_res: ConversionResult) -> ConversionResult:
        conv_res = super()._assemble_document(conv_res)
        for shard in sorted(self._shards, key=_first_page):
            for item in shard.items:
                _append(conv_res.document, item)
        return conv_res


def _first_page(shard: ParsedPages) -> int:
    return min((page.page_no for page in shard.pages), default=0)


def _append(document: DoclingDocument, item: NodeItem) -> None:
    """Put an item of the profile `native` at the end of the body."""
    match item:
        case TextItem():
            item.self_ref = f"#/texts/{len(document.texts)}"
            document.texts.append(item)
        case PictureItem():
            item.self_ref = f"#/pictures/{len(document.pictures)}"
            document.pictures.append(item)
    document.body.children.append(item.get_ref())


def shard_pipeline(warm: BasePipeline) -> BasePipeline:
    """The first half of `warm`."""
    halves: dict[type[Any], type[Sharing]] = {
        PdfPipeline: _StandardShard,
        NativePdfPipeline: _NativeShard,
    }
    return halves[type(warm)](warm)


def assembly_pipeline(warm: BasePipeline, shards: Sequence[ParsedPages]) -> BasePipeline:
    """The second half of `warm`, over pages that were parsed elsewhere."""
    halves: dict[type[Any], type[BeginsWithPages]] = {
        PdfPipeline: _StandardAssembly,
        NativePdfPipeline: _NativeAssembly,
    }
    return halves[type(warm)](warm, shards)
