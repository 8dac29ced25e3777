"""The tokenizers that count the tokens of chunks: files on this machine, by the name of their model.

One comes with docfleet, and the extra `tokenizers` installs others. An operator's folder may have more, as
`<name>/tokenizer.json` or `<org>/<name>/tokenizer.json`. Nothing is ever fetched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from actors.errors import UnknownTokenizer
from actors.tokenizer_files.packages import packaged
from actors.tokenizer_files.tokenizer_file import TokenizerFile as TokenizerFile

DEFAULT_TOKENIZER = "sentence-transformers/all-MiniLM-L6-v2"

_OWN = Path(__file__).parent

#: Models with the vocabulary of DEFAULT_TOKENIZER, and the tokens that each reads.
_SAME_VOCABULARY: Mapping[str, int] = {
    "sentence-transformers/all-MiniLM-L12-v2": 128,
    "BAAI/bge-small-en-v1.5": 512,
    "BAAI/bge-base-en-v1.5": 512,
    "BAAI/bge-large-en-v1.5": 512,
    "intfloat/e5-small-v2": 512,
    "intfloat/e5-base-v2": 512,
    "intfloat/e5-large-v2": 512,
    "thenlper/gte-small": 512,
    "thenlper/gte-base": 512,
    "thenlper/gte-large": 512,
    "nomic-ai/nomic-embed-text-v1.5": 8192,
}

#: The length of a model whose files do not say it.
_USUAL_LENGTH = 512

#: Where a model's files say how many tokens it reads. Some put a huge number there that means no limit.
_LENGTHS = (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length"))


def tokenizers_in(folder: Path | None) -> dict[str, TokenizerFile]:
    """All tokenizers by name, the default first. Those of `folder` come before others of the same name."""
    default = _read(_OWN, _OWN / DEFAULT_TOKENIZER / "tokenizer.json")
    same = {
        name: TokenizerFile(name=name, path=default.path, max_tokens=length)
        for name, length in _SAME_VOCABULARY.items()
    }
    others = {found.name: found for found in (*packaged(), *_found(folder))}
    return {default.name: default} | same | others


def find_tokenizer(name: str | None, folder: Path | None) -> TokenizerFile:
    """The tokenizer of that name; None asks for the default. Raises UnknownTokenizer, which lists all names."""
    known = tokenizers_in(folder)
    try:
        return known[DEFAULT_TOKENIZER if name is None else name]
    except KeyError:
        raise UnknownTokenizer(
            f"This server has no tokenizer {name!r}. It has: {', '.join(known)}. To add one, put its tokenizer.json "
            "into the folder of the setting TOKENIZERS_DIR. docfleet[tokenizers] installs those of OpenAI and Qwen"
        ) from None


def _found(folder: Path | None) -> Iterator[TokenizerFile]:
    if folder is not None:
        for pattern in ("*/tokenizer.json", "*/*/tokenizer.json"):
            yield from (_read(folder, path) for path in sorted(folder.glob(pattern)))


def _read(folder: Path, path: Path) -> TokenizerFile:
    return TokenizerFile(name=path.parent.relative_to(folder).as_posix(), path=path, max_tokens=_length(path.parent))


def _length(folder: Path) -> int:
    for file, key in _LENGTHS:
        if (folder / file).is_file():
            length = json.loads((folder / file).read_bytes()).get(key)
            if isinstance(length, int) and length < 10**6:
                return length
    return _USUAL_LENGTH
