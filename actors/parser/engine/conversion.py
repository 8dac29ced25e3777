"""Converts one file with docling, and turns docling's result or error into ours."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import NoReturn

import orjson
from docling.backend.abstract_backend import AbstractDocumentBackend
from docling.datamodel.base_models import ConversionStatus, InputFormat
from docling.datamodel.document import (
    ConversionResult,
    InputDocument,
    build_invalid_input_errors,
    get_input_rejection_cause,
)
from docling.datamodel.pipeline_options import VlmConvertOptions
from docling.pipeline.base_pipeline import BasePipeline
from docling.pipeline.vlm_pipeline import VlmPipeline
from docling_core.types.doc.document import DoclingDocument

from actors.errors import DocfleetError, FileError, ParserOutOfMemory
from actors.formats import suffix_of
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from actors.parser.engine import pixels, stopping
from actors.parser.engine.attachments import Attached, attachments_of, warnings_about_attached
from actors.parser.engine.confidence import confidence_of
from actors.parser.engine.content import move_notes
from actors.parser.engine.converters import Converter
from actors.parser.engine.declared_sizes import check_tables, too_many_cells
from actors.parser.engine.descriptions import questions_about
from actors.parser.engine.exports import dump
from actors.parser.engine.large_pictures import Picture
from actors.parser.engine.nodes import nodes_of
from actors.parser.engine.office_words import warnings_about
from actors.parser.engine.out_of_memory import ran_out_of_memory, tells_of_no_memory
from actors.parser.engine.pdf import UnparsedPdf, count_pages, too_large_pages
from actors.parser.engine.pipelines import ParsedPages, assembly_pipeline
from actors.parser.engine.profiles import PAGED
from actors.parser.engine.reasons import presentable, reason_of
from actors.parser.engine.sniffing import Source
from actors.parser.engine.stages import PageWarning, page_warnings
from actors.parser.engine.vlm import VlmAssembly, VlmDrawing
from actors.parser.engine.vlm_options import form_of, request_params
from actors.parser.engine.words import Count, count
from actors.questions import Questions
from actors.telemetry.logs import get_logger
from client.models import ErrorCode, FileWarning, PageFailure, ParseOptions, ParserInfo

log = get_logger()

#: Pages that are drawn in one call for a model. Their pictures lie in memory until the model has answered.
PAGES_ASKED = 4


class Conversion:
    """A file, its task with all options set, and the warm converter for those options."""

    def __init__(self, task: FileTask, source: Source, converter: Converter) -> None:
        self._task = task
        self._source = source
        self._options = task.options
        self._converter = converter

    @property
    def profile(self) -> str:
        """The profile whose models parse this file."""
        return self._converter.recipe.models

    @property
    def pipeline(self) -> BasePipeline:
        """The pipeline for this file. Its models are loaded if they are not yet."""
        return self._converter.pipeline(self._source.format)

    def plan(self) -> PagePlan | None:
        """The requested pages; None for a format whose pages docling finds by itself.

        Raises FileError when the file has none of these pages. A file without pages counts as one page.
        """
        first, last = self._options.page_range or (1, sys.maxsize)
        form = self._source.format
        if form not in PAGED:
            if first > 1 and not self._converter.has_pages(form):
                raise _outside(first, f"{suffix_of(self._source.name)} files have no pages")
            return None
        count, span_pages = self._count_pages()
        if first > count:
            raise _outside(first, f"the document has {count}")
        pages = PageSpan(first, min(last, count))
        if self.asks_model and self._converter.endpoint:
            return _drawing_plan(pages, self._converter.endpoint.concurrency)
        apart = self._converter.splits and form in (InputFormat.PDF, InputFormat.IMAGE)
        return PagePlan(pages=pages, apart=apart, span_pages=span_pages if apart else None)

    @property
    def asks_model(self) -> bool:
        """Whether a remote model reads the pages of this file."""
        return self._converter.endpoint is not None and self._source.format in PAGED

    def assembly(self, shards: Sequence[ParsedPages]) -> BasePipeline:
        """The second half of this file's pipeline."""
        warm = self.pipeline
        return VlmAssembly(warm, shards) if isinstance(warm, VlmPipeline) else assembly_pipeline(warm, shards)

    @property
    def assembly_backend(self) -> type[AbstractDocumentBackend] | None:
        """What replaces docling's reader when the pages are parsed already."""
        return UnparsedPdf if self._source.format is InputFormat.PDF else None

    def draw(self, span: PageSpan) -> Shard:
        """The pages of a span as questions to the model. A page that cannot be drawn is lost."""
        endpoint, warm = self._converter.endpoint, self.pipeline
        assert endpoint is not None
        assert isinstance(warm, VlmPipeline)
        options = warm.pipeline_options.vlm_options
        assert isinstance(options, VlmConvertOptions)
        drawing = VlmDrawing(warm)
        result = self.run(drawing, span=span)
        questions = Questions(
            endpoint=self._converter.recipe.endpoint,
            prompt=options.model_spec.prompt,
            pictures=drawing.pictures,
            params=request_params(options, endpoint),
            form=form_of(options),
        )
        return Shard(
            span=span,
            payload=drawing.pages_of(result).pack(),
            lost=self.lost_pages(result),
            profile=self.profile,
            questions=questions if drawing.pictures else None,
        )

    @property
    def _password(self) -> str | None:
        password = self._options.password
        return password.get_secret_value() if password else None

    def _count_pages(self) -> tuple[int, int | None]:
        """The number of pages, and how many of them one call should parse; None leaves that to the dispatcher.

        docling opens a file of pictures without decoding one.
        """
        if self._source.format is InputFormat.PDF:
            return count_pages(self._source.data, self._password), None
        with self._blaming_the_file():
            opened = self._opened(self._options)
            try:
                backend = opened._backend
                return opened.page_count, backend.frames_of_a_span() if isinstance(backend, Picture) else None
            finally:
                _close(opened)

    def run(
        self,
        pipeline: BasePipeline,
        *,
        span: PageSpan | None = None,
        backend: type[AbstractDocumentBackend] | None = None,
    ) -> ConversionResult:
        """docling's result for the file, or for `span` alone. Some of its pages may have failed.

        Raises ParserOutOfMemory when memory ran out, even on a single page: another parser may have enough for it.
        Raises Stopped when the conversion was asked to stop: then some pages are missing, or went through no model.
        """
        options = self._options
        if span is not None:
            options = options.model_copy(update={"page_range": (span.first, span.last)})
        with self._blaming_the_file(), nullcontext() if self._converter.recipe.images else pixels.unencoded():
            result = pipeline.execute(self._opened(options, backend), raises_on_error=True)
        if stopping.asked():
            raise stopping.Stopped
        if any(tells_of_no_memory(error.error_message) for error in result.errors):
            raise _short_of_memory()
        return result

    def _opened(self, options: ParseOptions, backend: type[AbstractDocumentBackend] | None = None) -> InputDocument:
        opened = self._converter.input(self._source, options, backend=backend)
        if not opened.valid:
            _close(opened)
            self._refuse(opened)
        return opened

    def finish(self, result: ConversionResult, lost: Sequence[PageFailure]) -> ParsedFile:
        """The finished document. `lost` are further pages besides those that docling failed on.

        Raises FileError when no page is left.
        """
        failures = {failure.page_number: failure for failure in (*self.lost_pages(result), *lost)}
        document = result.document
        if result.status is ConversionStatus.FAILURE or (failures and not result.pages):
            self._refuse_result(result, list(failures.values()))
        questions = self._questions(document)
        self._tidy(document, keep_pixels=questions is not None)
        with self._blaming_the_file():
            stored = dump(document)  # first: docling's serializers clip boxes that reach over a page's edge
            confidence = confidence_of(result.confidence)
            nodes = nodes_of(document, self._task, result.input.page_count, confidence)
            words = self._count_words(result)
            attached = attachments_of(result.input) if self._options.attachments == "parse" else Attached()
            _close(result.input)
            return ParsedFile(
                nodes=orjson.dumps(nodes),
                num_nodes=len(nodes),
                document=stored,
                pages=len(document.pages.keys() | failures.keys()),  # some pipelines leave out the lost pages
                parser=self._described(words),
                lost=tuple(failures[page] for page in sorted(failures)),
                warnings=(
                    *self._source.warnings,
                    *page_warnings(result),
                    *words.warnings,
                    *self._unread(document),
                    *attached.warnings,
                ),
                confidence=confidence,
                attachments=attached.files,
                total_pages=result.input.page_count,
                questions=questions,
            )

    def _questions(self, document: DoclingDocument) -> Questions | None:
        endpoint = self._converter.picture_endpoint
        if endpoint is None:
            return None
        with self._blaming_the_file():
            return questions_about(document, endpoint, self._options)

    def _tidy(self, document: DoclingDocument, *, keep_pixels: bool) -> None:
        """Drop pictures that were not asked for, and move notes to their place.

        Raises FileError for a table that is too large.
        """
        if not (self._options.include_images or keep_pixels):
            pixels.drop(document)
        move_notes(document)
        check_tables(document, self._task.max_result_bytes)

    def _count_words(self, result: ConversionResult) -> Count:
        """The words of a format whose pages are read here; other formats have no count."""
        if self.asks_model or self._source.format not in PAGED:
            return Count()
        return count(result.pages, result.document)

    def _unread(self, document: DoclingDocument) -> list[FileWarning]:
        """Warnings about the files in a PDF, and about an office file that was read as a whole."""
        if self._source.format is InputFormat.PDF:
            return warnings_about_attached(self._source.data, self._password)
        return [] if self._options.page_range else warnings_about(self._source.data, self._source.format, document)

    def _described(self, words: Count) -> ParserInfo:
        info = self._converter.describe(self._source.format)
        return info.model_copy(update={**words.totals, "encoding": self._source.encoding})

    def lost_pages(self, result: ConversionResult) -> tuple[PageFailure, ...]:
        """The pages that docling failed on, each once, with the first reason."""
        reasons = too_large_pages(result.input)
        for error in result.errors:
            if error.page_no is not None and not isinstance(error, PageWarning):
                reasons.setdefault(error.page_no, presentable(error.error_message) or "the page could not be parsed")
        return tuple(PageFailure(page_number=page, reason=reason) for page, reason in sorted(reasons.items()))

    def _refuse(self, opened: InputDocument) -> NoReturn:
        """Refuse a file that docling could not open. Its message has hashes and paths, so only the log gets it."""
        log.info("file_refused", why=_details(opened))
        first, _ = opened.limits.page_range
        if 0 < opened.page_count < first:
            raise _outside(first, f"the document has {opened.page_count}")
        raise self._failure_under(get_input_rejection_cause(opened))

    def _refuse_result(self, result: ConversionResult, lost: Sequence[PageFailure]) -> NoReturn:
        log.info("file_failed", why=[str(e) for e in result.errors])
        if lost:
            raise FileError(ErrorCode.PAGES_LOST, f"No page could be parsed: {lost[0].reason}")
        raise self._failure_under(None)

    @contextmanager
    def _blaming_the_file(self) -> Iterator[None]:
        """Turn docling's errors into the file's failure, except when memory ran out."""
        try:
            yield
        except DocfleetError:
            raise
        except Exception as error:
            if stopping.asked():
                raise stopping.Stopped from error
            log.info("file_failed", exc_info=True)
            raise self._failure_under(error) from error

    def _failure_under(self, error: BaseException | None) -> DocfleetError:
        if ran_out_of_memory(error):
            return _short_of_memory()
        if (refusal := _refusal_under(error)) is not None:
            return refusal
        suffix = suffix_of(self._source.name)
        return FileError(ErrorCode.INVALID_FILE, f"The file could not be read as {suffix}: {reason_of(error)}")


