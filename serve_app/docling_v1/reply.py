"""What the answers to a request need to know about it. It is kept with the job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from actors.messages import JobView
from serve_app.docling_v1.options import EXPORTS, Format
from serve_app.docling_v1.requests import ConvertRequest, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The formats that were asked for, and how they are sent."""

    formats: tuple[Format, ...] = ("md",)
    target: Target = "inbody"

    @classmethod
    def of(cls, request: ConvertRequest) -> Self:
        return cls(formats=_in_order(request.options.to_formats), target=request.target)

    @classmethod
    def to(cls, view: JobView) -> Self:
        """That of a job. A job of the native API answers as if its client had asked for the defaults."""
        kept = view.reply
        return cls(formats=_in_order(kept["formats"]), target=kept["target"]) if kept else cls()

    def as_json(self) -> dict[str, Any]:
        return {"formats": list(self.formats), "target": self.target}


def _in_order(formats: Sequence[Format]) -> tuple[Format, ...]:
    """Each format once, so that equal requests are equal."""
    return tuple(form for form in EXPORTS if form in formats)
