"""An ingress that is killed in the middle of an upload."""

from __future__ import annotations

import io
import time
from contextlib import suppress

import httpx

from tests.faults.conftest import Service
from tests.faults.test_bad_pages import ended

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
            while not set(self._inputs.glob("*")) - self._before:
                time.sleep(0.05)
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
    while left & set(inputs.glob("*")):
        time.sleep(0.5)
    # Its key is free again as soon as the ingress has been silent for a while.
    while (answer := http.post("/submit", files={"files": ("a.pdf", b"1")}, headers=key)).status_code == 409:
        assert answer.json()["code"] == "idempotency_conflict"
        time.sleep(float(answer.headers["Retry-After"]))
    assert answer.status_code == 202


def test_a_submit_whose_answer_is_lost_and_repeated_is_one_job(http: httpx.Client, service: Service) -> None:
    def repeated() -> str:
        while True:
            try:
                answer = http.post("/submit", files={"files": ("a.pdf", b"2")}, headers={"Idempotency-Key": "lost"})
                return str(answer.raise_for_status().json()["job_id"])
            except (httpx.TransportError, httpx.HTTPStatusError):
                time.sleep(0.3)

    job = repeated()
    service.kill(INGRESS)
    assert repeated() == job
    assert ended(http, job)["status"] == "completed"
