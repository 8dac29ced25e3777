"""Both clients and the command line against the real service, beyond the examples."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from client import AsyncDoclingParserClient, DeliveryState, DoclingParserClient, JobEnded, JobStatusEnum
from tests.web import serving_web


def test_events_follow_a_job_to_its_end(client: DoclingParserClient, documents: Path) -> None:
    with serving_web() as web:
        web.files = {"/report.pdf": (documents / "report.pdf").read_bytes()}
        web.held = {"/report.pdf": threading.Event()}
        job = client.job(client.submit_job(f"{web.url}/report.pdf", options={"do_ocr": False})["job_id"])
        events = job.events()
        first = next(events)
        assert not first.status.ended
        web.held["/report.pdf"].set()
        statuses = [first, *events]
    assert statuses[-1].status is JobStatusEnum.COMPLETED
    assert statuses[-1].progress.pages_done == 6
    assert [status.ended for status in (each.status for each in statuses)].count(True) == 1


async def test_async_events_of_a_job_that_has_ended_are_its_end(url: str, documents: Path) -> None:
    async with AsyncDoclingParserClient(url) as client:
        job_id = (await client.submit_job(documents / "notes.md"))["job_id"]
        last = await client.wait_for_job(job_id)
        assert [status async for status in client.events(job_id)] == [last]


def test_changes_of_all_jobs_go_on_where_an_earlier_reader_stopped(
    client: DoclingParserClient, documents: Path
) -> None:
    changes = client.watch_jobs()
    first = next(changes)
    assert first["event"] == "sync"
    job_id = client.submit_job(documents / "notes.md")["job_id"]
    mine = (each for each in changes if each["job"].get("job_id") == job_id)
    last = next(each for each in mine if each["job"]["status"] == JobStatusEnum.COMPLETED)
    client.delete_job(job_id)
    resumed = client.watch_jobs(after=last["id"])
    assert next(each for each in resumed if each["job"].get("job_id") == job_id)["event"] == "removed"


def test_cancel_after_the_end_is_refused_and_changes_nothing(client: DoclingParserClient, documents: Path) -> None:
    job_id = client.submit_job(documents / "notes.md")["job_id"]
    before = client.wait_for_job(job_id)
    with pytest.raises(JobEnded) as caught:
        client.cancel_job(job_id)
    assert (caught.value.status, caught.value.code) == (409, "job_ended")
    assert caught.value.request_id
    assert client.get_job_status(job_id) == before


def test_jobs_are_found_by_their_ids_and_page_by_page(client: DoclingParserClient, documents: Path) -> None:
    ids = [client.submit_job(documents / "notes.md")["job_id"] for _ in range(3)]
    assert {job["job_id"] for job in client.list_jobs(ids=[*ids, "none"])["jobs"]} == set(ids)
    assert set(ids) <= {job["job_id"] for job in client.iter_jobs()}
    for job_id in ids:
        client.delete_job(job_id)
    assert client.list_jobs(ids=ids)["jobs"] == []


def test_delivery_that_nobody_takes_is_told(client: DoclingParserClient, documents: Path) -> None:
    job = client.job(client.submit_job(documents / "notes.md", webhook_url="http://127.0.0.1:9/")["job_id"])
    job.wait()
    [delivery] = job.deliveries()
    assert (delivery.kind, delivery.url, delivery.state) == ("webhook", "http://127.0.0.1:9/", DeliveryState.PENDING)
    assert [again.url for again in job.redeliver()] == [delivery.url]


def test_results_come_as_an_archive_or_some_pages_of_them(
    client: DoclingParserClient, documents: Path, tmp_path: Path
) -> None:
    job_id = client.submit_job(documents / "report.pdf", options={"do_ocr": False})["job_id"]
    client.wait_for_job(job_id)
    with zipfile.ZipFile(client.download_results(job_id, tmp_path / "all.zip", "zip")) as archive:
        assert len(archive.namelist()) == 3
    [result] = client.get_job_results(job_id, pages="2-3")["results"]["results"]
    assert [node["metadata"]["page_number"] for node in result["nodes"]] == [2, 3]


def test_command_line_parses_a_folder_once(url: str, documents: Path, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "notes.md").write_bytes((documents / "notes.md").read_bytes())
    (folder / "broken.pdf").write_bytes(b"no PDF at all")

    def parse() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "client", "parse", str(folder), "-o", str(tmp_path / "texts")]
        environment = {**os.environ, "DOCFLEET_URL": url}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    first = parse()
    assert first.returncode == 1, first.stderr
    assert "The file is not a readable .pdf file" in first.stdout
    assert "1 parsed, 1 failed" in first.stdout
    assert (tmp_path / "texts" / "notes.md.md").read_text().startswith("# ")
    assert "1 skipped, 1 failed" in parse().stdout
