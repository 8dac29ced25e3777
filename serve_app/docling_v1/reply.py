"""What the answers to a request need to know about it. It is kept with the job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict

from actors.messages import JobView
from serve_app.chunk_results import complete
from serve_app.docling_v1.chunking import Chunking
from serve_app.docling_v1.models import TaskType
from serve_app.docling_v1.options import Format
from serve_app.docling_v1.requests import Received, Target


class Reply(BaseModel):
    """The formats that were asked for, and how they are sent."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    task: TaskType = "convert"
    formats: tuple[Format, ...] = ("md",)
    target: Target = "inbody"
    chunking: Chunking | None = None

    @classmethod
    def of(cls, received: Received, tokenizers: Path | None) -> Self:
        """Raises UnknownTokenizer."""
        chunking = received.chunking
        if chunking:
            chunking = chunking.model_copy(update={"options": complete(chunking.options, tokenizers)})
        formats = _in_order(received.options.to_formats)
        return cls(task=received.task, formats=formats, target=received.target, chunking=chunking)

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

    @property
    def kept(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def _in_order(formats: Sequence[Format]) -> tuple[Format, ...]:
    """Each format once, so that equal requests are equal."""
    return tuple(form for form in get_args(Format) if form in formats)
