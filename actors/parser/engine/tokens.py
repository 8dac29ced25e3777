"""Counts tokens for docling's chunkers with a tokenizer of this machine."""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Callable
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
            count = self._counts[text] = _counter(self.file)(text)
        return count

    def get_max_tokens(self) -> int:
        return self.max_tokens

    def get_tokenizer(self) -> Callable[[str], int]:
        return _counter(self.file)


@lru_cache(maxsize=4)
def _counter(file: TokenizerFile) -> Callable[[str], int]:
    return _of_json(file.path) if file.pattern is None else _of_ranks(file, file.pattern)


def _of_json(path: Path) -> Callable[[str], int]:
    """Some files shorten or pad every text. That would make all counts equal, so it is switched off."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _of_ranks(file: TokenizerFile, pattern: str) -> Callable[[str], int]:
    """A line of the file is a token in base64 and its rank."""
    import tiktoken

    lines = (line.split() for line in file.path.read_bytes().splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    encoding = tiktoken.Encoding(file.path.name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    if file.composed:
        return lambda text: len(encoding.encode_ordinary(unicodedata.normalize("NFC", text)))
    return lambda text: len(encoding.encode_ordinary(text))
