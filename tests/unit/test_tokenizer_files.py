from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from actors.errors import UnknownTokenizer
from actors.tokenizer_files import DEFAULT_TOKENIZER, find_tokenizer, packages, tokenizers_in


def add_tokenizer(folder: Path, name: str, **files: object) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "tokenizer.json").write_text("{}")
    for file, content in files.items():
        (folder / name / f"{file}.json").write_text(json.dumps(content))


def test_default_tokenizer_has_the_vocabulary_that_its_model_was_published_with() -> None:
    tokenizer = find_tokenizer(None, None)
    vocabulary = json.loads(tokenizer.path.read_bytes())["model"]["vocab"]
    listed = "".join(f"{token}\n" for token in sorted(vocabulary, key=vocabulary.__getitem__))
    assert hashlib.sha256(listed.encode()).hexdigest() == (
        "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"  # of the model's vocab.txt
    )
    assert (tokenizer.name, tokenizer.max_tokens) == (DEFAULT_TOKENIZER, 256)
    assert "Apache License" in (tokenizer.path.parent / "LICENSE").read_text()


def test_model_with_the_vocabulary_of_the_default_shares_its_file_and_has_its_own_length() -> None:
    same = find_tokenizer("BAAI/bge-small-en-v1.5", None)
    assert (same.path, same.max_tokens) == (find_tokenizer(None, None).path, 512)


def test_folder_of_the_operator_adds_tokenizers_by_the_path_in_it(tmp_path: Path) -> None:
    add_tokenizer(tmp_path, "org/long", sentence_bert_config={"max_seq_length": 8192})
    add_tokenizer(tmp_path, "short", tokenizer_config={"model_max_length": 77})
    add_tokenizer(tmp_path, "boundless", tokenizer_config={"model_max_length": 10**30})
    found = tokenizers_in(tmp_path)
    assert {name: found[name].max_tokens for name in ("org/long", "short", "boundless")} == {
        "org/long": 8192,
        "short": 77,
        "boundless": 512,
    }
    assert next(iter(found)) == DEFAULT_TOKENIZER


def test_tokenizer_of_the_folder_replaces_one_of_the_same_name(tmp_path: Path) -> None:
    add_tokenizer(tmp_path, DEFAULT_TOKENIZER)
    assert find_tokenizer(None, tmp_path).path.is_relative_to(tmp_path)


@pytest.mark.parametrize("name", ["gpt-9", "", "../../etc", "sentence-transformers/all-minilm-l6-v2"])
def test_unknown_tokenizer_is_an_error_that_lists_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownTokenizer) as error:
        find_tokenizer(name, None)
    assert DEFAULT_TOKENIZER in error.value.message
    assert "TOKENIZERS_DIR" in error.value.message


def test_packages_of_the_extra_bring_the_tokenizers_of_openai_and_qwen() -> None:
    found = tokenizers_in(None)
    assert found["text-embedding-3-small"].path == found["cl100k_base"].path
    assert hashlib.sha256(found["cl100k_base"].path.read_bytes()).hexdigest() == (
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"  # as tiktoken has it
    )
    lengths = {name: found[name].max_tokens for name in ("cl100k_base", "Qwen/Qwen3-Embedding-0.6B")}
    assert lengths == {"cl100k_base": 8191, "Qwen/Qwen3-Embedding-0.6B": 32768}


def test_tokenizer_of_a_package_that_is_not_installed_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packages, "distribution", missing)
    monkeypatch.setattr("actors.tokenizer_files.packaged", packages.packaged.__wrapped__)
    with pytest.raises(UnknownTokenizer, match=r"docfleet\[tokenizers\]"):
        find_tokenizer("cl100k_base", None)
