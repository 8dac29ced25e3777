"""Pages of the uploaded files as pictures, over HTTP."""

from __future__ import annotations

import pytest

from actors.derivations import PagePicture
from client.keys import digest
from tests.unit.serve_app.service import MakeService, Service

PAGE = "/jobs/{}/files/0/pages/2.png"


@pytest.mark.parametrize("form", ["png", "webp"])
async def test_a_page_is_a_picture_that_never_changes(service: Service, form: str) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/files/0/pages/2.{form}", headers={"Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.text) == (200, f"{form} of page 2")
    assert answer.headers["Content-Type"] == f"image/{form}"
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["ETag"].startswith('"')


async def test_a_picture_is_drawn_once_and_kept_beside_the_results(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    first, second = [await service.http.get(PAGE.format(job_id)) for _ in range(2)]
    assert first.content == second.content
    assert len(service.parsers.pictures) == 1
    assert len(service.stored(f"results/{job_id}/0/chosen")) == 1


@pytest.mark.parametrize("known", ["{}", "W/{}"], ids=["strong", "weakened by a proxy"])
async def test_a_client_that_has_the_picture_gets_304_without_a_parser(service: Service, known: str) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    tag = (await service.http.get(PAGE.format(job_id))).headers["ETag"]
    service.parsers.pictures.clear()
    answer = await service.http.get(PAGE.format(job_id), headers={"If-None-Match": f'"other", {known.format(tag)}'})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
    other = await service.http.get(PAGE.format(job_id), params={"scale": 2}, headers={"If-None-Match": tag})
    assert (other.status_code, other.headers["ETag"] == tag) == (200, False)


async def test_the_parser_draws_the_box_at_the_scale(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"), ("b.pdf", b"# B"))
    path = f"/jobs/{job_id}/files/1/pages/3.webp"
    assert (await service.http.get(path, params={"scale": 2.5, "box": "10,20.5,100,200"})).status_code == 200
    assert service.parsers.pictures == [
        PagePicture(
            job_id=job_id,
            folder=f"results/{job_id}/1",
            source=f"inputs/{job_id}/1",
            page=3,
            scale=2.5,
            box=(10.0, 20.5, 100.0, 200.0),
            form="webp",
        )
    ]


async def test_a_page_can_be_seen_before_the_job_has_ended(service: Service) -> None:
    job_id = await service.submit(("a.pdf", b"# A"))
    assert (await service.http.get(PAGE.format(job_id))).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("files/2/pages/1.png", 404, "not_found"),
        ("files/0/pages/4.png", 404, "page_not_found"),
        ("files/0/pages/0.png", 422, "invalid_request"),
        ("files/0/pages/one.png", 422, "invalid_request"),
        ("files/0/pages/1.gif", 422, "invalid_request"),
        ("files/-1/pages/1.png", 422, "invalid_request"),
        ("files/0/pages/1.png?scale=3.01", 422, "invalid_request"),
        ("files/0/pages/1.png?scale=0", 422, "invalid_request"),
        ("files/0/pages/1.png?scale=nan", 422, "invalid_request"),
        ("files/0/pages/1.png?box=1,2,3", 422, "invalid_request"),
        ("files/0/pages/1.png?box=1,2,3,4,5", 422, "invalid_request"),
        ("files/0/pages/1.png?box=a,b,c,d", 422, "invalid_request"),
        ("files/0/pages/1.png?box=3,2,1,4", 422, "invalid_request"),
        ("files/0/pages/1.png?box=1,2,3,2", 422, "invalid_request"),
        ("files/0/pages/1.png?box=nan,2,3,4", 422, "invalid_request"),
        ("files/0/pages/1.png?box=1,2,inf,4", 422, "invalid_request"),
        ("files/0/pages/1.png?box=1,-inf,3,4", 422, "invalid_request"),
    ],
)
async def test_what_is_no_page_says_why(service: Service, path: str, status: int, code: str) -> None:
    job_id = await service.completed(("a.pdf", b"# A"), ("b.pdf", b"# B"))
    answer = await service.http.get(f"/jobs/{job_id}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_file_that_is_not_kept_cannot_be_drawn(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    await service.blobs.delete_prefix(f"inputs/{job_id}")
    answer = await service.http.get(PAGE.format(job_id))
    assert (answer.status_code, answer.json()["code"]) == (410, "input_gone")
    assert "KEEP_INPUTS" in answer.json()["detail"]


async def test_a_page_that_was_drawn_stays_when_its_file_goes(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"))
    drawn = await service.http.get(PAGE.format(job_id))
    await service.blobs.delete_prefix(f"inputs/{job_id}")
    assert (await service.http.get(PAGE.format(job_id))).content == drawn.content


async def test_the_pages_of_another_key_are_not_found(make_service: MakeService) -> None:
    service = await make_service(api_keys=f"a:{digest('key-a')},b:{digest('key-b')}")
    mine, other = ({"X-API-Key": f"key-{owner}"} for owner in "ab")
    form = [("files", ("a.pdf", b"# A"))]
    job_id = (await service.http.post("/submit", files=form, headers=mine)).json()["job_id"]
    assert (await service.http.get(PAGE.format(job_id), headers=mine)).status_code == 200
    answer = await service.http.get(PAGE.format(job_id), headers=other)
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    assert (await service.http.get(PAGE.format(job_id))).status_code == 401
