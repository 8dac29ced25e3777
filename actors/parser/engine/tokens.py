"""Counts tokens for docling's chunkers with a `tokenizer.json` of this machine."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from docling_core.transforms.chunker.tokenizer.base import BaseTokenizer
from pydantic import PrivateAttr
from tokenizers import Tokenizer

from actors.tokenizer_files import TokenizerFile


class TokenCounter(BaseTokenizer):
    """Counts a text's tokens, without those that a model adds at both ends. It keeps the counts of one document.

    `max_tokens` is how many tokens a chunk may have.
    """

    file: TokenizerFile
    max_tokens: int
    _counts: dict[str, int] = PrivateAttr(default_factory=dict)

    def count_tokens(self, text: str) -> int:
        count = self._counts.get(text)
        if count is None:
            count = self._counts[text] = len(self.get_tokenizer().encode(text, add_special_tokens=False).ids)
        return count

    def get_max_tokens(self) -> int:
        return self.max_tokens

    def get_tokenizer(self) -> Tokenizer:
        return _loaded(self.file.path)


@lru_cache(maxsize=4)
def _loaded(path: Path) -> Tokenizer:
    """Some files shorten or pad every text. That would make all counts equal, so it is switched off."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
