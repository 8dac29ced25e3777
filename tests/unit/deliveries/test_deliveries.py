"""Callbacks and webhooks, against a receiver on a real socket: bodies, order, signatures and retries."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

from actors.blobs import BlobStore, open_blobs
from actors.deliveries import worker as worker_module
from actors.deliveries.payloads import SCHEDULE_S, Answer, after_failure, messages, parse_secrets, report
from actors.deliveries.worker import TURN_S, DeliveryConfig, DeliveryWorker
from actors.delivery_messages import DeliveryReport, DueDelivery
from actors.derivations import Derivation
from actors.dispatcher.dispatcher import Dispatcher, DispatcherConfig
from actors.dispatcher.files import Splitting
from actors.dispatcher.jobs import JobLimits
from actors.egress.guard import AddressGuard, Hosts
from actors.egress.http import retry_after_s
from actors.errors import FileError, FleetUnavailable, StaleLease
from actors.messages import Failure, FileOutcome, InputFile, JobOutcome, JobSpec, JobView
from actors.registry.registry import JobRegistry, RegistryConfig
from actors.telemetry.metrics import DELIVERIES
from client.models import ChunkOptions, DeliveryState, ErrorCode, JobStatusEnum, ParseOptions, Progress
from client.webhooks import verify_webhook
from tests.fakes import FakeFetcher
from tests.memory_parsers import MemoryParsers
from tests.peak_memory import peak_memory
from tests.recorded import Recorded
from tests.threaded_registry import ThreadedRegistry
from tests.waiting import eventually_async

CUT = ChunkOptions(max_tokens=64, tokenizer="a/b")
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD_SECRET = base64.b64encode(b"o" * 24).decode()
LOOPBACK = DeliveryConfig(allowed=Hosts.parse("127.0.0.1/32"), webhook_keys=parse_secrets(SECRET))


@dataclass
class Reply:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"
    endless: bool = False
    silent: bool = False


@dataclass
class Request:
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: tuple[str, int]

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


class Receiver(ThreadingHTTPServer):
    """Answers with `replies` in turn, then with 200; keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: list[Reply] = []
        self.requests: list[Request] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?key=1"

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [request.json for request in self.requests]

    @property
    def heard(self) -> list[int | str]:
        """The index of each node, and the status of each ending."""
        return [message["message"].get("node_index", message["status"]) for message in self.messages]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are sent apart
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(Request(self.path, dict(self.headers), body, self.client_address))
        reply = self.server.replies.pop(0) if self.server.replies else Reply()
        if reply.silent:
            self.server.released.wait()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if not reply.endless:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        try:
            self.wfile.write(reply.body)
            while reply.endless:
                self.wfile.write(bytes(65536))
        except OSError:  # the sender has heard enough
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Clock:
    now: float = 1_700_000_000.0
    step: float = 0.0  # between two looks

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@dataclass
class MemoryOutbox:
    reports: list[DeliveryReport] = field(default_factory=list)
    taken_over: bool = False

    async def due_deliveries(self, limit: int) -> list[DueDelivery]:
        raise AssertionError("these tests hand deliveries out themselves")

    async def delivery_progress(self, report: DeliveryReport) -> None:
        if self.taken_over:
            raise StaleLease("taken over")
        self.reports.append(report)


@pytest.fixture
def blobs() -> BlobStore:
    return open_blobs("memory://")


@pytest.fixture
def outbox() -> MemoryOutbox:
    return MemoryOutbox()


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def no_chunks(wanted: Derivation) -> bytes | None:
    raise AssertionError(f"nobody asked for {wanted}")


@dataclass
class Chunker:
    """Stores as many chunks of a document as its source says, or fails."""

    blobs: BlobStore
    failure: Exception | None = None
    keeps: bool = True
    made: list[Derivation] = field(default_factory=list)

    async def __call__(self, wanted: Derivation) -> bytes | None:
        if self.failure:
            raise self.failure
        self.made.append(wanted)
        count = int(await self.blobs.get(wanted.source))
        lines = [{"max_tokens": 64}, *({"id": f"{wanted.source}.{n}", "text": "ü"} for n in range(count))]
        chunks = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        if not self.keeps:
            return chunks
        await self.blobs.put(wanted.target, chunks)
        return None


