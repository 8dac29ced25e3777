"""Counts tokens for docling's chunkers with a tokenizer of this machine."""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from docling_core.transforms.chunker.tokenizer.base import BaseTokenizer
from pydantic import PrivateAttr
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from actors.tokenizer_files import TokenizerFile


@dataclass(frozen=True, slots=True)
class _Loaded:
    """`count` gives the tokens of a text. With `by_words`, they are the tokens of its words together."""

    count: Callable[[str], int]
    by_words: bool = False


class _Counts(dict[str, int]):
    """The counts of texts, or of their words, as they are asked for."""

    def __init__(self, loaded: _Loaded) -> None:
        self.by_words = loaded.by_words
        self._count = loaded.count

    def __missing__(self, text: str) -> int:
        count = self[text] = self._count(text)
        return count


class TokenCounter(BaseTokenizer):
    """Counts a text's tokens, without those that a model adds at both ends. It keeps the counts of one document.

    `max_tokens` is how many tokens a chunk may have.
    """

    file: TokenizerFile
    max_tokens: int
    _counts: _Counts = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        self._counts = _Counts(_loaded(self.file))

    def count_tokens(self, text: str) -> int:
        counts = self._counts
        if not counts.by_words:
            return counts[text]
        # Chunkers count the same words again and again, in chunks that grow and under the same headings.
        return sum(map(counts.__getitem__, text.replace("\n", " ").split(" ")))

    def get_max_tokens(self) -> int:
        return self.max_tokens

    def get_tokenizer(self) -> Callable[[str], int]:
        return self.count_tokens


@lru_cache(maxsize=4)
def _loaded(file: TokenizerFile) -> _Loaded:
    return _of_json(file.path) if file.pattern is None else _of_ranks(file, file.pattern)


def _of_json(path: Path) -> _Loaded:
    """Some files shorten or pad every text. That would make all counts equal, so it is switched off.

    The tokenizers of BERT's kind take texts apart at spaces and line ends before anything else.
    """
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    by_words = isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
    return _Loaded(lambda text: len(tokenizer.encode(text, add_special_tokens=False)), by_words)


def _of_ranks(file: TokenizerFile, pattern: str) -> _Loaded:
    """A line of the file is a token in base64 and its rank."""
    import tiktoken

    lines = (line.split() for line in file.path.read_bytes().splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    encoding = tiktoken.Encoding(file.path.name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    if file.composed:
        return _Loaded(lambda text: len(encoding.encode_ordinary(unicodedata.normalize("NFC", text))))
    return _Loaded(lambda text: len(encoding.encode_ordinary(text)))
