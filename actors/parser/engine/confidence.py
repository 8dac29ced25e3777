"""docling's confidence scores as they go over the wire.

docling scores each page and then the document from all pages, also when the pages were parsed apart.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from docling.datamodel.base_models import ConfidenceReport, PageConfidenceScores

from client.confidence import Confidence, FileConfidence

_SCORES = ("parse_score", "layout_score", "table_score", "ocr_score")

#: The order in which pages were scored may change a sum in its last digits.
_DIGITS = 4


def confidence_of(report: ConfidenceReport) -> FileConfidence:
    """The scores of a document and of its pages, without pages that have none."""
    pages = {str(page): _dumped(report.pages[page]) for page in sorted(report.pages) if _is_scored(report.pages[page])}
    whole = _dumped(report) if pages else {}
    return FileConfidence(**whole, pages={page: Confidence(**scores) for page, scores in pages.items()})


def _is_scored(scores: PageConfidenceScores) -> bool:
    return any(not math.isnan(getattr(scores, name)) for name in _SCORES)


def _dumped(scores: PageConfidenceScores) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # docling takes the mean of a page without scores, too
        low, mean = scores.low_score, scores.mean_score
        grades = {"low_grade": scores.low_grade.value, "mean_grade": scores.mean_grade.value}
    numbers = {name: getattr(scores, name) for name in _SCORES} | {"low_score": low, "mean_score": mean}
    return {
        name: None if math.isnan(score) else round(float(score), _DIGITS) for name, score in numbers.items()
    } | grades
