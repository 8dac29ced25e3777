"""What the profiles can do with the models that are on this machine, and why they refuse the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from actors.parser.engine.enrichment_models import CLASSIFIER, CODE_FORMULA, folder_of
from actors.parser.engine.options import Models
from actors.parser.engine.profiles import fast_tables_on_disk, standard_on_disk
from client.models import ParseOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Which of docling's own models are there. The bundled ones always are."""

    standard: bool
    fast_tables: bool
    classifier: bool
    code_formula: bool

    @classmethod
    def at(cls, profile_models: Path | None, artifacts_path: Path | None, *, may_fetch: bool) -> Installed:
        """In the two folders, or in the hub's cache. The models of the profile `standard` may be fetched."""
        return cls(
            standard=may_fetch or standard_on_disk(profile_models),
            fast_tables=may_fetch or fast_tables_on_disk(profile_models),
            classifier=folder_of(CLASSIFIER, artifacts_path) is not None,
            code_formula=folder_of(CODE_FORMULA, artifacts_path) is not None,
        )

    def refusal(self, options: ParseOptions, models: Models) -> str:
        """Why a file cannot be parsed with these models and options; "" if it can."""
        return next(chain(self._of_profile(options, models), self._of_items(options, models)), "")

    def _of_profile(self, options: ParseOptions, models: Models) -> Iterator[str]:
        if models == "standard" and not self.standard:
            yield "This server does not have the models of the profile 'standard'"
        if models == "native" and options.force_ocr:
            yield "The profile 'native' has no OCR that could be forced"
        if models == "native" and options.heading_hierarchy:
            yield "The profile 'native' finds no headings that could have levels"
        if options.table_mode == "fast" and not (models == "standard" and self.fast_tables):
            yield "This server does not have the table model of table_mode 'fast'"

    def _of_items(self, options: ParseOptions, models: Models) -> Iterator[str]:
        if options.do_picture_classification and not self.classifier:
            yield _missing("do_picture_classification", "picture_classifier")
        if options.do_code_enrichment and models == "native":
            yield "The profile 'native' finds no code: do_code_enrichment needs the profile 'standard' or 'bundled'"
        if options.do_formula_enrichment and models in ("native", "bundled"):
            yield f"The profile '{models}' finds no formulas: do_formula_enrichment needs the profile 'standard'"
        for name in ("do_code_enrichment", "do_formula_enrichment"):
            if getattr(options, name) and not self.code_formula:
                yield _missing(name, "code_formula")


def _missing(option: str, model: str) -> str:
    return (
        f"This server does not have the model of {option}. Its operator can install it on every node with parsers: "
        f"docling-tools models download {model}"
    )
