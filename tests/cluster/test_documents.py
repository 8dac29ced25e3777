"""The main job on real documents, real models and a real cluster."""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from actors.messages import FileTask
from actors.parser.engine.confidence import confidence_of
from actors.parser.engine.nodes import nodes_of
from client import DoclingParserClient
from client.models import ParseOptions
from tests.cluster.collector import Collector
from tests.contract.plain_docling import conversion_by_docling

SAMPLES = ["article.html", "figures.xlsx", "memo.docx", "notes.md", "report.pdf", "scan.pdf", "slides.pptx"]


@pytest.fixture(scope="module")
def batch(url: str, documents: Path) -> dict[str, Any]:
    """All sample documents as one job."""
    with DoclingParserClient(url) as client:
        return client.submit_and_wait(*(documents / name for name in SAMPLES), metadata={"project": "tides"})


def result_of(batch: dict[str, Any], name: str) -> dict[str, Any]:
    return next(result for result in batch["results"] if result["filename"] == name)


def text_of(result: dict[str, Any]) -> str:
    return "\n".join(node["text"] for node in result["nodes"])


def test_results_come_in_the_order_the_files_were_sent(batch: dict[str, Any]) -> None:
    assert [result["filename"] for result in batch["results"]] == SAMPLES
    assert (batch["total_files"], batch["successful"], batch["failed"]) == (len(SAMPLES), len(SAMPLES), 0)
    assert batch["total_nodes"] == sum(result["num_nodes"] for result in batch["results"])


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_has_nodes_with_text_and_the_submitted_metadata(batch: dict[str, Any], name: str) -> None:
    result = result_of(batch, name)
    assert result["success"], result["error"]
    assert result["parser"]["profile"] == "bundled"
    assert result["nodes"]
    for node in result["nodes"]:
        assert node["text"].strip()
        assert node["metadata"]["project"] == "tides"
        assert node["metadata"]["file_type"] == name.rsplit(".")[-1]


def test_a_split_pdf_keeps_its_page_numbers_and_tables(batch: dict[str, Any]) -> None:
    nodes = result_of(batch, "report.pdf")["nodes"]
    assert [node["metadata"]["page_number"] for node in nodes] == [1, 2, 3, 4, 5, 6]
    assert {node["metadata"]["total_pages"] for node in nodes} == {6}
    assert any(json.loads(node["metadata"]["tables_json"]) for node in nodes)


def test_the_text_of_a_scan_is_read(batch: dict[str, Any]) -> None:
    assert len(text_of(result_of(batch, "scan.pdf")).split()) > 30


def test_a_document_parsed_in_parts_on_two_replicas_equals_docling_s_own(
    client: DoclingParserClient, http: httpx.Client, documents: Path, collector: Collector
) -> None:
    path, trace = documents / "report.pdf", secrets.token_hex(16)
    with path.open("rb") as report:
        headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        job_id = http.post("/submit", files={"files": report}, headers=headers).json()["job_id"]
    nodes = client.wait_for_results(job_id)["results"][0]["nodes"]
    document = http.get(f"/jobs/{job_id}/results", params={"format": "json"}).json()
    assert len(set(collector.processes(trace, "parse_pages", count=3))) == 2

    options = ParseOptions(page_chunks=True)
    task = FileTask(job_id=job_id, index=0, filename=path.name, size=path.stat().st_size, options=options, metadata={})
    by_docling = conversion_by_docling(path.read_bytes(), task)
    assert document == by_docling.document.export_to_dict()
    assert nodes == nodes_of(by_docling.document, task, confidence=confidence_of(by_docling.confidence))


def test_chunks_and_confidence_come_from_the_stored_document(client: DoclingParserClient, documents: Path) -> None:
    job_id = client.submit_job(documents / "report.pdf", options={"chunks": {"max_tokens": 64}})["job_id"]
    assert client.wait_for_job(job_id)["worst_grade"] in ("fair", "good", "excellent")
    small, large = (list(client.chunks(job_id, max_tokens=size)) for size in (64, 256))
    assert 0 < max(chunk["num_tokens"] for chunk in small) <= 64 < max(chunk["num_tokens"] for chunk in large) <= 256
    assert {page for chunk in small for page in chunk["page_numbers"]} == {1, 2, 3, 4, 5, 6}
    assert all(box["origin"] == "top-left" for chunk in small for item in chunk["items"] for box in item["boxes"])
    [known] = {chunk["filename"] for chunk in large}
    assert known == "report.pdf"


@pytest.mark.parametrize(
    ("form", "expected"),
    [("markdown", "# "), ("html", "<html"), ("text", " "), ("doctags", "<doctag>"), ("json", '"schema_name"')],
)
def test_every_export_is_served_and_stays_the_same(
    client: DoclingParserClient, http: httpx.Client, documents: Path, form: str, expected: str
) -> None:
    job_id = client.submit_job(documents / "notes.md")["job_id"]
    client.wait_for_results(job_id)
    first = http.get(f"/jobs/{job_id}/results", params={"format": form})
    assert first.status_code == 200
    assert expected in first.text
    again = http.get(f"/jobs/{job_id}/results", params={"format": form})
    assert again.content == first.content


def test_a_page_is_drawn_once_and_is_the_same_picture_afterwards(
    client: DoclingParserClient, http: httpx.Client, documents: Path
) -> None:
    job_id = client.submit_job(documents / "report.pdf")["job_id"]
    path = f"/jobs/{job_id}/files/0/pages/2.png"
    first, again = [http.get(path, params={"scale": 0.5}) for _ in range(2)]
    assert (first.status_code, first.headers["Content-Type"]) == (200, "image/png")
    assert first.content.startswith(b"\x89PNG")
    assert (again.content, again.headers["ETag"]) == (first.content, first.headers["ETag"])
    beyond = http.get(f"/jobs/{job_id}/files/0/pages/99.png")
    assert (beyond.status_code, beyond.json()["code"]) == (404, "page_not_found")
    client.wait_for_results(job_id)


def test_an_archive_can_hold_the_pictures_of_a_document(
    client: DoclingParserClient, http: httpx.Client, documents: Path
) -> None:
    job_id = client.submit_job(documents / "scan.pdf", options={"profile": "native"})["job_id"]
    client.wait_for_results(job_id)
    answer = http.get(f"/jobs/{job_id}/results", params={"format": "zip", "images": "referenced"})
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert b"(artifacts/0000-picture-1.png)" in archive.read("0000-scan.pdf.md")
    assert archive.read("artifacts/0000-picture-1.png").startswith(b"\x89PNG")


def test_options_of_a_request_take_effect(client: DoclingParserClient, documents: Path) -> None:
    unread = client.submit_and_wait(documents / "scan.pdf", options={"do_ocr": False})["results"][0]
    assert "harbour" not in text_of(unread).lower()
    pages = client.submit_and_wait(documents / "report.pdf", options={"page_range": [3, 5]})["results"][0]["nodes"]
    assert [node["metadata"]["page_number"] for node in pages] == [3, 4, 5]
    (whole,) = client.submit_and_wait(documents / "report.pdf", options={"page_chunks": False})["results"][0]["nodes"]
    assert "page_number" not in whole["metadata"]


def test_progress_counts_pages_and_never_goes_back(client: DoclingParserClient, documents: Path) -> None:
    seen = []
    job = client.job(client.submit_job(documents / "report.pdf")["job_id"])
    job.result(on_progress=lambda status: seen.append(status.progress))
    done = [progress.pages_done for progress in seen]
    assert done == sorted(done)
    last = job.status().progress
    assert (last.pages_total, last.pages_done, last.files_done) == (6, 6, 1)
