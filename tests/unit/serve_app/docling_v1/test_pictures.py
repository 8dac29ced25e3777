"""How pictures and page breaks come into the answers."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from serve_app.derived import DerivedBlobs
from serve_app.docling_v1.page_images import PageImages
from serve_app.pictures import PagePictures
from tests.unit.serve_app.docling_v1.calls import finished, result, submitted
from tests.unit.serve_app.service import MakeService, Service, form


async def parse_options(service: Service, **sent: Any) -> Any:
    await submitted(service, **sent)
    [claim] = await service.registry.claim("test", 1, 0.0)
    return claim.spec.options


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({}, None),
        ({"image_export_mode": "referenced"}, None),
        ({"image_export_mode": "embedded"}, True),
        ({"include_images": "true"}, True),
        ({"image_export_mode": "embedded", "include_images": "false"}, False),
    ],
)
async def test_pictures_are_kept_if_they_are_asked_for(
    service: Service, sent: dict[str, str], kept: bool | None
) -> None:
    assert (await parse_options(service, **sent)).include_images is kept


async def test_pictures_are_kept_if_they_cannot_be_drawn_later(make_service: MakeService) -> None:
    service = await make_service(keep_inputs=False)
    assert (await parse_options(service, image_export_mode="referenced")).include_images is True


async def test_a_page_break_stands_in_markdown_alone(service: Service) -> None:
    sent = {"md_page_break_placeholder": "\f", "to_formats": ["md", "text"]}
    document = (await result(service, **sent)).json()["document"]
    assert document["md_content"] == "markdown: report.md üplaceholder\f"
    assert document["text_content"] == "text: report.md ü"


async def test_pictures_that_are_referenced_are_links_of_this_server(make_service: MakeService) -> None:
    service = await make_service(root_path="/docs-api")
    task_id = await finished(service, image_export_mode="referenced")
    text = (await service.http.get(f"/v1/result/{task_id}")).json()["document"]["md_content"]
    assert text.endswith(f"referenced/docs-api/jobs/{task_id}/files/0/artifacts/")


async def test_pictures_that_were_to_be_embedded_but_not_kept_are_marks(service: Service) -> None:
    sent = {"image_export_mode": "embedded", "include_images": "false"}
    assert (await result(service, **sent)).json()["document"]["md_content"].endswith("placeholder")


PDF = ("report.pdf", b"%PDF-1.7 a report")
PAGES = {"include_page_images": "true", "images_scale": "1.5", "to_formats": "json"}


def embedded(content: str) -> str:
    return f"data:image/png;base64,{b64encode(content.encode()).decode()}"


@pytest.mark.parametrize("mode", ["placeholder", "referenced"])
async def test_pictures_of_pages_are_in_the_json(service: Service, mode: str) -> None:
    answer = (await result(service, PDF, **PAGES, image_export_mode=mode)).json()
    pages = answer["document"]["json_content"]["pages"]
    assert {number: page["image"]["uri"] for number, page in pages.items()} == {
        "1": embedded("png of page 1"),
        "3": embedded("png of page 3"),
    }
    assert {(picture.page, picture.scale) for picture in service.parsers.pictures} == {(1, 1.5), (3, 0.5)}


async def test_a_text_that_looks_like_the_mark_of_a_page_stays_a_text() -> None:
    document = b'{"texts":[{"text":"docfleet:page/1"},{"text":"docfleet:page/7"}]}'

    async def pieces() -> AsyncIterator[bytes]:
        yield document

    images = PageImages(PagePictures(DerivedBlobs(blobs=None, dispatchers=None)))
    sent = [piece async for piece in images.embedded(pieces(), None, 0, {1: 1.0})]
    assert b"".join(sent) == document


async def test_a_zip_file_holds_the_pictures_of_pages_that_its_json_refers_to(service: Service) -> None:
    sent = {**PAGES, "target_type": "zip", "image_export_mode": "referenced"}
    with ZipFile(BytesIO((await result(service, PDF, **sent)).content)) as archive:
        uris = [page["image"]["uri"] for page in json.loads(archive.read("report.json"))["pages"].values()]
        assert uris == ["artifacts/page-1.png", "artifacts/page-3.png"]
        assert [archive.read(uri) for uri in uris] == [b"png of page 1", b"png of page 3"]


async def test_a_zip_file_without_references_has_the_pictures_of_pages_in_its_json(service: Service) -> None:
    with ZipFile(BytesIO((await result(service, PDF, **PAGES, target_type="zip")).content)) as archive:
        assert archive.namelist() == ["report.json"]
        assert json.loads(archive.read("report.json"))["pages"]["3"]["image"]["uri"] == embedded("png of page 3")


async def test_a_document_whose_pages_cannot_be_drawn_has_no_pictures_of_them(service: Service) -> None:
    service.parsers.draws = False
    answer = (await result(service, PDF, **PAGES)).json()
    assert (answer["status"], "pages" in answer["document"]["json_content"]) == ("success", False)


async def test_pictures_of_pages_do_not_keep_a_document_from_being_split(service: Service) -> None:
    assert (await parse_options(service, **PAGES)).include_images is None


@pytest.mark.parametrize(
    ("settings", "scale", "reason"),
    [({"keep_inputs": False}, "2", "KEEP_INPUTS"), ({}, "9", "images_scale must be from 0.5 to 4")],
)
async def test_pictures_of_pages_that_cannot_be_made_are_refused(
    make_service: MakeService, settings: dict[str, Any], scale: str, reason: str
) -> None:
    service = await make_service(**settings)
    data = {**PAGES, "images_scale": scale}
    answer = await service.http.post("/v1/convert/file/async", files=form(PDF), data=data)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_option")
    assert reason in answer.json()["detail"]
