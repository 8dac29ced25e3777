"""Uploads and results in constant memory, and clients that leave during an upload. Spoken in ASGI, as by a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from actors.derivations import Derivation
from serve_app.settings import MIB
from tests.peak_memory import peak_memory
from tests.unit.serve_app.service import MakeService, Service, soon

CHUNK = b"x" * 64 * 1024
HEAD = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"


async def post(service: Service, path: str, receive: Callable[[], Any]) -> list[dict[str, Any]]:
    """The messages that the application sends to its server."""
    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await service.api(scope, receive, send)
    return sent


async def read_results(service: Service, job_id: str, query: bytes) -> tuple[int, int]:
    """How many bytes a reader of a job's results is sent, and the most memory that takes, in bytes."""
    sent = 0

    async def send(message: Any) -> None:
        nonlocal sent
        sent += len(message.get("body", b""))

    path = f"/jobs/{job_id}/results"
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": []}
    with peak_memory() as peak:
        await service.api(scope, asyncio.Future, send)
    return sent, peak.bytes


async def test_a_100_mb_upload_moves_memory_by_less_than_40_mb(service: Service) -> None:
    left = 100 * MIB // len(CHUNK) - 1  # and the limit is 100 MiB

    async def receive() -> dict[str, Any]:
        nonlocal left
        left -= 1
        body = HEAD if left == 100 * MIB // len(CHUNK) - 2 else CHUNK if left else TAIL
        return {"type": "http.request", "body": body, "more_body": left > 0}

    with peak_memory() as peak:
        [start, _] = await post(service, "/submit", receive)
    assert start["status"] == 202
    assert peak.bytes < 40 * MIB
    [key] = service.stored()
    assert await service.blobs.size(key) == 100 * MIB - 3 * len(CHUNK)


@pytest.mark.parametrize("path", ["/submit", "/parse"])
@pytest.mark.parametrize("count", [0, 1, 40], ids=["before its data", "small", "large"])
async def test_a_client_that_leaves_during_its_upload_leaves_nothing(service: Service, path: str, count: int) -> None:
    messages = [{"type": "http.request", "body": body, "more_body": True} for body in (HEAD, *[CHUNK] * count)]
    messages.append({"type": "http.disconnect"})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    assert await post(service, path, receive) == []
    assert service.stored() == []
    assert await service.registry.list_jobs("", None, 10, None) == ([], None)


@pytest.mark.parametrize("count", [1, 40], ids=["small", "large"])
async def test_a_request_that_is_cancelled_during_its_upload_leaves_nothing(service: Service, count: int) -> None:
    messages = [{"type": "http.request", "body": body, "more_body": True} for body in (HEAD, *[CHUNK] * count)]
    waits_for_more = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        waits_for_more.set()
        return await asyncio.Future()

    request = asyncio.create_task(post(service, "/submit", receive))
    await waits_for_more.wait()
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    assert service.stored() == []


async def test_a_request_that_is_cancelled_while_it_is_submitted_leaves_a_job_with_its_files(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, submitting = service.registry.submit, asyncio.Event()

    async def slow_submit(spec: Any) -> Any:
        submitting.set()
        return await submit(spec)

    monkeypatch.setattr(service.registry, "submit", slow_submit)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": HEAD + b"# A" + TAIL, "more_body": False}

    request = asyncio.create_task(post(service, "/submit", receive))
    await submitting.wait()
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    [claim] = await soon(lambda: service.registry.claim("test", 1, 0.0))
    assert await service.blobs.get(claim.spec.files[0].blob) == b"# A"


@pytest.mark.parametrize("query", [b"format=html", b"format=json", b""], ids=["export", "document", "nodes"])
@pytest.mark.parametrize("files", [1, 2])
async def test_a_100_mb_result_moves_memory_by_less_than_20_mb(service: Service, query: bytes, files: int) -> None:
    job_id = await service.completed(*[("a.md", b"# A")] * files)
    for name in ("html", "document.json", "response.json"):
        async with service.blobs.writer(f"results/{job_id}/0/{name}") as writer:
            for _ in range(100):
                await writer.write(b"x" * MIB)
    sent, peak = await read_results(service, job_id, query)
    assert sent > 100 * MIB - 1
    assert peak < 20 * MIB


async def test_the_first_export_of_300_mb_moves_the_memory_of_the_ingress_by_less_than_20_mb(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await service.completed(("a.md", b"# A"))

    async def derive(wanted: Derivation) -> bytes | None:
        async with service.blobs.writer(wanted.target) as writer:
            for _ in range(300):
                await writer.write(b"x" * MIB)
        return None

    monkeypatch.setattr(service.dispatchers, "derive", derive)
    sent, peak = await read_results(service, job_id, b"format=markdown")
    assert sent == 300 * MIB
    assert peak < 20 * MIB


async def test_uploads_at_once_do_not_mix(make_service: MakeService) -> None:
    service = await make_service()
    ids = await asyncio.gather(*(service.submit((f"{n}.md", str(n).encode() * 1000)) for n in range(20)))
    assert [await service.blobs.get(f"inputs/{job_id}/0") for job_id in ids] == [
        str(n).encode() * 1000 for n in range(20)
    ]
