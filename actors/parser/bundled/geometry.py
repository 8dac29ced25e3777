"""Boxes on a page: points, origin at the top left, y downwards."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def center(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    def scaled(self, factor: float) -> "Box":
        return Box(*(factor * side for side in self))

    def shared(self, other: "Box") -> "Box":
        """The part both cover; its area is 0 when they don't meet."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def inside(self, other: "Box") -> float:
        """The share of this box that the other covers, 0 to 1."""
        return self.shared(other).area / self.area if self.area else 0.0

    def beside(self, other: "Box") -> float:
        """How far both stand on one line of text: shared height by the smaller height."""
        return _share(self.top, self.bottom, other.top, other.bottom)

    def above(self, other: "Box") -> float:
        """How far one stands over the other: shared width by the smaller width."""
        return _share(self.left, self.right, other.left, other.right)


@dataclass(frozen=True)
class Word:
    text: str
    box: Box


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all of at least one box."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


def _share(start: float, end: float, other_start: float, other_end: float) -> float:
    smaller = min(end - start, other_end - other_start)
    return (min(end, other_end) - max(start, other_start)) / smaller if smaller > 0 else 0.0
