"""Lines as the tests set them: ten points high, with the left edge and the top chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.layout.detector import Detection
from actors.parser.bundled.layout.lines import LIST_NUMBER, Line

PAGE = Box(0, 0, 600, 800)


def line(text: str, top: float, left: float = 50, *, width: float = 200, size: float = 10, **style: Any) -> Line:
    made = Line(text=text, box=Box(left, top, left + width, top + size), size=size)
    return replace(made, **({"numbered": LIST_NUMBER.match(text) is not None} | style))


def paragraph(top: float, count: int = 4, left: float = 50, *, width: float = 200) -> list[Line]:
    """Plain lines, thirteen points from one to the next."""
    return [line(f"words of line {number} that go on", top + 13 * number, left, width=width) for number in range(count)]


def seen(label: str, box: Box, score: float = 0.9) -> Detection:
    return Detection(label, score, box)
