"""What a driver hands over, and how much of it at once. The client is a list of calls; no Ray runs."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import run
from typing import Any

import numpy as np
import orjson
import pytest
import ray
from ray import serve
from ray.exceptions import RayTaskError

from actors import connect
from actors.driver import UNNAMED, Fleet
from actors.errors import FileError, FleetUnavailable, JobFailed
from actors.job_ids import new_job_id
from actors.messages import InputFile
from client.models import ErrorCode, ParseOptions, ParseResponse, UrlSource


@dataclass
class CalledClient:
    """References are the calls themselves."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    refuses: str = ""

    def call(self, method: str, *args: Any) -> Any:
        self.calls.append((method, *args))
        return self.calls[-1]

    def get(self, call: tuple[Any, ...]) -> Any:
        """Instead of `ray.get`."""
        method, *args = call
        if method == "submit":
            return args[0].job_id
        if method == "new_job_id":
            return new_job_id(1)
        if method == "remote_file":
            _, job_id, index = args
            return InputFile(filename="x", blob=f"inputs/{job_id}/{index}", size=0, sha256="", remote=True)
        document, job_id, index, filename = args
        if filename == self.refuses:
            raise FileError(ErrorCode.UNSUPPORTED_FORMAT, filename)
        return InputFile(filename=filename, blob=f"inputs/{job_id}/{index}", size=len(document), sha256="")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> CalledClient:
    client = CalledClient()
    monkeypatch.setattr("actors.driver.DriverClient", lambda app: client)
    monkeypatch.setattr(serve, "get_deployment_handle", lambda deployment, app: None)
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "get", client.get)
    return client


@pytest.fixture
def fleet(client: CalledClient) -> Fleet:
    return connect()


@pytest.mark.parametrize("source", [b"tide", bytearray(b"tide"), memoryview(b"tide"), np.frombuffer(b"tide", np.uint8)])
def test_bytes_in_any_form_are_sent_as_an_array(fleet: Fleet, client: CalledClient, source: Any) -> None:
    fleet.parse(source)
    [(method, document, task)] = client.calls
    assert (method, document.dtype, document.tobytes()) == ("parse", np.uint8, b"tide")
    assert task.filename == UNNAMED


def test_large_bytes_are_sent_without_a_copy(fleet: Fleet, client: CalledClient) -> None:
    data = np.zeros(1000, np.uint8)
    fleet.parse(data)
    assert np.shares_memory(client.calls[0][1], data)


@pytest.mark.parametrize("as_path", [str, Path])
def test_a_path_is_read_here_and_names_the_file(
    fleet: Fleet, client: CalledClient, tmp_path: Path, as_path: Any
) -> None:
    (tmp_path / "tide.md").write_bytes(b"tide")
    fleet.parse(as_path(tmp_path / "tide.md"))
    fleet.parse(as_path(tmp_path / "tide.md"), filename="other.md")
    assert [task.filename for _, _, task in client.calls] == ["tide.md", "other.md"]
    assert client.calls[0][1].tobytes() == b"tide"


def test_a_reference_is_passed_on_unseen(fleet: Fleet, client: CalledClient) -> None:
    ref = ray.ObjectRef(bytes(28))
    fleet.parse(ref, filename="tide.md")
    assert client.calls[0][1] is ref


