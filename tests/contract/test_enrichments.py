"""docling's models for single items (classes of pictures, code) write what they write in one conversion by docling.

The checkpoints are small and random: of their architectures, and without any use.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from actors.endpoints import ModelEndpoint
from actors.errors import FileError
from actors.messages import PageSpan, ParsedFile
from actors.remote_models.models import RemoteModels, RemoteModelsConfig
from benchmarks.random_item_models import save_random_classifier, save_random_code_formula
from client.models import ParseOptions
from tests.contract import split_documents
from tests.contract.plain_docling import conversion_by_docling
from tests.contract.remote_reader import Reader
from tests.contract.test_picture_descriptions import descriptions, word_file
from tests.model_endpoint import FakeModel, doctags, numbered_pdf, said
from tests.unit.parser.files import as_document, make_task

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

PAGES = 3
ITEMS = {"do_picture_classification": True, "do_code_enrichment": True}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifacts")
    save_random_classifier(folder)
    save_random_code_formula(folder)
    return folder


@pytest.fixture(scope="module")
def endpoints(model: FakeModel) -> dict[str, ModelEndpoint]:
    return {"granite": ModelEndpoint(url=model.url, model="granite")}


@pytest.fixture
async def remote(model: FakeModel, endpoints: dict[str, ModelEndpoint]) -> AsyncIterator[RemoteModels]:
    model.reset(lambda request: said(f"{request.width} wide"))
    remote = RemoteModels(RemoteModelsConfig(endpoints=endpoints))
    yield remote
    await remote.close()


@pytest.fixture(scope="module")
def engine(artifacts: Path, endpoints: dict[str, ModelEndpoint]) -> Engine:
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine

    defaults = ParseOptions(profile="bundled", do_ocr=False)
    return Engine(defaults, Hardware(threads=1, device="cpu"), artifacts, endpoints=endpoints)


def parsed_apart(engine: Engine, data: bytes, **options: Any) -> ParsedFile:
    document, task = as_document(data), make_task("report.pdf", **options)
    shards = [engine.parse_pages(document, task, PageSpan(page, page)) for page in range(PAGES, 0, -1)]
    return engine.assemble(document, task, shards, ())


def whole(engine: Engine, data: bytes, name: str, **options: Any) -> ParsedFile:
    parsed = engine.open(as_document(data), make_task(name, **options), split_above=1_000)
    assert isinstance(parsed, ParsedFile)
    return parsed


def scores(parsed: ParsedFile) -> list[dict[str, float]]:
    """The predicted classes of each picture, with the model's confidence."""
    pictures = orjson.loads(parsed.document)["pictures"]
    told = [each.get("meta", {}).get("classification", {}).get("predictions", ()) for each in pictures]
    return [{each["class_name"]: each["confidence"] for each in predictions} for predictions in told]


def have_classes(parsed: ParsedFile) -> list[bool]:
    return [len(told) > 1 for told in scores(parsed)]


def code(parsed: ParsedFile) -> list[str]:
    return [each["text"] for each in orjson.loads(parsed.document)["texts"] if each["label"] == "code"]


@pytest.mark.parametrize("images", [False, True], ids=["without pixels", "with pixels"])
def test_items_of_a_split_document_are_enriched_as_docling_enriches_those_of_the_whole(
    engine: Engine, artifacts: Path, *, images: bool
) -> None:
    data, asked = split_documents.illustrated(PAGES, code=True), {**ITEMS, "include_images": images}
    parts = parsed_apart(engine, data, **asked)
    assert parts == whole(engine, data, "report.pdf", **asked)
    task = make_task("report.pdf", **asked)
    document = conversion_by_docling(data, task, artifacts=artifacts).document
    assert orjson.loads(parts.document) == document.export_to_dict()
    assert (have_classes(parts), len(code(parts)), parts.warnings) == ([True, True], PAGES, ())
    assert not any("yield word" in text for text in code(parts))
    assert parts.parser.models["picture_class"] == "DocumentFigureClassifier-v2.5"
    assert parts.parser.models["code_formula"] == "CodeFormulaV2"


