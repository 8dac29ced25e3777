"""Pictures and page breaks in exports, and the pictures of documents as files of their own."""

from __future__ import annotations

import io
import zipfile

import httpx
import pytest

from client.keys import digest
from tests.unit.serve_app.service import MakeService, Service

ARTIFACT = "/jobs/{}/files/0/artifacts/{}"


async def get(service: Service, job_id: str, **query: object) -> httpx.Response:
    return await service.http.get(f"/jobs/{job_id}/results", params=query)


def unzipped(answer: httpx.Response) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("images", ["none", "placeholder", "referenced"])
@pytest.mark.parametrize("form", ["markdown", "html", "text", "doctags"])
async def test_an_export_shows_pictures_as_asked(service: Service, form: str, images: str) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    links = "files/0/artifacts/" if images == "referenced" else ""
    assert (await get(service, job_id, format=form, images=images)).text == f"{form}: a.pdf ü{images}{links}"
    assert (await get(service, job_id, format=form)).text == f"{form}: a.pdf ü"


async def test_links_lead_from_the_results_to_the_pictures(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    answer = await get(service, job_id, format="markdown", images="referenced")
    link = answer.text.removeprefix("markdown: a.pdf üreferenced") + "picture-1.jpg"
    picture = await service.http.get(answer.url.join(link).raw_path.decode())
    assert (picture.status_code, picture.content) == (200, b"kept")


@pytest.mark.parametrize(("images", "sources"), [(None, "data:"), ("none", "data:"), ("referenced", "data: 'self'")])
async def test_a_browser_loads_pictures_of_this_server_only_if_the_export_refers_to_them(
    service: Service, images: str | None, sources: str
) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    query = {"format": "html"} | ({"images": images} if images else {})
    policy = (await get(service, job_id, **query)).headers["Content-Security-Policy"]
    assert policy == f"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src {sources}"


async def test_the_document_as_json_can_be_without_its_pixels(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    assert (await get(service, job_id, format="json", images="none")).json() == {"text": "json: a.pdf ünone"}
    assert (await get(service, job_id, format="json")).json() == {"name": "a.pdf"}


async def test_each_of_several_files_links_to_its_own_pictures(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"), ("b.pdf", b"# B"))
    results = (await get(service, job_id, format="html", images="referenced")).json()["results"]
    assert [entry["content"].partition("referenced")[2] for entry in results] == [
        "files/0/artifacts/",
        "files/1/artifacts/",
    ]


@pytest.mark.parametrize("form", ["markdown", "text"])
async def test_an_export_has_the_page_break_that_was_asked_for(service: Service, form: str) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    assert (await get(service, job_id, format=form, page_break="<!-- ✂ -->")).text == f"{form}: a.pdf ü<!-- ✂ -->"


@pytest.mark.parametrize(
    "query",
    [
        {"images": "none"},
        {"format": "chunks", "images": "none"},
        {"format": "markdown", "images": "all"},
        {"page_break": "x"},
        {"format": "html", "page_break": "x"},
        {"format": "json", "page_break": "x"},
        {"format": "markdown", "page_break": ""},
        {"format": "markdown", "page_break": "x" * 201},
    ],
)
async def test_a_style_that_a_format_does_not_have_is_refused(service: Service, query: dict[str, str]) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    answer = await get(service, job_id, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("form", ["markdown", "zip"])
async def test_pictures_that_were_not_kept_cannot_be_embedded(service: Service, form: str) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    answer = await get(service, job_id, format=form, images="embedded")
    assert (answer.status_code, answer.json()["code"]) == (409, "pictures_not_kept")


async def test_an_archive_holds_the_pictures_that_its_documents_link_to(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"), ("b.md", b"bad"), ("c.pdf", b"# C"))
    entries = unzipped(await get(service, job_id, format="zip", images="referenced", page_break="----"))
    assert entries["0002-c.pdf.md"].decode() == "markdown: c.pdf üreferenced----artifacts/0002-"
    assert entries["0002-c.pdf.json"] == '{"text":"json: c.pdf üreferencedartifacts/0002-"}'.encode()
    assert {name: data for name, data in entries.items() if name.startswith("artifacts/")} == {
        "artifacts/0000-picture-1.jpg": b"kept",
        "artifacts/0000-picture-2.png": b"png of page 3",
        "artifacts/0002-picture-1.jpg": b"kept",
        "artifacts/0002-picture-2.png": b"png of page 3",
    }


async def test_an_archive_whose_pictures_cannot_be_drawn_is_an_error_rather_than_half_a_file(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    service.parsers.listed = {"picture-1.png": {"page": 99, "scale": 2, "box": [1.0, 2.0, 3.0, 4.0]}}
    answer = await get(service, job_id, format="zip", images="referenced")
    assert (answer.status_code, answer.json()["code"]) == (404, "page_not_found")


async def test_an_archive_of_results_that_are_gone_has_expired(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    await service.blobs.delete_prefix(f"results/{job_id}")
    answer = await get(service, job_id, format="zip", images="none")
    assert (answer.status_code, answer.json()["code"]) == (410, "job_expired")


async def test_a_kept_picture_is_a_file_that_never_changes(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    answer = await service.http.get(ARTIFACT.format(job_id, "picture-1.jpg"))
    assert (answer.status_code, answer.content) == (200, b"kept")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    again = await service.http.get(
        ARTIFACT.format(job_id, "picture-1.jpg"), headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


async def test_a_picture_that_was_not_kept_is_drawn_from_its_page(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    answer = await service.http.get(ARTIFACT.format(job_id, "picture-2.png"))
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, b"png of page 3", "image/png")
    [drawn] = service.parsers.pictures
    assert (drawn.source, drawn.scale, drawn.box) == (f"inputs/{job_id}/0", 2, (1.0, 2.0, 30.0, 40.0))


async def test_a_picture_that_was_not_kept_is_gone_with_its_file(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    await service.blobs.delete_prefix(f"inputs/{job_id}")
    answer = await service.http.get(ARTIFACT.format(job_id, "picture-2.png"))
    assert (answer.status_code, answer.json()["code"]) == (410, "input_gone")


@pytest.mark.parametrize(
    "name", ["picture-3.png", "list.json", "..%2Fdocument.json", "%2e%2e", "picture-1.jpg%00", "x" * 100]
)
async def test_a_name_that_is_not_in_the_document_is_not_found(service: Service, name: str) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    answer = await service.http.get(ARTIFACT.format(job_id, name))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("files/1/artifacts/picture-1.jpg", 409, "export_unavailable"),
        ("files/2/artifacts/picture-1.jpg", 404, "not_found"),
    ],
)
async def test_files_without_pictures_say_why(service: Service, path: str, status: int, code: str) -> None:
    job_id = await service.completed(("a.pdf", b"# A"), ("b.md", b"bad"))
    answer = await service.http.get(f"/jobs/{job_id}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_pictures_of_a_job_that_has_not_ended_are_not_ready(service: Service) -> None:
    job_id = await service.submit(("a.pdf", b"# A"))
    answer = await service.http.get(ARTIFACT.format(job_id, "picture-1.jpg"))
    assert (answer.status_code, answer.json()["code"]) == (409, "result_not_ready")


async def test_pictures_whose_results_are_gone_have_expired(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    await service.blobs.delete_prefix(f"results/{job_id}")
    answer = await service.http.get(ARTIFACT.format(job_id, "picture-1.jpg"))
    assert (answer.status_code, answer.json()["code"]) == (410, "job_expired")


async def test_the_pictures_of_another_key_are_not_found(make_service: MakeService) -> None:
    service = await make_service(api_keys=f"a:{digest('key-a')},b:{digest('key-b')}")
    mine, other = ({"X-API-Key": f"key-{owner}"} for owner in "ab")
    job_id = (await service.http.post("/submit", files=[("files", ("a.pdf", b"# A"))], headers=mine)).json()["job_id"]
    await service.worker.work()
    path = ARTIFACT.format(job_id, "picture-1.jpg")
    statuses = [(await service.http.get(path, headers=headers)).status_code for headers in (mine, other, {})]
    assert statuses == [200, 404, 401]
