"""Where a tokenizer is, and how many tokens its model reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerFile:
    """A `tokenizer.json`, or a file of ranks in tiktoken's format with the `pattern` that cuts a text into words.

    `max_tokens` is how many tokens the model reads. With `composed`, it reads text in Unicode's form NFC.
    """

    name: str
    path: Path
    max_tokens: int
    pattern: str | None = None
    composed: bool = False
