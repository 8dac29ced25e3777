"""Pictures that a remote model describes: those that docling would choose, and as docling writes them down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from docx import Document as WordDocument
from docx.shared import Pt
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from actors.endpoints import ModelEndpoint
from actors.messages import ParsedFile
from actors.remote_models.models import RemoteModels, RemoteModelsConfig
from client.models import ParseOptions
from tests.contract import split_documents
from tests.contract.plain_docling import conversion_by_docling
from tests.contract.remote_reader import Reader
from tests.model_endpoint import FakeModel, Request, failed, said
from tests.unit.parser.files import make_task

if TYPE_CHECKING:
    from actors.parser.engine.engine import Engine

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def endpoints(model: FakeModel) -> dict[str, ModelEndpoint]:
    ask = {"model": "qwen3-vl", "params": {"max_tokens": 200}, "concurrency": 4}
    return {"pictures": ModelEndpoint(url=model.url, use=("picture",), **ask)}


@pytest.fixture(scope="module")
def engine(endpoints: dict[str, ModelEndpoint]) -> Engine:
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine

    return Engine(ParseOptions(profile="bundled"), Hardware(threads=1, device="cpu"), endpoints=endpoints)


def description(request: Request) -> str:
    return f"A picture of width {request.width}."


@pytest.fixture
async def remote(model: FakeModel, endpoints: dict[str, ModelEndpoint]) -> AsyncIterator[RemoteModels]:
    model.reset(lambda request: said(description(request)))
    remote = RemoteModels(RemoteModelsConfig(endpoints=endpoints))
    yield remote
    await remote.close()


def photo(width: int) -> BytesIO:
    """docling leaves out a picture that shows nothing."""
    out = BytesIO()
    Image.effect_noise((width, 300), 80).convert("RGB").save(out, "PNG")
    out.seek(0)
    return out


def word_file(*widths: int) -> bytes:
    """A text with pictures of these widths."""
    document, out = WordDocument(), BytesIO()
    for width in widths:
        document.add_paragraph(f"Before the picture of {width}.")
        document.add_picture(photo(width), width=Pt(200))
    document.save(out)
    return out.getvalue()


def photo_pdf() -> bytes:
    """A page with a large picture and text around it."""
    out = BytesIO()
    canvas = Canvas(out, invariant=True)
    canvas.drawString(72, 760, "A report with one photograph, and some words above and below it.")
    canvas.drawImage(ImageReader(photo(400)), 100, 350, 400, 300)
    canvas.drawString(72, 200, "The text goes on after the photograph with a whole sentence of its own.")
    canvas.save()
    return out.getvalue()


def whole(model: FakeModel, data: bytes, filename: str) -> Any:
    """What docling makes of the file in one piece, and asks by itself, with options that its users would write."""
    from docling.datamodel.base_models import DocumentStream, InputFormat
    from docling.datamodel.pipeline_options import ConvertPipelineOptions, PictureDescriptionApiOptions
    from docling.document_converter import DocumentConverter, WordFormatOption

    described = PictureDescriptionApiOptions(
        url=model.url, params={"model": "qwen3-vl", "max_tokens": 200}, prompt="Describe this image in a few sentences."
    )
    options = ConvertPipelineOptions(
        enable_remote_services=True, do_picture_description=True, picture_description_options=described
    )
    option = WordFormatOption(pipeline_options=options)
    stream = DocumentStream(name=filename, stream=BytesIO(data))
    document = DocumentConverter(format_options={InputFormat.DOCX: option}).convert(stream).document
    return without_pixels(document.export_to_dict())


def without_pixels(document: dict[str, Any]) -> dict[str, Any]:
    for each in document["pictures"]:
        each.pop("image", None)
    return document


def descriptions(parsed: ParsedFile) -> list[str | None]:
    pictures = orjson.loads(parsed.document)["pictures"]
    return [each.get("meta", {}).get("description", {}).get("text") for each in pictures]


def text_of(parsed: ParsedFile) -> str:
    return "\n".join(node["text"] for node in orjson.loads(parsed.nodes))


async def test_document_and_requests_equal_those_of_docling_key_for_key(
    engine: Engine, remote: RemoteModels, model: FakeModel
) -> None:
    data = word_file(300, 500, 700)
    parsed = await Reader(engine, remote, data, "a.docx").read(profile="auto", picture_description="pictures")
    ours = [request.body for request in model.requests]
    assert without_pixels(orjson.loads(parsed.document)) == whole(model, data, "a.docx")
    assert len(ours) == 3
    assert ours == [request.body for request in model.requests[3:]]


async def test_descriptions_stand_in_the_text_and_in_the_document(engine: Engine, remote: RemoteModels) -> None:
    parsed = await Reader(engine, remote, word_file(300, 500), "a.docx").read(
        profile="auto", picture_description="pictures"
    )
    assert descriptions(parsed) == ["A picture of width 300.", "A picture of width 500."]
    assert text_of(parsed).index("picture of 300.") < text_of(parsed).index("A picture of width 300.")
    assert parsed.parser.models == {"picture": "qwen3-vl"}
    assert (parsed.warnings, parsed.questions) == ((), None)


@pytest.mark.parametrize("kept", [True, False])
async def test_pixels_are_kept_only_when_they_are_wanted(engine: Engine, remote: RemoteModels, *, kept: bool) -> None:
    parsed = await Reader(engine, remote, word_file(300), "a.docx").read(
        profile="auto", picture_description="pictures", include_images=kept
    )
    assert (b"data:image/png" in parsed.document) is kept
    assert descriptions(parsed) == ["A picture of width 300."]


async def test_picture_of_a_pdf_is_described_with_the_pixels_of_its_page(
    engine: Engine, remote: RemoteModels, model: FakeModel
) -> None:
    parsed = await Reader(engine, remote, photo_pdf()).read(profile="bundled", picture_description="pictures")
    [asked] = model.requests
    assert 700 < asked.width < 900  # two pixels for each of its 400 points
    assert descriptions(parsed) == [description(asked)]
    assert description(asked) in text_of(parsed)
    assert set(parsed.parser.models) == {"layout", "table", "ocr", "picture"}


async def test_pictures_of_a_split_pdf_are_described_as_docling_describes_those_of_the_whole(
    engine: Engine, remote: RemoteModels, model: FakeModel
) -> None:
    data, asked = split_documents.illustrated(4), {"profile": "bundled", "picture_description": "pictures"}
    reader = Reader(engine, remote, data)
    parts = await reader.read(1, split_above=0, **asked)
    ours = [request.width for request in model.requests]
    assert len(reader.shards) == 4
    assert parts == await reader.read(**asked)
    task = make_task("pages.pdf", include_images=True)
    document = conversion_by_docling(data, task, described_by=model.url).document
    assert orjson.loads(parts.document) == without_pixels(document.export_to_dict())
    assert sorted(ours * 3) == sorted(request.width for request in model.requests)
    assert len(set(descriptions(parts))) == 2


async def test_small_picture_is_left_out(engine: Engine, remote: RemoteModels, model: FakeModel) -> None:
    parsed = await Reader(engine, remote, photo_pdf()).read(
        profile="bundled", picture_description="pictures", picture_area=0.9
    )
    assert (model.requests, parsed.questions, descriptions(parsed)) == ([], None, [None])
    assert b"data:image" not in parsed.document


async def test_picture_without_an_answer_stays_and_is_told(
    engine: Engine, remote: RemoteModels, model: FakeModel
) -> None:
    model.reset(lambda request: failed(400, "too dark") if request.width == 500 else said(description(request)))
    parsed = await Reader(engine, remote, word_file(300, 500, 700), "a.docx").read(
        profile="auto", picture_description="pictures"
    )
    assert descriptions(parsed) == ["A picture of width 300.", None, "A picture of width 700."]
    [warning] = parsed.warnings
    assert warning.code == "picture_not_described"
    assert warning.message == "A picture has no description: the model endpoint answered 400: too dark"


async def test_file_without_pictures_asks_nothing(engine: Engine, remote: RemoteModels, model: FakeModel) -> None:
    await Reader(engine, remote, b"# A title", "a.md").read(profile="auto", picture_description="pictures")
    assert model.requests == []
