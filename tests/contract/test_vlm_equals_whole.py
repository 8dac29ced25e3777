"""Pages that a remote model reads, drawn and joined apart, make the document that docling makes in one piece."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from actors.endpoints import ModelEndpoint
from actors.errors import FileError
from actors.messages import ParsedFile
from actors.remote_models.models import RemoteModels, RemoteModelsConfig
from client.models import ErrorCode, ParseOptions
from tests.contract.remote_reader import Reader
from tests.model_endpoint import FakeModel, Reply, doctags, numbered_pdf, picture, said

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models

PAGES = 7


@pytest.fixture(scope="module")
def endpoints(model: FakeModel) -> dict[str, ModelEndpoint]:
    common = {"url": model.url, "timeout_s": 60.0, "concurrency": 8}
    return {
        "granite": ModelEndpoint(model="granite-docling", **common),
        "qwen": ModelEndpoint(model="qwen3-vl", preset="qwen", prompt="To Markdown", use=("page",), **common),
    }


@pytest.fixture(scope="module")
def engine(endpoints: dict[str, ModelEndpoint]) -> Engine:
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine

    return Engine(ParseOptions(profile="native"), Hardware(threads=1, device="cpu"), endpoints=endpoints)


@pytest.fixture
async def remote(model: FakeModel, endpoints: dict[str, ModelEndpoint]) -> AsyncIterator[RemoteModels]:
    model.reset(lambda request: said(doctags(request.page)))
    remote = RemoteModels(RemoteModelsConfig(endpoints=endpoints))
    yield remote
    await remote.close()


def whole(model: FakeModel, data: bytes, preset: str = "granite_docling", pages: Sequence[int] = (1, PAGES)) -> Any:
    """What docling makes of the same answers in one piece, with options that its users would write."""
    from docling.datamodel.base_models import DocumentStream, InputFormat
    from docling.datamodel.pipeline_options import VlmConvertOptions, VlmPipelineOptions
    from docling.datamodel.vlm_engine_options import ApiVlmEngineOptions
    from docling.document_converter import DocumentConverter, PdfFormatOption
    from docling.models.inference_engines.vlm import VlmEngineType
    from docling.pipeline.vlm_pipeline import VlmPipeline

    engine = ApiVlmEngineOptions(engine_type=VlmEngineType.API, url=model.url, params={"model": "m"}, timeout=60)
    convert = VlmConvertOptions.from_preset(preset, engine_options=engine)
    options = VlmPipelineOptions(enable_remote_services=True, generate_page_images=False, vlm_options=convert)
    option = PdfFormatOption(pipeline_cls=VlmPipeline, pipeline_options=options)
    converter = DocumentConverter(format_options={InputFormat.PDF: option})
    stream = DocumentStream(name="pages.pdf", stream=BytesIO(data))
    return without_pixels(converter.convert(stream, page_range=tuple(pages)).document.export_to_dict())


def without_pixels(document: dict[str, Any]) -> dict[str, Any]:
    for each in document["pictures"]:
        each.pop("image", None)
    return document


def read_by(parsed: ParsedFile) -> dict[str, Any]:
    return without_pixels(orjson.loads(parsed.document))


@pytest.mark.parametrize("span_pages", [1, 3, PAGES])
async def test_document_equals_that_of_one_conversion_key_for_key(
    engine: Engine, remote: RemoteModels, model: FakeModel, span_pages: int
) -> None:
    data = numbered_pdf(PAGES)
    parsed = await Reader(engine, remote, data).read(span_pages)
    assert read_by(parsed) == whole(model, data)
    assert (parsed.lost, parsed.warnings, parsed.pages) == ((), (), PAGES)


async def test_markdown_of_another_preset_makes_the_same_document_too(
    engine: Engine, remote: RemoteModels, model: FakeModel
) -> None:
    data = numbered_pdf(PAGES)
    model.reset(lambda request: said(f"# Page {request.page}\n\n| a | b |\n|---|---|\n| 1 | {request.page} |\n"))
    parsed = await Reader(engine, remote, data).read(profile="vlm:qwen")
    asked = model.requests[0].body
    assert read_by(parsed) == whole(model, data, "qwen")
    assert (asked["model"], asked["messages"][0]["text"]) == ("qwen3-vl", "To Markdown")


async def test_requests_are_those_of_docling(engine: Engine, remote: RemoteModels, model: FakeModel) -> None:
    data = numbered_pdf(1)
    await Reader(engine, remote, data).read()
    whole(model, data, pages=(1, 1))
    ours, doclings = (request.body for request in model.requests)
    assert ours | {"model": ""} == doclings | {"model": ""}


async def test_range_of_pages_keeps_their_numbers(engine: Engine, remote: RemoteModels, model: FakeModel) -> None:
    data = numbered_pdf(PAGES)
    parsed = await Reader(engine, remote, data).read(2, page_range=(3, 5))
    assert read_by(parsed) == whole(model, data, pages=(3, 5))
    assert [node["metadata"]["page_number"] for node in orjson.loads(parsed.nodes)] == [3, 4, 5]
    assert sorted(request.page for request in model.requests[:3]) == [3, 4, 5]


async def test_failed_pages_are_told_and_the_others_are_as_docling_has_them(
    engine: Engine, remote: RemoteModels, model: FakeModel
) -> None:
    bad = {
        2: said("<doctag><text>The first half.</text>\n<text>The sec", finish="length"),
        4: Reply(status=400),
        6: Reply(body=b"<html>"),
    }
    model.reset(lambda request: bad.get(request.page) or said(doctags(request.page)))
    data = numbered_pdf(PAGES)
    parsed = await Reader(engine, remote, data).read()
    assert {page.page_number: page.reason for page in parsed.lost} == {
        2: "the model's answer was cut off: it reached the most tokens of an answer",
        4: "the model endpoint answered 400",
        6: "the model endpoint's answer is no chat completion",
    }
    assert read_by(parsed) == whole(model, data)
    assert "The first half." in parsed.document.decode()


async def test_answer_in_prose_is_a_failed_page(engine: Engine, remote: RemoteModels, model: FakeModel) -> None:
    model.reset(lambda request: said("Sorry!") if request.page == 1 else said(doctags(request.page)))
    parsed = await Reader(engine, remote, numbered_pdf(2)).read()
    assert [(page.page_number, page.reason) for page in parsed.lost] == [(1, "the model's answer is not DocTags")]


async def test_answer_that_docling_cannot_read_costs_its_page_alone(
    engine: Engine, remote: RemoteModels, model: FakeModel
) -> None:
    model.reset(lambda request: said("<doctag><otsl><fcel>" * (request.page == 1) or doctags(request.page)))
    parsed = await Reader(engine, remote, numbered_pdf(2)).read()
    assert "The model read page 2." in parsed.document.decode()


async def test_file_without_a_readable_page_fails_with_the_endpoint_s_reason(
    engine: Engine, remote: RemoteModels, model: FakeModel
) -> None:
    model.reset(lambda _: Reply(status=400, body=b'{"error": {"message": "not a picture"}}'))
    with pytest.raises(
        FileError, match="No page could be parsed: the model endpoint answered 400: not a picture"
    ) as no:
        await Reader(engine, remote, numbered_pdf(2)).read()
    assert no.value.file_code is ErrorCode.PAGES_LOST


async def test_picture_is_one_page(engine: Engine, remote: RemoteModels) -> None:
    parsed = await Reader(engine, remote, picture(401, 300), "scan.png").read()
    assert "The model read page 1." in parsed.document.decode()
    assert (parsed.pages, parsed.parser.models) == (1, {"page": "granite-docling"})


async def test_file_without_pages_asks_no_model(engine: Engine, remote: RemoteModels, model: FakeModel) -> None:
    parsed = await Reader(engine, remote, b"# A title\n\nText.", "notes.md").read()
    assert "A title" in parsed.document.decode()
    assert model.requests == []


async def test_pictures_are_cut_from_the_pages_when_they_are_wanted(engine: Engine, remote: RemoteModels) -> None:
    from docling_core.types.doc.document import DoclingDocument

    parsed = await Reader(engine, remote, numbered_pdf(2)).read(include_images=True)
    images = [
        each.get_image(document)
        for document in [DoclingDocument.model_validate_json(parsed.document)]
        for each in document.pictures
    ]
    assert [image.size for image in images if image] == [(161, 120), (161, 120)]


async def test_shard_that_is_read_holds_no_pictures(engine: Engine, remote: RemoteModels) -> None:
    reader = Reader(engine, remote, numbered_pdf(3))
    await reader.read()
    [shard] = reader.shards
    assert shard.questions is None
    assert shard.payload.nbytes < 10_000


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"profile": "vlm:gone"}, "There is no model endpoint 'gone' for pages; those for pages are granite, qwen"),
        ({"force_ocr": True}, "'vlm' cannot be combined with force_ocr"),
        ({"heading_hierarchy": True}, "'vlm' cannot be combined with heading_hierarchy"),
    ],
)
async def test_option_that_the_profile_cannot_do_is_refused(
    engine: Engine, remote: RemoteModels, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(FileError, match=reason) as refused:
        await Reader(engine, remote, numbered_pdf(1)).read(**options)
    assert refused.value.file_code is ErrorCode.INVALID_OPTION


def test_every_preset_of_an_endpoint_is_docling_s_and_asks_once(model: FakeModel) -> None:
    from typing import get_args

    from docling.datamodel.pipeline_options import VlmConvertOptions

    from actors.endpoints import Preset
    from actors.parser.engine.vlm_options import vlm_options

    several_questions = {"mineru2_pro"}
    assert set(get_args(Preset)) == set(VlmConvertOptions.list_preset_ids()) - several_questions
    for preset in get_args(Preset):
        assert vlm_options(ModelEndpoint(url=model.url, model="m", preset=preset), images=False)
