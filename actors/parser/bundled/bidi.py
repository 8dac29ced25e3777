"""The order of words in lines of right-to-left and mixed scripts."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import TypeVar

T = TypeVar("T")


def runs_left(text: str) -> bool:
    """Whether the text has letters of a right-to-left script."""
    return any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)


def runs_right(text: str) -> bool:
    """Whether the text has letters of a left-to-right script."""
    return any(unicodedata.bidirectional(char) == "L" for char in text)


def mostly_leftwards(texts: Iterable[str]) -> bool:
    """Whether most letters of the texts are of right-to-left scripts."""
    kinds = Counter(unicodedata.bidirectional(char) for text in texts for char in text)
    return kinds["R"] + kinds["AL"] > kinds["L"]


def reordered(line: Sequence[T], text: Callable[[T], str]) -> list[T]:
    """Turns the words of a line from visual order (left to right) into reading order, or back.

    The line runs in the direction of most of its words. Words of the other direction keep their own order.
    """
    leftwards = sum(runs_left(text(word)) for word in line) > sum(runs_right(text(word)) for word in line)
    ordered = line[::-1] if leftwards else line
    runs_against = runs_right if leftwards else runs_left
    runs = [(against, list(run)) for against, run in groupby(ordered, lambda word: runs_against(text(word)))]
    return [word for against, run in runs for word in (run[::-1] if against else run)]
