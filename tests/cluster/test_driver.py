"""Python drivers on a real cluster: documents as references, page-parallel, and errors with their own types."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
import pytest
import ray
from ray.exceptions import TaskCancelledError

from actors import connect
from actors.driver import Fleet
from actors.errors import FileError, FleetUnavailable, JobNotFound
from client.models import BatchParseResponse, ErrorCode, JobStatusEnum, ParseResponse, UrlSource
from tests.cluster.conftest import ReplicaPids
from tests.web import serving_web

ROOT = Path(__file__).parents[2]

ELSEWHERE = """
import sys
import ray

ray.init(address="auto", namespace="elsewhere", logging_level="error", log_to_driver=False)
from actors import connect

document = ray.get(connect().parse(sys.argv[1]))
print("loaded", document.num_nodes, *sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def fleet(url: str) -> Fleet:
    return connect()


@pytest.fixture(scope="module")
def folder(documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sample documents and one broken file."""
    folder = tmp_path_factory.mktemp("documents")
    shutil.copy(documents / "notes.md", folder)
    (folder / "broken.pdf").write_bytes(b"no PDF at all")
    return folder


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("texts")


@pytest.fixture(scope="module")
def drivers(url: str, folder: Path, target: Path) -> Iterator[dict[str, Popen[str]]]:
    """Programs on the cluster. All start at once, because each needs seconds to start."""
    programs = {
        "elsewhere": ["-c", ELSEWHERE, str(folder / "notes.md")],
        "driver": ["examples/driver.py"],
        "ray data": ["examples/ray_data_pipeline.py", str(folder), str(target)],
    }
    environment = {**os.environ, "RAY_ADDRESS": ray.get_runtime_context().gcs_address}
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                Popen([sys.executable, *program], cwd=ROOT, env=environment, stdout=PIPE, stderr=PIPE, text=True)
            )
            for name, program in programs.items()
        }


def output_of(driver: Popen[str]) -> str:
    output, errors = driver.communicate()
    assert driver.returncode == 0, errors[-3000:]
    return output


def pages_of(document: ParseResponse) -> list[int]:
    return [node["metadata"]["page_number"] for node in document.nodes]


def test_a_job_of_a_driver_may_have_a_file_that_the_server_fetches(fleet: Fleet) -> None:
    with serving_web() as web:
        web.files = {"/notes.md": b"# Tides"}
        job_id = fleet.submit([("sent.md", b"# Sent"), UrlSource(url=f"{web.url}/notes.md")])
        batch: BatchParseResponse = ray.get(fleet.results(job_id), timeout=120)
    assert [entry.nodes[0]["text"] for entry in batch.results] == ["# Sent", "# Tides"]


def test_a_path_gives_a_reference_of_a_response(fleet: Fleet, documents: Path) -> None:
    ref = fleet.parse(documents / "report.pdf", metadata={"case": 17}, page_range=(2, 6))
    assert isinstance(ref, ray.ObjectRef)
    document = ray.get(ref)
    assert isinstance(document, ParseResponse)
    assert (document.filename, document.success, document.error) == ("report.pdf", True, None)
    assert pages_of(document) == [2, 3, 4, 5, 6]
    assert {node["metadata"]["case"] for node in document.nodes} == {17}
    assert {node["metadata"]["file_size"] for node in document.nodes} == {(documents / "report.pdf").stat().st_size}


def test_bytes_and_references_of_bytes_and_arrays_are_the_same_document(fleet: Fleet, documents: Path) -> None:
    data = (documents / "report.pdf").read_bytes()
    sources = [data, ray.put(data), ray.put(np.frombuffer(data, np.uint8))]
    parsed = ray.get([fleet.parse(source, page_range=(1, 3), do_ocr=False) for source in sources])
    texts = [[node["text"] for node in document.nodes] for document in parsed]
    assert texts[0] == texts[1] == texts[2]
    assert [pages_of(document) for document in parsed] == [[1, 2, 3]] * 3
    assert len({node["id"] for document in parsed for node in document.nodes}) == 9


def test_a_document_is_parsed_as_it_is_in_a_job(fleet: Fleet, documents: Path) -> None:
    path = documents / "report.pdf"
    parsed, batch = ray.get([fleet.parse(path), fleet.results(fleet.submit([path]))])
    of_parse, of_job = (
        [{key: value for key, value in node.items() if key not in ("id", "doc_id")} for node in nodes]
        for nodes in (parsed.nodes, batch.results[0].nodes)
    )
    assert of_parse == of_job
    assert pages_of(parsed) == [1, 2, 3, 4, 5, 6]


def test_more_documents_than_are_let_in_at_once_all_come_out(url: str) -> None:
    fleet = connect(max_in_flight=3)
    texts = [f"# Tide {number}".encode() for number in range(20)]
    parsed = ray.get([fleet.parse(text, filename=f"{number}.md") for number, text in enumerate(texts)])
    assert [document.filename for document in parsed] == [f"{number}.md" for number in range(20)]
    assert ["Tide 19" in document.nodes[0]["text"] for document in parsed] == [False] * 19 + [True]


def test_a_reference_is_an_argument_of_tasks_and_can_be_waited_for(fleet: Fleet) -> None:
    ref = fleet.parse(b"# Tide\n\nHigh at noon.", filename="tide.md")
    ready, _ = ray.wait([ref], timeout=None)
    assert ready == [ref]
    count = ray.remote(lambda document: document.num_nodes)
    assert ray.get(count.options(num_cpus=0).remote(ref)) == 1


def test_a_task_may_make_the_document_and_another_may_use_the_fleet(fleet: Fleet) -> None:
    write = ray.remote(lambda: b"# Written by a task").options(num_cpus=0)
    parse = ray.remote(lambda data: ray.get(fleet.parse(data, filename="a.md")).nodes[0]["text"]).options(num_cpus=0)
    assert "Written by a task" in ray.get(parse.remote(write.remote()))
    assert "Written by a task" in ray.get(fleet.parse(write.remote(), filename="a.md")).nodes[0]["text"]


async def test_a_notebook_with_a_running_event_loop_may_parse(fleet: Fleet) -> None:
    document = await fleet.parse(b"# Tide", filename="tide.md")
    assert document.num_nodes == 1


@pytest.mark.parametrize(
    ("source", "filename", "code"),
    [
        (b"no PDF at all", None, ErrorCode.INVALID_FILE),
        (b"", "empty.md", ErrorCode.EMPTY_FILE),
        (b"MZ", "tool.exe", ErrorCode.UNSUPPORTED_FORMAT),
    ],
)
def test_a_file_that_cannot_be_parsed_is_a_file_error(
    fleet: Fleet, source: bytes, filename: str | None, code: ErrorCode
) -> None:
    with pytest.raises(FileError) as caught:
        ray.get(fleet.parse(source, filename=filename))
    assert caught.value.file_code is code
    assert caught.value.message


def test_a_reference_of_something_else_is_a_file_error(fleet: Fleet) -> None:
    with pytest.raises(FileError, match="not bytes"):
        ray.get(fleet.parse(ray.put({"a": "dict"})))


def test_a_document_that_is_cancelled_is_not_waited_for(fleet: Fleet, documents: Path) -> None:
    ref = fleet.parse(documents / "report.pdf")
    ray.cancel(ref)
    with pytest.raises(TaskCancelledError):
        ray.get(ref)


def test_a_job_is_durable_and_any_driver_can_wait_for_it(fleet: Fleet, documents: Path) -> None:
    files = [documents / "notes.md", ("broken.pdf", b"no PDF at all"), ("tide.md", ray.put(b"# Tide"))]
    job_id = fleet.submit(files, metadata={"case": 17})
    batch = ray.get(connect().results(job_id))
    assert isinstance(batch, BatchParseResponse)
    assert [result.filename for result in batch.results] == ["notes.md", "broken.pdf", "tide.md"]
    assert [result.error_code for result in batch.results] == [None, ErrorCode.INVALID_FILE, None]
    assert (batch.total_files, batch.successful, batch.failed) == (3, 2, 1)
    assert batch.results[2].nodes[0]["metadata"]["case"] == 17
    assert ray.get(fleet.status(job_id)).status is JobStatusEnum.COMPLETED


def test_a_job_with_an_unsupported_file_is_refused_whole(fleet: Fleet) -> None:
    with pytest.raises(FileError, match=r"tool\.exe"):
        fleet.submit([("tide.md", b"# Tide"), ("tool.exe", b"MZ")])


def test_an_unknown_job_is_said_to_be_none(fleet: Fleet) -> None:
    for ask in (fleet.status, fleet.results):
        with pytest.raises(JobNotFound):
            ray.get(ask("no-such-job"))


def test_a_dispatcher_that_dies_is_not_noticed(fleet: Fleet, documents: Path, replica_pids: ReplicaPids) -> None:
    job_id = fleet.submit([documents / "report.pdf"])
    refs = [fleet.parse(documents / "report.pdf"), fleet.parse(b"no PDF at all"), fleet.results(job_id)]
    ray.wait(refs, timeout=None)
    _, under_way = ray.wait(refs, num_returns=len(refs), timeout=0)
    pids = replica_pids("Dispatcher")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert pids
    assert under_way
    with pytest.raises(FileError):
        ray.get(refs.pop(1))
    parsed, batch = ray.get(refs)
    assert pages_of(parsed) == pages_of(batch.results[0]) == [1, 2, 3, 4, 5, 6]


def test_an_application_that_does_not_run_is_named(url: str) -> None:
    with pytest.raises(FleetUnavailable, match="No application 'nowhere' is running"):
        connect("nowhere")


def test_a_driver_in_another_namespace_loads_nothing_heavy(drivers: dict[str, Popen[str]]) -> None:
    lines = output_of(drivers["elsewhere"]).splitlines()  # among which the raylet's warnings may be
    [report] = [line for line in lines if line.startswith("loaded ")]
    _, count, *modules = report.split()
    assert count == "1"
    assert not {"docling", "docling_core", "torch", "sqlalchemy", "obstore", "serve_app"} & set(modules)


def test_the_driver_example_runs(drivers: dict[str, Popen[str]]) -> None:
    assert "2 of 2 files" in output_of(drivers["driver"])


def test_the_ray_data_example_runs(drivers: dict[str, Popen[str]], target: Path) -> None:
    output = output_of(drivers["ray data"])
    assert "broken.pdf: The file is not a readable .pdf file" in output
    rows = [json.loads(line) for path in target.iterdir() for line in path.read_text().splitlines()]
    assert {row["name"]: row["words"] > 0 for row in rows} == {"notes.md": True, "broken.pdf": False}
