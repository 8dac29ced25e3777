"""What a parser asks a remote model, and what it is answered. Neither knows docling, nor HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: The form that an answer must have to be one.
Form = Literal["doctags", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """One prompt about several pictures, for the endpoint of this name.

    `pictures` are PNG files, by the number of a page, or by the place of a picture in its document. `params` are
    fields of a request's body.
    """

    endpoint: str
    prompt: str
    pictures: Mapping[int, bytes] = field(repr=False)
    params: Mapping[str, Any] = field(default_factory=dict)
    form: Form = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The text that a model wrote. `failure` says why it is not whole: cut off, of the wrong form, or not there."""

    text: str = ""
    failure: str = ""
    cut_off: bool = False


Answers = Mapping[int, Answer]
