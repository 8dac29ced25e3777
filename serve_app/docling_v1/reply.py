"""What the answers to a request need to know about it. It is kept with the job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict

from actors.derivations import ExportStyle, PageLinks
from actors.messages import JobView
from serve_app.chunk_results import complete
from serve_app.docling_v1.chunking import Chunking
from serve_app.docling_v1.models import TaskType
from serve_app.docling_v1.options import Format, ImageExportMode
from serve_app.docling_v1.requests import Received, Target


class Reply(BaseModel):
    """The formats that were asked for, and how they are sent. `page_scale` is that of pictures of pages in the JSON."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    task: TaskType = "convert"
    formats: tuple[Format, ...] = ("md",)
    target: Target = "inbody"
    images: ImageExportMode = "placeholder"
    page_break: str | None = None
    page_scale: float | None = None
    chunking: Chunking | None = None

    @classmethod
    def of(cls, received: Received, tokenizers: Path | None) -> Self:
        """Raises UnknownTokenizer."""
        chunking = received.chunking
        if chunking:
            chunking = chunking.model_copy(update={"options": complete(chunking.options, tokenizers)})
        options = received.options
        has_images = options.include_images or options.image_export_mode != "embedded"
        return cls(
            task=received.task,
            formats=_in_order(options.to_formats),
            target=received.target,
            images=options.image_export_mode if has_images else "placeholder",
            page_break=options.md_page_break_placeholder or None,
            page_scale=options.images_scale if options.include_page_images else None,
            chunking=chunking,
        )

    @classmethod
    def to(cls, view: JobView) -> Self:
        """That of a job. A job of the native API answers as if its client had asked for the defaults."""
        return cls.model_validate(view.reply)

    @property
    def documents(self) -> tuple[Format, ...]:
        """The formats in which documents are sent."""
        if self.task == "convert":
            return tuple(form for form in self.formats if form != "chunks")
        return ("json",) if self.chunking and self.chunking.include_document else ()

    def style(self, form: Format, links: str, pages: PageLinks | None = None) -> ExportStyle:
        """How pictures are shown in a format. `links` is where those are that are referenced; `pages` is for the JSON.

        The document as JSON has the pictures that were kept, as in docling-serve, unless they are referenced.
        """
        page_break = self.page_break if form == "md" else None
        if self.images == "referenced" and form in ("md", "html", "json"):
            return ExportStyle(images="referenced", page_break=page_break, links=links, pages=pages)
        images = self.images if form in ("md", "html") else None
        return ExportStyle(images=images, page_break=page_break, pages=pages)

    @property
    def kept(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def _in_order(formats: Sequence[Format]) -> tuple[Format, ...]:
    """Each format once, so that equal requests are equal."""
    return tuple(form for form in get_args(Format) if form in formats)
