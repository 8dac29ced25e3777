"""Results by page, as an archive, compressed, and unchanged since the last request."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import PurePosixPath, PureWindowsPath

import pytest

from actors.derivations import Derivation, Made
from actors.errors import FleetUnavailable
from client.models import ExportFormat
from serve_app.api import COMPRESSED_FROM
from serve_app.settings import MIB
from tests.peak_memory import peak_memory
from tests.unit.serve_app.service import Service


@pytest.mark.parametrize(("pages", "found"), [("3-7", [3, 4, 5]), ("2", [2]), ("6-9", []), ("1-1", [1])])
async def test_only_the_nodes_of_the_pages_that_were_asked_for(service: Service, pages: str, found: list[int]) -> None:
    service.worker.pages = 5
    job_id = await service.completed(("a.pdf", b"# A"), ("b.md", b"bad"), ("c.pdf", b"# C"))
    results = (await service.http.get(f"/jobs/{job_id}/results", params={"pages": pages})).json()["results"]
    numbers = [[node["metadata"]["page_number"] for node in entry["nodes"]] for entry in results["results"]]
    assert numbers == [found, [], found]
    assert [entry["num_nodes"] for entry in results["results"]] == [len(found), 0, len(found)]
    assert (results["total_nodes"], results["total_files"], results["failed"]) == (2 * len(found), 3, 1)


async def test_pages_of_one_file(service: Service) -> None:
    service.worker.pages = 3
    job_id = await service.completed(("a.pdf", b"# A"), ("b.pdf", b"# B"))
    entry = (await service.http.get(f"/jobs/{job_id}/results?pages=2-3&file=1")).json()
    assert (entry["filename"], entry["num_nodes"]) == ("b.pdf", 2)


@pytest.mark.parametrize("metadata", ["{}", '{"page_number": "two"}', '{"page_number": null}'])
async def test_a_node_without_a_page_is_on_none(service: Service, metadata: str) -> None:
    job_id = await service.completed(("a.md", b"# A"), metadata=metadata)
    answer = await service.http.get(f"/jobs/{job_id}/results?pages=1-9")
    assert answer.json()["results"]["results"][0]["nodes"] == []


@pytest.mark.parametrize("pages", ["0", "7-3", "0-2", "a", "1-", "-2", "1,2", " 1", "٣", "9" * 31])
async def test_pages_that_are_no_range_are_refused(service: Service, pages: str) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results", params={"pages": pages})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "pages" in answer.json()["detail"]


@pytest.mark.parametrize("form", ["markdown", "json", "zip"])
async def test_pages_go_with_nodes_and_chunks_only(service: Service, form: str) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results", params={"pages": "1", "format": form})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["detail"] == "pages needs format=nodes, chunks or chunks.jsonl"


async def test_an_archive_holds_all_there_is_of_every_file(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"), ("a.pdf", b"bad"), ("b.md", b"# B"))
    answer = await service.http.get(f"/jobs/{job_id}/results?format=zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert archive.namelist() == [
        "0000-a.pdf.nodes.json", "0000-a.pdf.json", "0000-a.pdf.md",
        "0001-a.pdf.nodes.json",
        "0002-b.md.nodes.json", "0002-b.md.json", "0002-b.md.md",
    ]  # fmt: skip
    assert archive.read("0002-b.md.md").decode() == "markdown: b.md ü"
    assert archive.read("0000-a.pdf.json") == await service.blobs.get(f"results/{job_id}/0/document.json")
    assert archive.read("0001-a.pdf.nodes.json") == await service.blobs.get(f"results/{job_id}/1/response.json")
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == f"inline; filename*=UTF-8''{job_id}.zip"


async def test_an_archive_of_one_file_holds_nothing_of_the_others(service: Service) -> None:
    job_id = await service.completed(("a.pdf", b"# A"), ("b.md", b"# B"), ("c.md", b"bad"))
    answers = [await service.http.get(f"/jobs/{job_id}/results?format=zip&file={index}") for index in (1, 2)]
    names = [zipfile.ZipFile(io.BytesIO(answer.content)).namelist() for answer in answers]
    assert names == [["0001-b.md.nodes.json", "0001-b.md.json", "0001-b.md.md"], ["0002-c.md.nodes.json"]]
    assert answers[0].headers["Content-Disposition"] == "inline; filename*=UTF-8''b.md.zip"


@pytest.mark.parametrize("name", ["../../etc/passwd.md", "C:\\x\\y.md", "/abs.md", "..md", "a\x00b.md", "é\u202e.md"])
async def test_no_name_in_an_archive_leads_out_of_the_folder_it_is_unpacked_in(service: Service, name: str) -> None:
    job_id = await service.completed((name, b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results?format=zip")
    for entry in zipfile.ZipFile(io.BytesIO(answer.content)).namelist():
        assert len(PurePosixPath(entry).parts) == len(PureWindowsPath(entry).parts) == 1
        assert entry.isprintable()


@pytest.mark.parametrize(
    "name",
    ["文" * 100 + ".md", "हिन्दी किताब.md", "u\u0308bung.md", "a" * 300 + ".md", "한" * 90 + "\u0301.md"],
    ids=["100 Chinese letters", "Hindi", "decomposed accent", "300 letters", "cut before a mark"],
)
async def test_names_in_an_archive_fit_every_file_system_and_keep_their_marks(service: Service, name: str) -> None:
    job_id = await service.completed((name, b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results?format=zip")
    for entry in zipfile.ZipFile(io.BytesIO(answer.content)).namelist():
        assert len(entry.encode()) <= 255
        kept = entry.removeprefix("0000-").removesuffix(".nodes.json").removesuffix(".json").removesuffix(".md")
        assert kept
        assert name.startswith(kept)


async def test_a_large_archive_is_never_held_whole(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    key = f"results/{job_id}/0/document.json"
    part = b"\x00" * MIB  # compresses to nothing, so that the test's own copy of the answer is small
    async with service.blobs.writer(key) as writer:
        for _ in range(100):
            await writer.write(part)
    await service.blobs.put(f"results/{job_id}/0/{ExportFormat.MARKDOWN}", b"made before")
    with peak_memory() as peak:
        answer = await service.http.get(f"/jobs/{job_id}/results?format=zip")
    assert zipfile.ZipFile(io.BytesIO(answer.content)).getinfo("0000-a.md.json").file_size == 100 * MIB
    assert peak.bytes < 20 * MIB


async def test_an_archive_before_the_end_is_409(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results?format=zip")
    assert (answer.status_code, answer.json()["code"]) == (409, "result_not_ready")


async def test_an_archive_that_cannot_be_begun_is_an_error_rather_than_half_a_file(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def derive(source: bytes, wanted: Derivation) -> Made:
        raise FleetUnavailable("No parser replica is ready at present")

    monkeypatch.setattr(service.parsers, "derive", derive)
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results?format=zip")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@pytest.mark.parametrize("size", [COMPRESSED_FROM, 2 * MIB], ids=["whole", "streamed"])
async def test_large_bodies_are_compressed_for_who_takes_that(service: Service, size: int) -> None:
    service.worker.node_text = "x" * size
    job_id = await service.completed(("a.md", b"# A"))
    plain, packed = [
        await service.http.get(f"/jobs/{job_id}/results", headers={"Accept-Encoding": encoding})
        for encoding in ("identity", "gzip")
    ]
    assert (plain.headers.get("Content-Encoding"), packed.headers.get("Content-Encoding")) == (None, "gzip")
    assert plain.content == packed.content  # httpx has unpacked it
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert packed.headers["ETag"].startswith("W/")  # equal for both, so it cannot be a strong one


async def test_small_bodies_are_sent_as_they_are(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


async def test_an_archive_is_not_compressed_again(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results?format=zip", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(answer.content)


@pytest.mark.parametrize(("sent", "status"), [("{}", 304), ('"x", {}', 304), ("*", 304), ('"x"', 200), ("", 200)])
async def test_a_client_may_know_several_versions(service: Service, sent: str, status: int) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    tag = (await service.http.get(f"/jobs/{job_id}/results")).headers["ETag"]
    headers = {"If-None-Match": sent.format(tag)}
    assert (await service.http.get(f"/jobs/{job_id}/results", headers=headers)).status_code == status


async def test_a_file_that_the_job_does_not_have_cannot_be_unchanged(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results?file=9", headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_strong_form_of_the_tag_is_known_too(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    tag = (await service.http.get(f"/jobs/{job_id}/results")).headers["ETag"].removeprefix("W/")
    assert (await service.http.get(f"/jobs/{job_id}/results", headers={"If-None-Match": tag})).status_code == 304


async def test_results_of_a_job_that_has_not_ended_have_no_tag(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results", headers={"If-None-Match": "*"})
    assert answer.status_code == 200
    assert "ETag" not in answer.headers
