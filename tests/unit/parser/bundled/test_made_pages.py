"""The bundled models on pages of known text that no rule was fitted to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from benchmarks.fidelity import mean_of
from benchmarks.made_pages import FITTED, KINDS, LEFTWARDS, make, misplaced, parse, score
from benchmarks.typesetter import SANS, SERIF

if TYPE_CHECKING:
    from actors.messages import ParsedFile
    from actors.parser.engine.engine import Engine
    from benchmarks.fidelity import Score

pytestmark = pytest.mark.models

SEED = 200


@pytest.fixture(scope="module")
def parsed(engines: list[Engine]) -> dict[str, ParsedFile]:
    if not all(file.exists() for file in (*SANS.files, *SERIF.files)) and "CI" not in os.environ:
        pytest.skip("made pages need the Debian package fonts-dejavu-core")
    return {kind: parse(engines[0], make(kind, SEED)) for kind in KINDS}


@pytest.fixture(scope="module")
def scores(engines: list[Engine], parsed: dict[str, ParsedFile]) -> dict[str, Score]:
    return {kind: score(engines[0], make(kind, SEED), file) for kind, file in parsed.items()}


def test_no_rule_was_fitted_to_these_pages() -> None:
    assert SEED not in FITTED


def test_words_come_in_order(scores: dict[str, Score]) -> None:
    assert mean_of(list(scores.values())).order >= 0.98


def test_no_words_are_lost(scores: dict[str, Score]) -> None:
    assert mean_of(list(scores.values())).recall >= 0.995


def test_every_word_is_in_exactly_one_item(parsed: dict[str, ParsedFile]) -> None:
    assert {kind: misplaced(file) for kind, file in parsed.items()} == dict.fromkeys(KINDS, 0)
    assert all(file.parser.words_read == file.parser.words_kept for file in parsed.values())


def test_headings_are_found(scores: dict[str, Score]) -> None:
    assert mean_of(list(scores.values())).headings >= 0.90


def test_right_to_left_words_come_in_order(scores: dict[str, Score]) -> None:
    assert mean_of([scores[kind] for kind in LEFTWARDS]).order >= 0.95


def test_a_seed_makes_the_same_document_again() -> None:
    assert make("form", SEED) == make("form", SEED) != make("form", SEED + 1)
