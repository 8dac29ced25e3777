"""An ingress that is killed in the middle of an upload."""

from __future__ import annotations

import io
from contextlib import suppress
from functools import partial

import httpx

from tests.faults.conftest import PATIENCE_S, Service
from tests.faults.test_bad_pages import ended
from tests.waiting import eventually

INGRESS = "ray::ServeReplica:docfleet:Ingress"


class Upload(io.BytesIO):
    """Kills the ingress once `after` bytes of it were read, and the file before it is on disk."""

    def __init__(self, data: bytes, service: Service, after: int) -> None:
        super().__init__(data)
        self._service = service
        self._inputs = service.state / "blobs" / "inputs"
        self._before = set(self._inputs.glob("*"))
        self._after: int | None = after

    def read(self, size: int | None = -1, /) -> bytes:
        if self._after is not None and self.tell() >= self._after:
            self._after = None
            eventually(lambda: set(self._inputs.glob("*")) - self._before, what="the folder of the upload")
            assert self._service.kill(INGRESS)
        return super().read(size)


def test_an_upload_whose_ingress_is_killed_leaves_no_job_and_no_file(http: httpx.Client, service: Service) -> None:
    inputs = service.state / "blobs" / "inputs"
    files = [
        ("files", ("first.pdf", b"1")),
        ("files", ("second.pdf", Upload(b"x" * 4_000_000, service, after=2_000_000))),
    ]
    before = set(inputs.glob("*"))
    key = {"Idempotency-Key": "killed"}
    with suppress(httpx.TransportError):  # whether an answer gets through is up to the proxy's timing
        answer = http.post("/submit", files=files, data={"metadata": '{"upload": "killed"}'}, headers=key)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    left = set(inputs.glob("*")) - before
    assert len(left) == 1
    service.wait_until_ready()
    assert not any(job["metadata"] for job in http.get("/jobs").json()["jobs"])
    eventually(lambda: not left & set(inputs.glob("*")), within_s=PATIENCE_S, what="the removal of the files")
    # Its key is free again as soon as the ingress has been silent for a while.
    assert eventually(partial(submitted, http, key), within_s=PATIENCE_S, every_s=1.0) == 202


def submitted(http: httpx.Client, key: dict[str, str]) -> int | None:
    """The status of a submit, once no other upload holds its key."""
    answer = http.post("/submit", files={"files": ("a.pdf", b"1")}, headers=key)
    if answer.status_code != 409:
        return answer.status_code
    assert answer.json()["code"] == "idempotency_conflict"
    assert "Retry-After" in answer.headers
    return None


def test_a_submit_whose_answer_is_lost_and_repeated_is_one_job(http: httpx.Client, service: Service) -> None:
    def submitted() -> str | None:
        try:
            answer = http.post("/submit", files={"files": ("a.pdf", b"2")}, headers={"Idempotency-Key": "lost"})
            return str(answer.raise_for_status().json()["job_id"])
        except (httpx.TransportError, httpx.HTTPStatusError):
            return None

    job = eventually(submitted, within_s=PATIENCE_S, every_s=0.3)
    service.kill(INGRESS)
    assert eventually(submitted, within_s=PATIENCE_S, every_s=0.3) == job
    assert ended(http, job)["status"] == "completed"
