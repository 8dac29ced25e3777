"""How sure the models were of what they read: scores from 0 to 1, and grades for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

#: Below 0.5 poor, below 0.8 fair, below 0.9 good. Unspecified: nothing was scored.
Grade = Literal["poor", "fair", "good", "excellent", "unspecified"]

#: The grades of what was scored, the worst first.
_GRADES: tuple[Grade, ...] = ("poor", "fair", "good", "excellent")


class Confidence(BaseModel):
    """docling's scores; null where a model did not run. `mean` is their mean, and `low` their 5 % quantile."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore")

    parse_score: float | None = None
    layout_score: float | None = None
    table_score: float | None = None
    ocr_score: float | None = None
    mean_score: float | None = None
    low_score: float | None = None
    mean_grade: Grade = "unspecified"
    low_grade: Grade = "unspecified"


class FileConfidence(Confidence):
    """The scores of a document, made of those of its pages, and those of each page by its number.

    A format that is read without models has no scores.
    """

    pages: dict[str, Confidence] = {}


def worst(grades: Iterable[Grade]) -> Grade | None:
    """The worst grade; None when nothing was scored."""
    return min((grade for grade in grades if grade in _GRADES), key=_GRADES.index, default=None)