def test_what_cannot_be_sent_is_refused_at_once(fleet: Fleet, client: CalledClient, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fleet.parse(tmp_path / "none.pdf")
    for source in (17, np.zeros(3), np.zeros((2, 2), np.uint8), np.zeros(8, np.uint8)[::2]):
        with pytest.raises(TypeError):
            fleet.parse(source)  # type: ignore[arg-type]
    assert client.calls == []


def test_options_come_as_a_model_as_a_mapping_or_by_name(fleet: Fleet, client: CalledClient) -> None:
    fleet.parse(b"a", do_ocr=False, page_range=(1, 2))
    fleet.parse(b"a", options={"do_ocr": False, "page_range": (1, 2)})
    fleet.parse(b"a", options=ParseOptions(do_ocr=True, page_range=(1, 2)), do_ocr=False)
    expected = ParseOptions(do_ocr=False, page_range=(1, 2))
    assert [task.options for _, _, task in client.calls] == [expected] * 3


def test_a_password_is_not_lost_among_the_options(fleet: Fleet, client: CalledClient) -> None:
    fleet.parse(b"a", options=ParseOptions(password="sesame"))
    assert client.calls[0][2].options.password.get_secret_value() == "sesame"


@pytest.mark.parametrize("option", [{"do_ocrr": True}, {"page_range": (3, 2)}])
def test_an_option_that_is_none_is_refused_at_once(fleet: Fleet, option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="ParseOptions"):
        fleet.parse(b"a", **option)


def nested(depth: int) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    for _ in range(depth):
        metadata = {"a": metadata}
    return metadata


@pytest.mark.parametrize(
    "metadata",
    [{"when": object()}, {"size": float("nan")}, {"half": "\ud800"}, nested(101), nested(5000)],
    ids=["object", "nan", "half", "deep", "deeper"],
)
def test_metadata_that_is_not_json_is_refused_at_once(fleet: Fleet, metadata: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        fleet.parse(b"a", metadata=metadata)


def test_metadata_that_is_taken_can_be_read_by_the_client(fleet: Fleet, client: CalledClient) -> None:
    fleet.parse(b"a", metadata=nested(99))
    node = {"metadata": client.calls[0][2].metadata}
    response = ParseResponse(filename="a", success=True, nodes=[node], num_nodes=1)
    assert ParseResponse.model_validate_json(response.model_dump_json()).nodes == [node]


def test_metadata_is_what_json_brings_back_of_it(fleet: Fleet, client: CalledClient) -> None:
    fleet.parse(b"a", metadata={"pair": (1, 2), 3: None, "large": 2**64 - 1})
    metadata = client.calls[0][2].metadata
    assert metadata == {"pair": [1, 2], "3": None, "large": 2**64 - 1}
    assert orjson.dumps(metadata)


@pytest.mark.parametrize("large", [2**64, -(2**63) - 1, 10**30])
def test_an_integer_that_json_cannot_bring_back_is_refused(fleet: Fleet, large: int) -> None:
    with pytest.raises(ValueError, match="integer"):
        fleet.parse(b"a", metadata={"large": large})


def test_a_path_that_is_no_unicode_has_a_name_that_json_can_hold(
    fleet: Fleet, client: CalledClient, tmp_path: Path
) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.pdf"
    Path(os.fsdecode(path)).write_bytes(b"tide")
    fleet.parse(os.fsdecode(path))
    assert client.calls[0][2].filename == "caf?.pdf"


def test_documents_of_one_fleet_take_turns_as_one_and_differ(fleet: Fleet, client: CalledClient) -> None:
    fleet.parse(b"a")
    fleet.parse(b"a")
    connect().parse(b"a")
    first, second, other = (task for _, _, task in client.calls)
    assert first.job_id == second.job_id != other.job_id
    assert first.index != second.index


def test_a_document_too_many_waits_for_one_that_is_done(client: CalledClient, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []

    def wait(refs: Sequence[Any], *, fetch_local: bool) -> tuple[list[Any], list[Any]]:
        waited.append(len(refs))
        return list(refs[:1]), list(refs[1:])

    monkeypatch.setattr(ray, "wait", wait)
    fleet = connect(max_in_flight=2)
    for _ in range(5):
        fleet.parse(b"a")
    assert waited == [2, 2, 2]


def test_no_document_in_flight_is_no_limit(client: CalledClient) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        connect(max_in_flight=0)


def test_a_fleet_that_travels_connects_anew_with_its_limits(fleet: Fleet, client: CalledClient) -> None:
    travelled = pickle.loads(pickle.dumps(connect("other", max_in_flight=7)))
    assert travelled.__reduce__() == (Fleet, ("other", 7))


def test_a_job_is_submitted_once_its_files_are_stored(fleet: Fleet, client: CalledClient, tmp_path: Path) -> None:
    (tmp_path / "tide.md").write_bytes(b"tide")
    job_id = fleet.submit([tmp_path / "tide.md", ("b.md", b"bb")], metadata={"case": 17}, do_ocr=False)
    assert [method for method, *_ in client.calls] == ["new_job_id", "store", "store", "submit"]
    spec = client.calls[-1][1]
    assert (spec.job_id, spec.metadata, spec.options) == (job_id, {"case": 17}, ParseOptions(do_ocr=False))
    assert [(file.filename, file.size) for file in spec.files] == [("tide.md", 4), ("b.md", 2)]
    assert fleet.submit([b"a"]) != job_id


def test_a_submit_that_fails_half_way_discards_what_was_stored(fleet: Fleet, client: CalledClient) -> None:
    client.refuses = "b.exe"
    with pytest.raises(FileError):
        fleet.submit([("a.md", b"a"), ("b.exe", b"b")])
    _, store, _, discard = client.calls
    assert discard == ("discard", store[2])


@pytest.mark.parametrize(("files", "error"), [("a.pdf", TypeError), (b"%PDF", TypeError), ([], ValueError)])
def test_what_is_no_list_of_files_makes_no_job(
    fleet: Fleet, client: CalledClient, files: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        fleet.submit(files)
    assert client.calls == []


def test_without_a_cluster_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(*, address: str) -> None:
        raise ConnectionError(f"nothing at {address}")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(FleetUnavailable, match="No Ray cluster is running"):
        connect()


@pytest.mark.parametrize("error", [FileError(ErrorCode.NO_PAGES, "none"), JobFailed(ErrorCode.POISON, "none")])
def test_an_error_keeps_its_class_and_code_on_its_way_through_ray(error: FileError | JobFailed) -> None:
    travelled = pickle.loads(pickle.dumps(error))
    assert (type(travelled), vars(travelled)) == (type(error), vars(error))
    raised = RayTaskError("parse", "traceback", travelled).as_instanceof_cause()
    assert isinstance(raised, type(error))
    assert raised.message == "none"


def test_importing_the_door_does_not_import_ray() -> None:
    check = "import sys, actors; print('ray' in sys.modules or 'numpy' in sys.modules)"
    done = run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_job_may_have_files_that_the_server_fetches(fleet: Fleet, client: CalledClient) -> None:
    named, unnamed = UrlSource(url="https://a.test/1", filename="a.pdf"), UrlSource(url="https://b.test/2")
    fleet.submit([b"tide", named, ("b.pdf", unnamed)])
    asked = [(call[1].filename, call[3]) for call in client.calls if call[0] == "remote_file"]
    assert asked == [("a.pdf", 1), ("b.pdf", 2)]
    spec = client.calls[-1][1]
    assert [file.remote for file in spec.files] == [False, True, True]


def test_a_single_document_is_not_fetched(fleet: Fleet) -> None:
    with pytest.raises(TypeError):
        fleet.parse(UrlSource(url="https://a.test/1"))  # type: ignore[arg-type] # which is the point
