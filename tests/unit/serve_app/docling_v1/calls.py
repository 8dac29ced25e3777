"""Calls of docling-serve's API, as its clients make them."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

import httpx

from tests.unit.serve_app.service import PATIENCE_S, Service, form

DOCUMENT = ("report.md", b"# Report")


async def submitted(service: Service, *files: tuple[str, bytes], **fields: Any) -> dict[str, Any]:
    """The TaskStatusResponse of a multipart submit."""
    answer = await service.http.post("/v1/convert/file/async", files=form(*files or (DOCUMENT,)), data=fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def finished(service: Service, *files: tuple[str, bytes], **fields: Any) -> str:
    """The id of a task that has ended."""
    task_id = str((await submitted(service, *files, **fields))["task_id"])
    await service.worker.work()
    return task_id


async def result(service: Service, *files: tuple[str, bytes], **fields: Any) -> httpx.Response:
    return await service.http.get(f"/v1/result/{await finished(service, *files, **fields)}")


async def converted(service: Service, path: str = "/v1/convert/file", **request: Any) -> httpx.Response:
    """What a synchronous call answers while the worker works."""
    calling = asyncio.create_task(service.http.post(path, **request))
    async with asyncio.timeout(PATIENCE_S):
        while not calling.done():
            await service.worker.work()
            await asyncio.sleep(0)
    return await calling


def source(name: str = "report.md", data: bytes = b"# Report", **more: Any) -> dict[str, Any]:
    """The body of a JSON request with one file."""
    return {"sources": [{"kind": "file", "base64_string": b64encode(data).decode(), "filename": name}], **more}