def _drawing_plan(pages: PageSpan, asked_at_once: int) -> PagePlan:
    """How pages are drawn for a model that is asked about so many at once.

    It is never out of work: as many pages again wait for it. Few calls draw side by side, or they would slow down those
    that send the first pages.
    """
    return PagePlan(
        pages=pages,
        span_pages=PAGES_ASKED,
        calls_at_once=max(2, asked_at_once // (2 * PAGES_ASKED)),
        pages_at_once=2 * (asked_at_once + PAGES_ASKED),
    )


def _refusal_under(error: BaseException | None) -> FileError | None:
    """A refusal, our own or docling's, that docling wrapped."""
    if error is None or isinstance(error, FileError):
        return error
    return too_many_cells(error) or _refusal_under(error.__cause__)


def _short_of_memory() -> ParserOutOfMemory:
    return ParserOutOfMemory("the parser ran out of memory")


def _close(document: InputDocument) -> None:
    """Remove the files that docling's backend unpacked. docling leaves those of a file without pages."""
    if isinstance(backend := getattr(document, "_backend", None), AbstractDocumentBackend):
        backend.unload()  # type: ignore[no-untyped-call]


def _outside(first: int, has: str) -> FileError:
    return FileError(ErrorCode.PAGE_RANGE_OUTSIDE, f"Page {first} was asked for, but {has}")


def _details(opened: InputDocument) -> list[str]:
    return [error.error_message for error in build_invalid_input_errors(opened)]
