"""The results of a job in every format."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import orjson
import pytest
from structlog.testing import capture_logs

from actors.derivations import Derivation, Made
from actors.errors import ParserDied, StoreUnavailable
from client.models import ExportFormat, JobResultResponse
from serve_app.results import HELD_BYTES, MEDIA_TYPES
from tests.unit.serve_app.service import Service

EXPORTS = [form for form in ExportFormat if form not in (ExportFormat.NODES, ExportFormat.JSON)]


async def test_results_of_a_job_that_has_not_ended_are_null(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results")
    assert answer.status_code == 200
    assert answer.json() == {"job_id": job_id, "status": "pending", "results": None, "error": None}


async def test_results_can_be_waited_for(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    waiting = asyncio.create_task(service.http.get(f"/jobs/{job_id}/results", params={"wait": 60}))
    await service.worker.work()
    answer = (await waiting).json()
    assert (answer["status"], answer["results"]["successful"]) == ("completed", 1)


async def test_a_wait_for_results_runs_out(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results", params={"wait": 0.01})
    assert (answer.json()["status"], answer.json()["results"]) == ("pending", None)


async def test_results_are_every_files_entry_in_the_order_they_were_sent(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"), ("a.md", b"bad"), ("b.md", b"# B"), metadata='{"k": "é"}')
    answer = await service.http.get(f"/jobs/{job_id}/results")
    body = JobResultResponse.model_validate_json(answer.content)
    assert body.results is not None
    assert (body.job_id, body.status, body.error) == (job_id, "completed", None)
    assert [entry.filename for entry in body.results.results] == ["a.md", "a.md", "b.md"]
    assert [entry.error_code for entry in body.results.results] == [None, "invalid_file", None]
    assert body.results.results[2].nodes[0]["metadata"] == {"k": "é"}
    totals = body.results.model_dump(exclude={"results", "total_processing_time_ms"})
    assert totals == {"total_files": 3, "successful": 2, "failed": 1, "total_nodes": 2}


async def test_large_results_arrive_whole(service: Service) -> None:
    service.worker.node_text = "x" * (HELD_BYTES + 1)
    job_id = await service.completed(("a.md", b"# A"), ("b.md", b"# B"), ("c.md", b"# C"))
    answer = await service.http.get(f"/jobs/{job_id}/results")
    assert "Content-Length" not in answer.headers  # streamed
    body = JobResultResponse.model_validate_json(answer.content)
    assert body.results is not None
    assert [entry.nodes[0]["text"] for entry in body.results.results] == ["x" * (HELD_BYTES + 1)] * 3


async def test_one_files_nodes_are_its_own_entry(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"), ("b.md", b"bad"))
    answer = await service.http.get(f"/jobs/{job_id}/results", params={"file": 1})
    assert (answer.json()["filename"], answer.json()["error_code"]) == ("b.md", "invalid_file")


@pytest.mark.parametrize("form", EXPORTS)
async def test_a_single_files_export_is_the_document_itself(service: Service, form: ExportFormat) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results", params={"format": form})
    assert answer.content == f"{form}: a.md ü".encode()
    assert answer.headers["Content-Type"] == MEDIA_TYPES[form]
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].endswith(f".{form.suffix}")


async def test_the_json_export_is_the_stored_document(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results", params={"format": "json"})
    assert answer.content == await service.blobs.get(f"results/{job_id}/0/document.json")
    assert answer.headers["Content-Type"] == "application/json"
    assert service.parsers.exports == []


async def test_an_export_is_made_once(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    first, second = [await service.http.get(f"/jobs/{job_id}/results?format=html") for _ in range(2)]
    assert first.content == second.content
    assert service.parsers.exports == ["html"]


async def test_an_export_that_cannot_be_kept_is_answered_all_the_same(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(key: str, data: bytes) -> None:
        raise StoreUnavailable("The blob store is full")

    job_id = await service.completed(("a.md", b"# A"))
    monkeypatch.setattr(service.blobs, "put", refuse)
    with capture_logs() as logs:
        answer = await service.http.get(f"/jobs/{job_id}/results?format=html")
    assert (answer.status_code, answer.text) == (200, "html: a.md ü")
    assert [entry["event"] for entry in logs] == ["derivation_not_kept"]


async def test_an_export_whose_parser_dies_may_be_asked_for_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await service.completed(("a.md", b"# A"))

    async def die(source: bytes, wanted: Derivation) -> Made:
        raise ParserDied("the parser process died")

    with monkeypatch.context() as dying:
        dying.setattr(service.parsers, "derive", die)
        answer = await service.http.get(f"/jobs/{job_id}/results?format=html")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "2"
    assert (await service.http.get(f"/jobs/{job_id}/results?format=html")).status_code == 200


@pytest.mark.parametrize("form", ["markdown", "json"])
async def test_exports_of_several_files_are_one_json_object(service: Service, form: str) -> None:
    job_id = await service.completed(("a.md", b"# A"), ("b.md", b"bad"), ("c.md", b"# C"))
    body = (await service.http.get(f"/jobs/{job_id}/results", params={"format": form})).json()
    contents = {name: {"name": name} if form == "json" else f"markdown: {name} ü" for name in ("a.md", "c.md")}
    assert body == {
        "job_id": job_id,
        "status": "completed",
        "results": [
            {"filename": "a.md", "success": True, "content": contents["a.md"]},
            {"filename": "b.md", "success": False, "content": None},
            {"filename": "c.md", "success": True, "content": contents["c.md"]},
        ],
        "error": None,
    }


async def test_one_of_several_files_can_be_exported_alone(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"), ("b.md", b"# B"))
    answer = await service.http.get(f"/jobs/{job_id}/results?format=text&file=1")
    assert answer.text == "text: b.md ü"


async def test_a_documents_html_cannot_act_in_a_browser(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results?format=html")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("sent", "suggested"),
    [
        ('../"x;\u00e9.md', "..__22x_é.md.md"),
        ("a/b.md", "a_b.md.md"),
        ("invoice\u202efdp.md", "invoice_fdp.md.md"),
        ("🚀.md", "🚀.md.md"),
        ("文" * 300 + ".md", "文" * 84 + ".md"),
    ],
    ids=["out of the folder", "a folder", "written backwards", "emoji", "300 letters"],
)
async def test_the_name_that_results_suggest_fits_every_file_system(
    service: Service, sent: str, suggested: str
) -> None:
    job_id = await service.completed((sent, b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results?format=markdown")
    assert answer.headers["Content-Disposition"] == f"inline; filename*=UTF-8''{quote(suggested, safe='')}"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [("file=2", 404, "not_found"), ("format=markdown&file=2", 404, "not_found"), ("file=-1", 422, "invalid_request"),
     ("format=pdf", 422, "invalid_request"), ("format=zip&file=2", 404, "not_found"),
     ("format=markdown&file=1", 409, "export_unavailable")],
)  # fmt: skip
async def test_results_that_there_are_not(service: Service, query: str, status: int, code: str) -> None:
    job_id = await service.completed(("a.md", b"# A"), ("b.md", b"bad"))
    answer = await service.http.get(f"/jobs/{job_id}/results?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_format_that_does_not_exist_is_answered_with_those_that_do(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results?format=pdf")
    known = "'nodes', 'json', 'markdown', 'html', 'text', 'doctags', 'doclang', 'latex', 'vtt', 'yaml'"
    more = "'chunks', 'chunks.jsonl', 'confidence' or 'zip'"
    assert answer.json()["detail"] == f"query.format: Input should be {known}, {more}"


async def test_an_export_before_the_end_is_409_with_a_time_to_come_back(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    answer = await service.http.get(f"/jobs/{job_id}/results?format=markdown")
    assert (answer.status_code, answer.json()["code"]) == (409, "result_not_ready")
    assert answer.headers["Retry-After"] == "1"


async def test_an_export_of_a_failed_job_says_why_it_failed(service: Service) -> None:
    job_id = await service.submit(("a.md", b"# A"))
    error = (await service.http.post(f"/jobs/{job_id}/cancel")).json()["error"]
    answer = await service.http.get(f"/jobs/{job_id}/results?format=markdown")
    assert (answer.status_code, answer.json()["code"]) == (409, "export_unavailable")
    assert error in answer.json()["detail"]


async def test_results_whose_blobs_are_gone_are_410(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    await service.blobs.delete_prefix(f"results/{job_id}")
    answers = [await service.http.get(f"/jobs/{job_id}/results?format={form}") for form in ("nodes", "json", "text")]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(410, "job_expired")] * 3


@pytest.mark.parametrize("query", ["", "format=markdown", "format=json", "file=0"])
async def test_results_that_a_client_has_are_not_sent_again(service: Service, query: str) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    first = await service.http.get(f"/jobs/{job_id}/results?{query}")
    again = await service.http.get(f"/jobs/{job_id}/results?{query}", headers={"If-None-Match": first.headers["ETag"]})
    other = await service.http.get(f"/jobs/{job_id}/results?{query}", headers={"If-None-Match": '"other"'})
    assert (again.status_code, again.content, other.status_code) == (304, b"", 200)
    assert again.headers["ETag"] == first.headers["ETag"]


async def test_the_entries_are_sent_as_the_parser_stored_them(service: Service) -> None:
    job_id = await service.completed(("a.md", b"# A"))
    stored = orjson.dumps({"filename": "a.md", "success": True, "a_newer_field": [1, 2]})
    await service.blobs.put(f"results/{job_id}/0/response.json", stored)
    answer = await service.http.get(f"/jobs/{job_id}/results")
    assert stored in answer.content
