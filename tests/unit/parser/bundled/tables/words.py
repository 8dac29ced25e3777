"""Words as the tests set them: ten points high, five points a letter."""

from __future__ import annotations

from collections.abc import Sequence

from actors.parser.bundled.geometry import Box, Word

HEIGHT = 10.0
LETTER = 5.0


def phrase(text: str, left: float, top: float) -> list[Word]:
    """Words of one text, half a letter apart."""
    words = []
    for part in text.split():
        right = left + LETTER * len(part)
        words.append(Word(part, Box(left, top, right, top + HEIGHT)))
        left = right + LETTER / 2
    return words


def rows(
    *texts: Sequence[str], lefts: Sequence[float] = (0, 100, 200, 300), top: float = 0, step: float = 20
) -> list[Word]:
    """One phrase for each column of each row."""
    return [
        word
        for number, row in enumerate(texts)
        for text, left in zip(row, lefts, strict=False)
        for word in phrase(text, left, top + number * step)
    ]
