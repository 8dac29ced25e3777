"""Bad files as users send them: each gets its own reason and does not affect other files."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pypdfium2
import pytest
from reportlab.lib import pdfencrypt
from reportlab.pdfgen.canvas import Canvas

from client import DoclingParserClient

GOOD = ("good.md", b"# Tides\n\nThe ferry leaves at nine.")


def pdf(pages: int = 1, password: str | None = None) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, encrypt=pdfencrypt.StandardEncryption(password) if password else None)
    for page in range(1, pages + 1):
        canvas.drawString(100, 700, f"This is page {page} of the tide tables.")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def pdf_without_pages() -> bytes:
    out = io.BytesIO()
    pypdfium2.PdfDocument.new().save(out)
    return out.getvalue()


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", b" " * (1 << 27))
    return out.getvalue()


BAD = {
    "empty.pdf": (b"", "empty_file"),
    "garbage.pdf": (b"this is no pdf", "invalid_file"),
    "truncated.pdf": (pdf(3)[:600], "invalid_file"),
    "locked.pdf": (pdf(password="secret"), "password_required"),
    "page.docx": (pdf(), "content_mismatch"),
    "none.pdf": (pdf_without_pages(), "no_pages"),
    "bomb.docx": (zip_bomb(), "decompression_bomb"),
    "notes.zip.exe": (b"MZ", "unsupported_format"),
}


@pytest.fixture(scope="module")
def batch(url: str) -> dict[str, Any]:
    """Every bad file in one blocking call, a good file before, between and after them."""
    files = [GOOD, *((name, data) for name, (data, _) in BAD.items()), GOOD]
    answer = httpx.post(f"{url}/parse", files=[("files", file) for file in files], timeout=300)
    assert answer.status_code == 200
    result: dict[str, Any] = answer.json()
    return result


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_a_failed_entry_with_a_code_and_a_message(batch: dict[str, Any], name: str) -> None:
    entry = next(result for result in batch["results"] if result["filename"] == name)
    assert (entry["success"], entry["nodes"], entry["error_code"]) == (False, [], BAD[name][1])
    assert entry["error"]
    assert "/" not in entry["error"]  # no path of ours
    assert "Traceback" not in entry["error"]


def test_good_files_beside_bad_ones_are_parsed(batch: dict[str, Any]) -> None:
    assert (batch["successful"], batch["failed"]) == (2, len(BAD))
    assert [r["success"] for r in (batch["results"][0], batch["results"][-1])] == [True, True]


def test_a_job_whose_files_all_failed_is_completed(http: httpx.Client) -> None:
    job = http.post("/submit", files={"files": ("garbage.pdf", b"no pdf")}).json()["job_id"]
    answer = http.get(f"/jobs/{job}/results", params={"wait": 60}).json()
    assert answer["status"] == "completed"
    assert answer["results"]["failed"] == 1


@pytest.mark.parametrize(("password", "code"), [("secret", None), ("guess-17", "wrong_password")])
def test_an_encrypted_pdf_opens_with_its_password_only(http: httpx.Client, password: str, code: str | None) -> None:
    answer = http.post(
        "/parse",
        files={"files": ("locked.pdf", pdf(password="secret"))},
        data={"options": json.dumps({"password": password})},
    )
    entry = answer.json()["results"][0]
    assert (entry["success"], entry["error_code"]) == (code is None, code)
    assert password not in json.dumps({**entry, "nodes": []})


def test_a_password_is_nowhere_on_disk_when_its_job_has_ended(http: httpx.Client, short_folder: Path) -> None:
    files = {"files": ("locked.pdf", pdf(password="open-sesame-1742"))}
    options = {"options": json.dumps({"password": "open-sesame-1742"})}
    job = http.post("/submit", files=files, data=options).json()["job_id"]
    assert http.get(f"/jobs/{job}/results", params={"wait": 60}).json()["results"]["successful"] == 1
    http.post("/parse", files={"files": GOOD})  # what was logged at the end of the first job is on disk by now
    logs = [path.read_bytes() for path in (short_folder / "session_latest" / "logs").rglob("*") if path.is_file()]
    stored = [path.read_bytes() for path in (short_folder / "state").rglob("*") if path.is_file()]
    assert any(b"job_finished" in line and job.encode() in line for log in logs for line in log.splitlines())
    assert any(job.encode() in blob for blob in stored)
    assert not [data for data in (*logs, *stored) if b"open-sesame-1742" in data]


def test_a_page_range_outside_the_document_is_said(http: httpx.Client) -> None:
    answer = http.post(
        "/parse", files={"files": ("short.pdf", pdf(3))}, data={"options": json.dumps({"page_range": [4, 9]})}
    )
    entry = answer.json()["results"][0]
    assert entry["error_code"] == "page_range_outside"
    assert "the document has 3" in entry["error"]


@pytest.mark.parametrize("name", ["../../etc/passwd.md", "x" * 296 + ".md", "a b\u2028c.md"])
def test_a_file_of_any_name_is_parsed(http: httpx.Client, name: str) -> None:
    entry = http.post("/parse", files={"files": (name, GOOD[1])}).json()["results"][0]
    assert (entry["filename"], entry["success"]) == (name, True)


def test_two_files_of_one_name_are_both_parsed_in_order(client: DoclingParserClient, tmp_path: Path) -> None:
    paths = [tmp_path / side / "same.md" for side in ("a", "b")]
    for path, text in zip(paths, ("first", "second"), strict=True):
        path.parent.mkdir()
        path.write_text(text)
    results = client.submit_and_wait(*paths)["results"]
    assert [result["nodes"][0]["text"].strip() for result in results] == ["first", "second"]