@pytest.fixture
def chunker(blobs: BlobStore) -> Chunker:
    return Chunker(blobs)


@pytest.fixture
def chunk_worker(outbox: MemoryOutbox, blobs: BlobStore, chunker: Chunker, clock: Clock) -> DeliveryWorker:
    return DeliveryWorker(outbox, blobs, chunker, LOOPBACK, clock=clock, jitter=lambda: 0.0)


@pytest.fixture
def worker(outbox: MemoryOutbox, blobs: BlobStore, clock: Clock) -> DeliveryWorker:
    return DeliveryWorker(outbox, blobs, no_chunks, LOOPBACK, clock=clock, jitter=lambda: 0.0)


async def job_of(blobs: BlobStore, *nodes: int, failure: Failure | None = None) -> JobView:
    """An ended job with a file of as many nodes as each number says; -1 is a file that failed."""
    files = []
    for index, count in enumerate(nodes):
        response = {"nodes": [{"id": f"{index}.{n}", "text": "ü"} for n in range(count)]}
        await blobs.put(f"results/j/{index}/response.json", orjson.dumps(response))
        files.append(
            FileOutcome(
                filename=f"{index}.pdf",
                response=f"results/j/{index}/response.json",
                document=None,
                success=count >= 0,
                num_nodes=max(count, 0),
                pages=1,
                processing_time_ms=1.0,
            )
        )
    return JobView(
        job_id="j",
        owner="",
        status=JobStatusEnum.FAILED if failure else JobStatusEnum.COMPLETED,
        version=3,
        submitted_at=1.0,
        started_at=2.0,
        completed_at=4.5,
        attempts=1,
        progress=Progress(),
        metadata={"source": "s"},
        failure=failure,
        queue_position=None,
        files=tuple(files),
    )


def delivery_of(job: JobView, url: str, **changes: Any) -> DueDelivery:
    delivery = DueDelivery(job=job, kind="callback", url=url, task_id="t", lease="l", position=0, failed_attempts=0)
    return replace(delivery, **changes)


def resumed(delivery: DueDelivery, after: DeliveryReport) -> DueDelivery:
    """The same delivery at its next attempt."""
    return replace(delivery, position=after.position, failed_attempts=after.failed_attempts)


# -- callbacks ------------------------------------------------------------------------------------------------------


async def test_every_node_is_sent_in_order_and_then_the_end(worker, blobs, receiver) -> None:
    job = await job_of(blobs, 2, -1, 0, 1)
    report = await worker.deliver(delivery_of(job, receiver.url))
    nodes = [("0.0", "0.pdf"), ("0.1", "0.pdf"), ("3.0", "3.pdf")]
    assert receiver.messages == [
        *(
            {
                "task_id": "t",
                "status": "PROCESSING",
                "message": {"type": "node", "node": {"id": id_, "text": "ü"}, "node_index": index, "filename": name},
            }
            for index, (id_, name) in enumerate(nodes)
        ),
        {
            "task_id": "t",
            "status": "COMPLETED",
            "message": {
                "type": "completion",
                "total_nodes": 3,
                "total_files": 4,
                "successful_files": 3,
                "failed_files": 1,
                "processing_time_ms": 2500.0,
            },
        },
    ]
    assert (report.state, report.position, report.status) == (DeliveryState.DELIVERED, 4, 200)


async def test_a_callback_holds_a_node_of_a_large_file_in_memory_and_not_the_file(tmp_path) -> None:
    blobs = open_blobs(str(tmp_path))
    job = await job_of(blobs, 32)
    nodes = [{"id": f"0.{n}", "text": "x" * 2**20} for n in range(32)]
    await blobs.put("results/j/0/response.json", orjson.dumps({"nodes": nodes}))
    with peak_memory() as peak:
        sizes = [len(body) async for body in messages(delivery_of(job, "https://example.org"), blobs, no_chunks)]
    assert len(sizes) == 33
    assert peak.bytes < 16 * 2**20


