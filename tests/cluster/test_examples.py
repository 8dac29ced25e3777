"""Every HTTP example, unchanged, against the service; `test_driver.py` runs the driver examples."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any, NoReturn

import pytest

import examples.demo
from client import DeliveryState, DoclingParserClient
from serve_app import local
from serve_app.settings import Settings
from tests.waiting import eventually

EXAMPLES = Path(__file__).parents[2] / "examples"

Run = Callable[..., str]


@pytest.fixture
def run(url: str) -> Run:
    def run(*command: str | Path) -> str:
        environment = {**os.environ, "DOCFLEET_URL": url, "PYTHONWARNINGS": "error"}
        done = subprocess.run(
            command, cwd=EXAMPLES.parent, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def receiver(settings: Settings) -> Iterator[tuple[str, Iterator[str]]]:
    """The webhook receiver's address, and the lines it prints."""
    environment = {**os.environ, "WEBHOOK_SECRET": settings.webhook_secret.get_secret_value()}
    command = [sys.executable, EXAMPLES / "webhook_receiver.py", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = iter(process.stdout)
        yield next(lines).split()[-1], lines
        process.kill()


@pytest.fixture
def callbacks() -> Iterator[tuple[str, Queue[dict[str, Any]]]]:
    """An address that accepts callbacks, and the messages that arrived."""
    received: Queue[dict[str, Any]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing per request."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", received
        server.shutdown()


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("submit_poll.py", ["Job submitted successfully with 2 file(s)", "  completed", "notes.md: 1 nodes"]),
        ("submit_and_wait.py", ["sync: 2 of 2 files, 2 nodes", "async: 2 of 2 files, 2 nodes", "  completed: "]),
        ("blocking_parse.py", ["2 of 2 files, 2 nodes", "in batches: [1, 1] nodes", "in parallel: [1, 1] nodes"]),
        ("async_job_example.py", ["is healthy", "1 nodes in ", "memo.docx: 1 nodes", " completed"]),
    ],
)
def test_program_of_the_original_manual_runs(run: Run, documents: Path, program: str, says: list[str]) -> None:
    output = run(sys.executable, EXAMPLES / program, documents / "notes.md", documents / "memo.docx")
    assert [line for line in says if line not in output] == []


@pytest.fixture
def demo(url: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """`make demo`, against this service instead of one that it starts and stops."""
    monkeypatch.setattr(local, "running_service", lambda _: nullcontext())
    monkeypatch.setattr(examples.demo, "free_port", lambda: settings.port)
    monkeypatch.chdir(tmp_path)
    return examples.demo.main


def test_demo_shows_every_sample_and_keeps_its_results(
    demo: Callable[[], int], documents: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = sorted(path.name for path in documents.iterdir())
    assert demo() == 0
    output = capsys.readouterr().out
    assert "Models: profile bundled (layout: " in output
    assert [(row[0], row[-1]) for row in rows_of(output)] == [(name, "ok") for name in samples]
    assert re.findall(rf"^({'|'.join(map(re.escape, samples))})\n  \S", output, re.MULTILINE) == samples
    for name in samples:
        results = tmp_path / "demo-results" / name
        assert json.loads((results / "nodes.json").read_text())["results"]["successful"] == 1
        assert json.loads((results / "document.json").read_text())["schema_name"] == "DoclingDocument"
        assert (results / "document.md").read_text().strip()


def test_demo_whose_document_fails_says_why_and_fails(
    demo: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "broken.pdf").write_bytes(b"no PDF at all")
    monkeypatch.setattr(examples.demo, "DOCUMENTS", folder)
    assert demo() == 1
    (row,) = rows_of(capsys.readouterr().out)
    assert (row[0], row[-1]) == ("broken.pdf", "The file is not a readable .pdf file")
    assert [path.name for path in (tmp_path / "demo-results" / "broken.pdf").iterdir()] == ["nodes.json"]


def test_demo_starts_a_parser_to_name_whatever_the_environment_says(
    demo: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(settings: Settings) -> NoReturn:
        raise InterruptedError(settings.parser_min_replicas)

    monkeypatch.setenv("PARSER_MIN_REPLICAS", "0")
    monkeypatch.setattr(local, "running_service", stop)
    with pytest.raises(InterruptedError, match="1"):
        demo()


def rows_of(output: str) -> list[list[str]]:
    """The cells of the table's rows, without the header."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if line[:1] == "│"]


def test_folder_of_many_files_is_parsed_and_failures_are_told(run: Run, documents: Path, tmp_path: Path) -> None:
    for name in ("notes.md", "article.html", "memo.docx"):
        shutil.copy(documents / name, tmp_path)
    output = run(sys.executable, EXAMPLES / "many_files.py", tmp_path)
    assert sorted(output.splitlines()) == [
        f"{tmp_path}/{name}: 1 nodes" for name in ("article.html", "memo.docx", "notes.md")
    ]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_finds_its_way_by_the_servers_answers(run: Run, documents: Path) -> None:
    first, *text = run("sh", EXAMPLES / "curl.sh", documents / "notes.md").splitlines()
    assert first.startswith("job: /jobs/")
    assert text[0].startswith("# ")


def wait_until_delivered(client: DoclingParserClient, job_id: str) -> None:
    eventually(
        lambda: [each.state for each in client.job(job_id).deliveries()] == [DeliveryState.DELIVERED],
        what=f"the delivery of job {job_id}",
    )


def test_receiver_is_told_of_a_job_and_passes_over_its_repetition(
    client: DoclingParserClient, receiver: tuple[str, Iterator[str]], documents: Path
) -> None:
    url, lines = receiver
    first, second = (client.submit_job(documents / "notes.md", webhook_url=url)["job_id"] for _ in range(2))
    assert {next(lines), next(lines)} == {f"job.completed: {job}, 1 nodes\n" for job in (first, second)}
    wait_until_delivered(client, first)  # until then there is nothing to repeat
    client.redeliver(first)
    wait_until_delivered(client, first)
    third = client.submit_job(documents / "notes.md", webhook_url=url)["job_id"]
    assert next(lines) == f"job.completed: {third}, 1 nodes\n"


def test_callbacks_bring_every_chunk_and_then_the_end(
    client: DoclingParserClient, callbacks: tuple[str, Queue[dict[str, Any]]], documents: Path
) -> None:
    url, received = callbacks
    files = [documents / "notes.md", documents / "memo.docx"]
    job = client.submit_job(*files, callback_url=url, callback_content="chunks")["job_id"]
    client.wait_for_job(job)
    chunks = list(client.chunks(job))
    told = [received.get(timeout=60)["message"] for _ in range(len(chunks) + 1)]
    assert [message.get("chunk") for message in told] == [*chunks, None]
    assert told[-1]["total_chunks"] == len(chunks)


def test_callbacks_bring_every_node_and_then_the_end(
    client: DoclingParserClient, callbacks: tuple[str, Queue[dict[str, Any]]], documents: Path
) -> None:
    url, received = callbacks
    files = [documents / "notes.md", documents / "memo.docx"]
    job = client.submit_job(*files, callback_url=url, task_id="case-17")["job_id"]
    nodes = [node for result in client.wait_for_results(job)["results"] for node in result["nodes"]]
    told = [received.get(timeout=60) for _ in range(len(nodes) + 1)]
    assert {message["task_id"] for message in told} == {"case-17"}
    assert [message["message"].get("node") for message in told] == [*nodes, None]
    assert [message["status"] for message in told] == ["PROCESSING"] * len(nodes) + ["COMPLETED"]
