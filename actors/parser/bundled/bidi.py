"""Scripts that run from right to left, and what that does to the order of words."""

import unicodedata
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeVar

T = TypeVar("T")


def runs_left(text: str) -> bool:
    """Whether a text has letters of a script that runs from right to left."""
    return any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)


def runs_right(text: str) -> bool:
    return any(unicodedata.bidirectional(char) == "L" for char in text)


def reordered(line: Sequence[T], text: Callable[[T], str]) -> list[T]:
    """The words of a line, given from left to right, as they are read; given as they are read, from left to right.

    A line runs as most of its words do, and words of another script keep their own order in it.
    """
    leftwards = sum(runs_left(text(word)) for word in line) > sum(runs_right(text(word)) for word in line)
    ordered = line[::-1] if leftwards else line
    runs_against = runs_right if leftwards else runs_left
    runs = [(against, list(run)) for against, run in groupby(ordered, lambda word: runs_against(text(word)))]
    return [word for against, run in runs for word in (run[::-1] if against else run)]