async def chunked(blobs: BlobStore, url: str, *chunks: int, **changes: Any) -> DueDelivery:
    """A callback of a job with a document of as many chunks as each number says; -1 is a file that failed."""
    job = await job_of(blobs, *chunks)
    for index, count in enumerate(chunks):
        await blobs.put(f"{index}", str(count).encode())
    files = [replace(file, document=str(n) if file.success else None) for n, file in enumerate(job.files)]
    return delivery_of(replace(job, files=tuple(files)), url, chunks=CUT, **changes)


async def test_a_callback_brings_every_chunk_in_place_of_the_nodes(chunk_worker, chunker, blobs, receiver) -> None:
    report = await chunk_worker.deliver(await chunked(blobs, receiver.url, 2, -1, 0, 1))
    *parts, end = receiver.messages
    assert parts == [
        {
            "task_id": "t",
            "status": "PROCESSING",
            "message": {
                "type": "chunk",
                "chunk": {"file": file, "filename": f"{file}.pdf", "id": f"{file}.{number}", "text": "ü"},
                "chunk_index": index,
                "filename": f"{file}.pdf",
            },
        }
        for index, (file, number) in enumerate([(0, 0), (0, 1), (3, 0)])
    ]
    assert (end["status"], end["message"]["total_chunks"], end["message"]["total_nodes"]) == ("COMPLETED", 3, 3)
    assert (report.state, report.position) == (DeliveryState.DELIVERED, 4)
    assert [wanted.options for wanted in chunker.made] == [CUT] * 3


async def test_chunks_that_the_store_cannot_keep_are_sent_all_the_same(chunk_worker, chunker, blobs, receiver) -> None:
    chunker.keeps = False
    await chunk_worker.deliver(await chunked(blobs, receiver.url, 2))
    assert [message["message"].get("chunk_index") for message in receiver.messages] == [0, 1, None]


async def test_a_callback_of_chunks_goes_on_after_the_last_acknowledged_one(chunk_worker, blobs, receiver) -> None:
    delivery = await chunked(blobs, receiver.url, 2, 2)
    receiver.replies = [Reply(), Reply(), Reply(), Reply(500)]
    failed = await chunk_worker.deliver(delivery)
    receiver.requests.clear()
    done = await chunk_worker.deliver(resumed(delivery, failed))
    assert [message["message"].get("chunk_index") for message in receiver.messages] == [3, None]
    assert (failed.position, done.position, done.state) == (3, 5, DeliveryState.DELIVERED)


async def test_a_document_that_cannot_be_cut_ends_its_callback_with_the_reason(chunk_worker, chunker, blobs, receiver):
    chunker.failure = FileError(ErrorCode.INVALID_FILE, "it has no text")
    failed = await chunk_worker.deliver(await chunked(blobs, receiver.url, 2))
    assert (failed.state, failed.error) == (DeliveryState.FAILED, "no chunks can be made: it has no text")


async def test_a_fleet_that_is_away_leaves_a_callback_of_chunks_for_later(
    registry, blobs, chunker, receiver, clock
) -> None:
    await finish_job(registry, blobs, receiver.url, nodes=2, document="0", chunks=CUT)
    await blobs.put("0", b"2")
    chunker.failure = FleetUnavailable("no parser is ready")
    worker = DeliveryWorker(registry, blobs, chunker, LOOPBACK, clock=clock)
    await worker.work()
    (waiting,) = await registry.deliveries("j")
    assert (waiting.state, waiting.failed_attempts, receiver.requests) == (DeliveryState.PENDING, 0, [])
    chunker.failure = None
    clock.now += 60  # the lease has run out
    await worker.work()
    assert [message["message"].get("chunk_index") for message in receiver.messages] == [0, 1, None]


