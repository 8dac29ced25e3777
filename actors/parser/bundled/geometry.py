"""Boxes on a page, in points. The origin is the top left corner; y grows downwards."""

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
        """The part that both boxes cover. Its area is 0 if they do not meet."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def inside(self, other: "Box") -> float:
        """The share of this box that the other box covers, from 0 to 1."""
        return self.shared(other).area / self.area if self.area else 0.0

    def beside(self, other: "Box") -> float:
        """How well both boxes share one line of text: the common height divided by the smaller height."""
        return _share(self.top, self.bottom, other.top, other.bottom)

    def above(self, other: "Box") -> float:
        """How well one box stands over the other: the common width divided by the smaller width."""
        return _share(self.left, self.right, other.left, other.right)


@dataclass(frozen=True)
class Word:
    """A word and its place on the page."""

    text: str
    box: Box


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box that contains all given boxes; at least one is needed."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


def _share(start: float, end: float, other_start: float, other_end: float) -> float:
    smaller = min(end - start, other_end - other_start)
    return (min(end, other_end) - max(start, other_start)) / smaller if smaller > 0 else 0.0