def test_pictures_of_office_files_have_classes_too(engine: Engine) -> None:
    parsed = whole(engine, word_file(300, 500), "a.docx", do_picture_classification=True, do_code_enrichment=True)
    assert have_classes(parsed) == [True, True]
    assert parsed.parser.models == {"picture_class": "DocumentFigureClassifier-v2.5"}


def test_pictures_of_the_native_profile_have_classes_too(engine: Engine) -> None:
    data, asked = split_documents.illustrated(PAGES), {"profile": "native", "do_picture_classification": True}
    parts = parsed_apart(engine, data, **asked)
    assert parts == whole(engine, data, "report.pdf", **asked)
    assert have_classes(parts) == [True, True]
    assert b"data:image" not in parts.document


async def test_pictures_that_a_remote_model_found_on_a_page_have_classes_too(
    engine: Engine, remote: RemoteModels, model: FakeModel
) -> None:
    model.reset(lambda request: said(doctags(request.page)))
    parsed = await Reader(engine, remote, numbered_pdf(2)).read(1, do_picture_classification=True)
    assert have_classes(parsed) == [True, True]
    assert [each["prov"][0]["page_no"] for each in orjson.loads(parsed.document)["pictures"]] == [1, 2]


def most_unlike(parsed: ParsedFile) -> tuple[str, float]:
    """The class by which the first picture differs most from the second, and the first one's confidence in it."""
    first, second = scores(parsed)
    name = max(first, key=lambda each: first[each] - second[each])
    assert first[name] > second[name]
    return name, first[name]


@pytest.mark.parametrize(
    ("option", "described"), [("picture_allow", [True, False]), ("picture_deny", [False, True])], ids=["allow", "deny"]
)
async def test_only_pictures_of_the_wanted_classes_are_described(
    engine: Engine, remote: RemoteModels, model: FakeModel, option: str, described: list[bool]
) -> None:
    data, asked = split_documents.illustrated(PAGES), {"profile": "bundled", "do_picture_classification": True}
    name, confidence = most_unlike(whole(engine, data, "report.pdf", **asked))
    filtered = {option: [name], "picture_min_confidence": confidence, "picture_description": "granite"}
    parsed = await Reader(engine, remote, data).read(1, split_above=0, **asked, **filtered)
    assert [text is not None for text in descriptions(parsed)] == described
    assert len(model.requests) == 1


def test_item_on_which_the_model_fails_stays_as_it_was_and_is_told(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docling.models.inference_engines.image_classification import transformers_engine
    from docling.models.inference_engines.vlm.auto_inline_engine import AutoInlineVlmEngine

    def fail(*_: object) -> None:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(AutoInlineVlmEngine, "predict_batch", fail)
    monkeypatch.setattr(transformers_engine.TransformersImageClassificationEngine, "predict_batch", fail)
    parsed = parsed_apart(engine, split_documents.illustrated(PAGES, code=True), **ITEMS)
    assert [(warning.code, warning.page_number) for warning in parsed.warnings] == [
        ("not_enriched", page) for page in (1, 1, 2, 3, 3)
    ]
    assert {warning.message.partition(":")[0] for warning in parsed.warnings} == {
        "A picture has no class",
        "The code model failed; the code is as it stands in the file",
    }
    assert have_classes(parsed) == [False, False]
    assert all("yield word" in text for text in code(parsed))
    assert parsed.lost == ()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"do_formula_enrichment": True}, "'bundled' finds no formulas: do_formula_enrichment needs the profile"),
        ({"do_code_enrichment": True, "profile": "native"}, "The profile 'native' finds no code"),
        ({"do_formula_enrichment": True, "profile": "native"}, "The profile 'native' finds no formulas"),
    ],
)
def test_profile_without_such_items_refuses_their_model(engine: Engine, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(FileError, match=reason) as refused:
        engine.describe(ParseOptions(**options))
    assert refused.value.file_code == "invalid_option"