async def test_a_failed_job_is_one_failure_message(worker, blobs, receiver) -> None:
    job = await job_of(blobs, failure=Failure(code=ErrorCode.POISON, message="given up"))
    await worker.deliver(delivery_of(job, receiver.url))
    assert receiver.messages == [
        {
            "task_id": "t",
            "status": "FAILED",
            "message": {"type": "failure", "processing_time_ms": 2500.0},
            "error": "given up",
        }
    ]


async def test_a_job_that_never_ran_took_no_time(worker, blobs, receiver) -> None:
    job = await job_of(blobs, failure=Failure(code=ErrorCode.CANCELLED, message="The job was cancelled"))
    await worker.deliver(delivery_of(replace(job, started_at=None), receiver.url))
    assert receiver.messages[0]["message"]["processing_time_ms"] == 0.0


async def test_callbacks_are_json_posts_to_the_url_over_one_connection(worker, blobs, receiver) -> None:
    await worker.deliver(delivery_of(await job_of(blobs, 3), receiver.url))
    assert {request.path for request in receiver.requests} == {"/hook?key=1"}
    assert {request.headers["Host"] for request in receiver.requests} == {f"127.0.0.1:{receiver.server_port}"}
    assert {request.headers["Content-Type"] for request in receiver.requests} == {"application/json"}
    assert len({request.connection for request in receiver.requests}) == 1


async def test_after_a_failure_the_refused_message_comes_again_and_then_the_rest(worker, blobs, receiver) -> None:
    delivery = delivery_of(await job_of(blobs, 2, 2), receiver.url)
    receiver.replies = [Reply(), Reply(), Reply(500)]
    failed = await worker.deliver(delivery)
    assert (failed.state, failed.position, failed.retry_in_s) == (DeliveryState.PENDING, 2, 5.0)
    assert (failed.status, failed.error) == (500, "the receiver answered 500")
    done = await worker.deliver(resumed(delivery, failed))
    assert done.state is DeliveryState.DELIVERED
    assert receiver.heard == [0, 1, 2, 2, 3, "COMPLETED"]


async def test_acknowledged_nodes_are_not_read_again(worker, blobs, receiver) -> None:
    delivery = delivery_of(await job_of(blobs, 2, 1), receiver.url, position=2)
    await blobs.delete_prefix("results/j/0")
    assert (await worker.deliver(delivery)).state is DeliveryState.DELIVERED
    assert receiver.heard == [2, "COMPLETED"]


async def test_an_end_that_was_acknowledged_is_not_sent_again(worker, blobs, receiver) -> None:
    job = await job_of(blobs, 1)
    assert (await worker.deliver(delivery_of(job, receiver.url, position=2))).state is DeliveryState.DELIVERED
    await worker.deliver(delivery_of(job, receiver.url, kind="webhook", position=1))
    assert receiver.requests == []


async def test_progress_is_saved_every_fifty_messages(worker, blobs, receiver, outbox) -> None:
    await worker.deliver(delivery_of(await job_of(blobs, 120), receiver.url))
    assert [(saved.position, saved.state, saved.retry_in_s) for saved in outbox.reports] == [
        (50, DeliveryState.PENDING, None),
        (100, DeliveryState.PENDING, None),
    ]


async def test_progress_is_saved_every_second(worker, blobs, receiver, outbox, clock) -> None:
    clock.step = 0.5  # at each look: one message takes as long
    await worker.deliver(delivery_of(await job_of(blobs, 4), receiver.url))
    assert len(outbox.reports) >= 2


async def test_a_delivery_that_another_dispatcher_has_stops(worker, blobs, receiver, outbox) -> None:
    outbox.taken_over = True
    with pytest.raises(StaleLease):
        await worker.deliver(delivery_of(await job_of(blobs, 120), receiver.url))
    assert receiver.heard == list(range(50))


async def test_a_slow_receiver_gives_others_a_turn(worker, blobs, receiver, clock) -> None:
    delivery = delivery_of(await job_of(blobs, 3), receiver.url)
    clock.step = TURN_S
    first = await worker.deliver(delivery)
    assert (first.state, first.position, first.retry_in_s) == (DeliveryState.PENDING, 1, 0.0)


