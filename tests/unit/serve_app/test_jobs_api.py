"""Submitting a job, following it, and reading what it left."""

from __future__ import annotations

from tests.unit.serve_app.service import Service, form


async def test_submit_answers_202_with_the_way_to_the_job(service: Service) -> None:
    answer = await service.http.post("/submit", files=form(("a.md", b"# A"), ("b.md", b"# B")))
    job_id = answer.json()["job_id"]
    assert answer.status_code == 202
    assert answer.json() == {
        "job_id": job_id,
        "status": "pending",
        "message": "Job submitted successfully with 2 file(s)",
    }
    assert answer.headers["Location"] == f"/jobs/{job_id}"
    assert answer.headers["Retry-After"] == "1"