async def test_deleted_results_end_a_delivery(worker, blobs, receiver) -> None:
    delivery = delivery_of(await job_of(blobs, 1), receiver.url)
    await blobs.delete_prefix("results/j")
    gone = await worker.deliver(delivery)
    assert (gone.state, gone.error) == (DeliveryState.FAILED, "the results were deleted")


# -- receivers ------------------------------------------------------------------------------------------------------


async def test_410_stops_a_delivery(worker, blobs, receiver) -> None:
    receiver.replies = [Reply(410)]
    stopped = await worker.deliver(delivery_of(await job_of(blobs, 3), receiver.url))
    assert (stopped.state, len(receiver.requests)) == (DeliveryState.STOPPED, 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_failures_and_never_followed(worker, blobs, receiver, status: int) -> None:
    receiver.replies = [Reply(status, {"Location": receiver.url + "&elsewhere"})]
    failed = await worker.deliver(delivery_of(await job_of(blobs, 1), receiver.url))
    assert (failed.state, failed.position, failed.status) == (DeliveryState.PENDING, 0, status)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_obeyed_where_it_is_later_than_the_schedule(worker, blobs, receiver, status) -> None:
    delivery = delivery_of(await job_of(blobs, 1), receiver.url)
    for asked, waits in (("120", 120.0), ("1", 5.0)):
        receiver.replies = [Reply(status, {"Retry-After": asked})]
        assert (await worker.deliver(delivery)).retry_in_s == waits


def test_retry_after_may_be_a_date_is_bounded_and_counts_for_429_and_503_only() -> None:
    date = {b"retry-after": b"Tue, 14 Nov 2023 22:14:20 GMT"}
    assert retry_after_s(503, date, now=1_700_000_000.0) == 60.0
    assert retry_after_s(503, date, now=1_800_000_000.0) == 0.0
    assert retry_after_s(429, {b"retry-after": b"99999999"}, now=0.0) == 86_400.0
    assert retry_after_s(429, {b"retry-after": b"soon"}, now=0.0) == 0.0
    assert retry_after_s(500, {b"retry-after": b"60"}, now=0.0) == 0.0


async def test_an_endless_answer_is_cut_off_and_its_status_counts(worker, blobs, receiver) -> None:
    receiver.replies = [Reply(endless=True)]
    assert (await worker.deliver(delivery_of(await job_of(blobs, 1), receiver.url))).position == 2
    assert len({request.connection for request in receiver.requests}) == 2


async def test_a_silent_receiver_counts_as_a_failure(worker, blobs, receiver, monkeypatch) -> None:
    monkeypatch.setattr(worker_module, "ANSWER_WITHIN_S", 0.05)
    receiver.replies = [Reply(silent=True)]
    failed = await worker.deliver(delivery_of(await job_of(blobs, 1), receiver.url))
    assert (failed.error, failed.status, failed.retry_in_s) == ("no answer within 0.05 s", None, 5.0)


async def test_a_receiver_that_cannot_be_reached_is_called_again(worker, blobs) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        failed = await worker.deliver(delivery_of(await job_of(blobs, 1), url))
    assert (failed.error, failed.retry_in_s) == ("cannot connect to the receiver", 5.0)


async def test_an_address_that_is_not_public_is_not_called(outbox, blobs, receiver) -> None:
    refusing = DeliveryWorker(outbox, blobs, no_chunks, DeliveryConfig())
    failed = await refusing.deliver(delivery_of(await job_of(blobs, 1), receiver.url))
    assert failed.error == "the URL leads to 127.0.0.1, which is not a public address"
    assert receiver.requests == []


async def test_the_address_is_checked_again_at_each_attempt(outbox, blobs, receiver) -> None:
    answers = [["127.0.0.1"], ["127.0.0.2"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    guard = AddressGuard(LOOPBACK.allowed, rebinding)
    worker = DeliveryWorker(outbox, blobs, no_chunks, LOOPBACK, guard=guard)
    delivery = delivery_of(await job_of(blobs, 2), f"http://rebinding.test:{receiver.server_port}/")
    receiver.replies = [Reply(), Reply(500)]
    first = await worker.deliver(delivery)
    second = await worker.deliver(resumed(delivery, first))
    assert {request.headers["Host"] for request in receiver.requests} == {f"rebinding.test:{receiver.server_port}"}
    assert (len(receiver.requests), first.position, second.position) == (2, 1, 1)
    assert second.error == "the URL leads to 127.0.0.2, which is not a public address"


@pytest.fixture
def tls_receiver(receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """A receiver with a certificate for receiver.test, which the worker trusts."""
    key, certificate = self_signed("receiver.test")
    (tmp_path / "pem").write_bytes(key + certificate)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "pem")
    receiver.socket = server.wrap_socket(receiver.socket, server_side=True)
    monkeypatch.setattr(worker_module, "TLS", ssl.create_default_context(cadata=certificate.decode()))
    return receiver


def self_signed(host: str) -> tuple[bytes, bytes]:
    """A key and a certificate, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, certificate.public_bytes(pem)


@pytest.mark.parametrize(("host", "error"), [("receiver.test", None), ("other.test", "cannot connect to the receiver")])
async def test_a_certificate_must_be_of_the_host_in_the_url(outbox, blobs, tls_receiver, host, error) -> None:
    async def loopback(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    worker = DeliveryWorker(outbox, blobs, no_chunks, LOOPBACK, guard=AddressGuard(LOOPBACK.allowed, loopback))
    url = f"https://{host}:{tls_receiver.server_port}/"
    ended = await worker.deliver(delivery_of(await job_of(blobs, 1), url))
    assert (ended.error, len(tls_receiver.requests)) == (error, 0 if error else 2)


async def test_the_environments_proxies_are_not_used(worker, blobs, receiver, monkeypatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert (await worker.deliver(delivery_of(await job_of(blobs, 1), receiver.url))).position == 2


# -- the schedule ---------------------------------------------------------------------------------------------------


def test_a_message_is_tried_ten_times_over_three_days_and_then_given_up() -> None:
    job = JobView(
        job_id="j", owner="", status=JobStatusEnum.COMPLETED, version=1, submitted_at=0, started_at=0, completed_at=1,
        attempts=1, progress=Progress(), metadata={}, failure=None, queue_position=None, files=(),
    )  # fmt: skip
    delivery = delivery_of(job, "http://example.com/")
    waits = []
    while (failed := after_failure(report(delivery, 0), Answer(status=500), 0.0)).state is DeliveryState.PENDING:
        waits.append(failed.retry_in_s)
        delivery = resumed(delivery, failed)
    assert waits == list(SCHEDULE_S[1:])
    assert (failed.state, failed.failed_attempts, failed.retry_in_s) == (DeliveryState.FAILED, 10, None)
    assert sum(waits) > 3 * 24 * 3600


def test_retries_are_spread_over_a_tenth_of_their_delay() -> None:
    going = DeliveryReport(job_id="j", kind="callback", lease="l", position=0, failed_attempts=1)
    waits = [after_failure(going, Answer(status=500), jitter).retry_in_s for jitter in (0.0, 0.5, 1.0)]
    assert waits == [300.0, 315.0, 330.0]


async def test_a_message_that_gets_through_begins_the_schedule_anew(worker, blobs, receiver) -> None:
    receiver.replies = [Reply(), Reply(500)]
    failed = await worker.deliver(delivery_of(await job_of(blobs, 3), receiver.url, failed_attempts=8))
    assert (failed.failed_attempts, failed.retry_in_s) == (1, 5.0)


# -- webhooks -------------------------------------------------------------------------------------------------------


async def test_a_webhook_is_one_event_that_standard_webhooks_verifies(outbox, blobs, receiver) -> None:
    worker = DeliveryWorker(outbox, blobs, no_chunks, LOOPBACK)  # on the real clock: verifiers refuse what is old
    done = await worker.deliver(delivery_of(await job_of(blobs, 2, -1), receiver.url, kind="webhook"))
    (request,) = receiver.requests
    event = Webhook(SECRET).verify(request.body.decode(), request.headers)
    assert verify_webhook(request.body, request.headers, SECRET) == event
    assert (done.state, done.position) == (DeliveryState.DELIVERED, 1)
    assert event == {
        "type": "job.completed",
        "timestamp": "1970-01-01T00:00:04.500000+00:00",
        "data": {
            "job_id": "j",
            "task_id": "t",
            "status": "completed",
            "error": None,
            "reason": None,
            "total_nodes": 2,
            "total_files": 2,
            "successful_files": 1,
            "failed_files": 1,
            "processing_time_ms": 2500.0,
            "metadata": {"source": "s"},
            "links": {"status": "/jobs/j", "results": "/jobs/j/results"},
        },
    }


async def test_a_failed_job_is_another_event(worker, blobs, receiver) -> None:
    job = await job_of(blobs, failure=Failure(code=ErrorCode.POISON, message="given up"))
    await worker.deliver(delivery_of(job, receiver.url, kind="webhook"))
    event = receiver.messages[0]
    assert (event["type"], event["data"]["error"], event["data"]["reason"]) == ("job.failed", "given up", "poison")


async def test_a_webhook_keeps_its_id_and_body_and_gets_a_new_timestamp(worker, blobs, receiver, clock) -> None:
    delivery = delivery_of(await job_of(blobs, 1), receiver.url, kind="webhook")
    receiver.replies = [Reply(500)]
    failed = await worker.deliver(delivery)
    clock.now += 300
    await worker.deliver(resumed(delivery, failed))
    first, second = receiver.requests
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 300


async def test_while_a_secret_is_exchanged_both_verify(outbox, blobs, receiver) -> None:
    both = replace(LOOPBACK, webhook_keys=parse_secrets(f"{SECRET} {OLD_SECRET}"))
    await DeliveryWorker(outbox, blobs, no_chunks, both).deliver(
        delivery_of(await job_of(blobs), receiver.url, kind="webhook")
    )
    (request,) = receiver.requests
    for secret in (SECRET, OLD_SECRET):
        Webhook(secret).verify(request.body.decode(), request.headers)


async def test_without_a_secret_no_webhook_is_sent(outbox, blobs, receiver) -> None:
    unsigned = replace(LOOPBACK, webhook_keys=())
    delivery = delivery_of(await job_of(blobs), receiver.url, kind="webhook")
    failed = await DeliveryWorker(outbox, blobs, no_chunks, unsigned).deliver(delivery)
    assert (failed.error, receiver.requests) == ("this server has no WEBHOOK_SECRET; set one and redeliver", [])


@pytest.mark.parametrize("wrong", ["whsec_not base64", "whsec_" + base64.b64encode(b"short").decode(), "*" * 40])
def test_an_invalid_secret_is_an_error(wrong: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes, in base64"):
        parse_secrets(wrong)


# -- with a registry ------------------------------------------------------------------------------------------------


@pytest.fixture
async def registry(tmp_path: Path, clock: Clock) -> AsyncIterator[JobRegistry]:
    config = RegistryConfig(
        database_url=f"sqlite:///{tmp_path}/journal.db", max_queued_jobs=9, max_queued_bytes=9, job_ttl_s=9
    )
    registry = await asyncio.to_thread(JobRegistry, config, clock)
    yield registry
    await registry.close()


async def submit_job(registry: JobRegistry | ThreadedRegistry, url: str, chunks: ChunkOptions | None = None) -> None:
    file = InputFile(filename="0.pdf", blob="inputs/j/0", size=1, sha256="")
    spec = JobSpec(
        job_id="j",
        files=(file,),
        options=ParseOptions(chunks=chunks),
        submitted_at=0.0,
        callback_url=url,
        callback_content="chunks" if chunks else "nodes",
    )
    await registry.submit(spec)


async def finish_job(
    registry: JobRegistry,
    blobs: BlobStore,
    url: str,
    nodes: int,
    document: str | None = None,
    chunks: ChunkOptions | None = None,
) -> None:
    await submit_job(registry, url, chunks)
    (claim,) = await registry.claim("d", 1, 0.0)
    (file,) = (await job_of(blobs, nodes)).files
    await registry.finish("j", claim.lease, JobOutcome(files=(replace(file, document=document),)))


async def test_a_dispatcher_delivers_a_job_that_it_finished(tmp_path, blobs, receiver) -> None:
    registry = await asyncio.to_thread(ThreadedRegistry, tmp_path)
    await blobs.put("inputs/j/0", b"2")  # pages, to these parsers
    await submit_job(registry, receiver.url)
    limits = JobLimits(files=1, splitting=Splitting(slots=1))
    worker = DeliveryWorker(registry, blobs, no_chunks, LOOPBACK)
    dispatcher = Dispatcher(
        registry, MemoryParsers(), blobs, FakeFetcher(), DispatcherConfig(jobs=1, limits=limits), worker.wake
    )
    work = [asyncio.create_task(dispatcher.run()), asyncio.create_task(worker.run())]
    await eventually_async(lambda: len(receiver.requests) == 3)
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    await registry.close()
    assert receiver.heard == [0, 1, "COMPLETED"]


async def test_a_worker_delivers_what_the_registry_holds(registry, blobs, receiver, clock) -> None:
    await finish_job(registry, blobs, receiver.url, nodes=2)
    worker = DeliveryWorker(registry, blobs, no_chunks, LOOPBACK, clock=clock, jitter=lambda: 0.0)
    receiver.replies = [Reply(), Reply(503)]
    await worker.work()  # until the delivery has ended
    (waiting,) = await registry.deliveries("j")
    assert (waiting.messages_sent, waiting.next_attempt_at) == (1, clock.now + 5)
    clock.now += 5
    await worker.work()  # until the delivery has ended
    (done,) = await registry.deliveries("j")
    assert (done.state, done.messages_sent, done.last_error) == (DeliveryState.DELIVERED, 3, None)
    assert receiver.heard == [0, 1, 1, "COMPLETED"]


async def test_turns_of_deliveries_are_counted_by_how_they_ended(
    registry, blobs, receiver, clock, recorded: Recorded
) -> None:
    await finish_job(registry, blobs, receiver.url, nodes=1)
    worker = DeliveryWorker(registry, blobs, no_chunks, LOOPBACK, clock=clock, jitter=lambda: 0.0)
    receiver.replies = [Reply(500), Reply(), Reply(), Reply(410)]
    for _ in range(2):
        await worker.work()  # until the delivery has ended
        clock.now += 5
    await registry.redeliver("j")
    await worker.work()
    counts = {
        outcome: sum(recorded.of(DELIVERIES, kind="callback", outcome=outcome))
        for outcome in ("retried", "delivered", "given_up")
    }
    assert counts == {"retried": 1, "delivered": 1, "given_up": 1}


async def test_a_delivery_whose_dispatcher_died_goes_on_from_what_was_saved(registry, blobs, receiver, clock) -> None:
    await finish_job(registry, blobs, receiver.url, nodes=70)
    receiver.replies = [*[Reply()] * 60, Reply(silent=True)]
    dying = DeliveryWorker(registry, blobs, no_chunks, LOOPBACK, clock=clock)
    work = asyncio.create_task(dying.work())
    await eventually_async(lambda: len(receiver.requests) == 61)
    work.cancel()
    await dying.close()
    receiver.requests.clear()
    successor = DeliveryWorker(registry, blobs, no_chunks, LOOPBACK, clock=clock)
    assert await registry.due_deliveries(1) == []
    clock.now += 60
    await successor.work()
    assert receiver.heard == [*range(50, 70), "COMPLETED"]
