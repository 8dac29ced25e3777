"""The methods of the clients that read the results of a job, piece by piece or into a file."""

# ruff: noqa: ASYNC109 - in both clients, a timeout limits an exchange together with its retries

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, aclosing
from pathlib import Path
from typing import TypeVar, Unpack

import httpx

from client._drivers import read_lines, read_lines_async
from client._flows import ChunkQuery, Flows
from client._paths import Box, PictureFormat, artifact_path, box_text, page_path
from client._retry import Flow
from client._uploads import PathLike
from client._waiting import JsonDict
from client.models import ChunkFormat, ChunkOptions, ExportFormat, ImageMode

T = TypeVar("T")


class ResultReader(ABC):
    """Of the client that blocks."""

    _flows: Flows

    @abstractmethod
    def _run(self, flow: Flow[T]) -> T: ...

    @abstractmethod
    def _connections(self) -> AbstractContextManager[httpx.Client]: ...

    @abstractmethod
    def _pause(self, seconds: float) -> None: ...

    def chunks(self, job_id: str, *, timeout: float | None = None, **chosen: Unpack[ChunkQuery]) -> Iterator[JsonDict]:
        """Yield the chunks of a completed job as they arrive, each as the JSON of a `Chunk`.

        `chunker`, `max_tokens`, `tokenizer`, `merge_peers` and `tables` are as in `ChunkOptions`. `file` selects one
        file of the job, counted from 0, and `pages` ("3", "3-7") the chunks on these pages. A response that breaks off
        is read on where it stopped. You may leave the loop at any time.
        """
        with self._connections() as http:
            yield from read_lines(self._flows.chunks(job_id, timeout=timeout, **chosen), http, self._pause)

    def page_picture(
        self,
        job_id: str,
        file: int,
        page: int,
        *,
        scale: float = 1.0,
        box: Box | None = None,
        format: PictureFormat = "png",
        timeout: float | None = None,
    ) -> bytes:
        """A page of an uploaded PDF or picture, as the bytes of a PNG or WebP file. The job need not have ended.

        `file` counts from 0 and `page` from 1. `scale` is the number of pixels for each point, at most 3. `box` cuts a
        part out of the page: x0, y0, x1, y1 in points from the top left corner.
        """
        path = page_path(file, page, format)
        return self._run(self._flows.content(job_id, path, timeout=timeout, scale=f"{scale:g}", box=box_text(box)))

    def artifact(self, job_id: str, file: int, name: str, *, timeout: float | None = None) -> bytes:
        """A picture inside a document of a completed job, by its name in an export with `images="referenced"`."""
        return self._run(self._flows.content(job_id, artifact_path(file, name), timeout=timeout))

    def download_results(
        self,
        job_id: str,
        path: PathLike,
        format: ExportFormat | ChunkFormat | str = ExportFormat.NODES,
        *,
        file: int | None = None,
        pages: str | None = None,
        chunks: ChunkOptions | None = None,
        images: ImageMode | None = None,
        page_break: str | None = None,
        timeout: float | None = None,
    ) -> Path:
        """Stream a job's results to `path`. The file appears once it is complete; returns its path.

        `file` selects one file of the job, counted from 0. Without it, a job with several files gives one JSON object,
        or an archive with the format `zip`. `pages` ("3", "3-7") selects the nodes or chunks of these pages.
        `chunks` says how to cut, for the formats `chunks` and `chunks.jsonl`. `images` says how documents show their
        pictures, and `page_break` is the text between the pages of Markdown and text.
        """
        return self._run(
            self._flows.download_results(
                job_id,
                path,
                export=format,
                file=file,
                pages=pages,
                chunks=chunks,
                images=images,
                page_break=page_break,
                timeout=timeout,
            )
        )


class AsyncResultReader(ABC):
    """Of the client for event loops."""

    _flows: Flows

    @abstractmethod
    async def _run(self, flow: Flow[T]) -> T: ...

    @abstractmethod
    def _connections(self) -> AbstractAsyncContextManager[httpx.AsyncClient]: ...

    @abstractmethod
    async def _pause(self, seconds: float) -> None: ...

    async def chunks(
        self, job_id: str, *, timeout: float | None = None, **chosen: Unpack[ChunkQuery]
    ) -> AsyncIterator[JsonDict]:
        """Yield the chunks of a completed job as they arrive, each as the JSON of a `Chunk`.

        `chunker`, `max_tokens`, `tokenizer`, `merge_peers` and `tables` are as in `ChunkOptions`. `file` selects one
        file of the job, counted from 0, and `pages` ("3", "3-7") the chunks on these pages. A response that breaks off
        is read on where it stopped. You may leave the loop at any time.
        """
        lines = self._flows.chunks(job_id, timeout=timeout, **chosen)
        async with self._connections() as http, aclosing(read_lines_async(lines, http, self._pause)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def page_picture(
        self,
        job_id: str,
        file: int,
        page: int,
        *,
        scale: float = 1.0,
        box: Box | None = None,
        format: PictureFormat = "png",
        timeout: float | None = None,
    ) -> bytes:
        """A page of an uploaded PDF or picture, as the bytes of a PNG or WebP file. The job need not have ended.

        `file` counts from 0 and `page` from 1. `scale` is the number of pixels for each point, at most 3. `box` cuts a
        part out of the page: x0, y0, x1, y1 in points from the top left corner.
        """
        path = page_path(file, page, format)
        return await self._run(
            self._flows.content(job_id, path, timeout=timeout, scale=f"{scale:g}", box=box_text(box))
        )

    async def artifact(self, job_id: str, file: int, name: str, *, timeout: float | None = None) -> bytes:
        """A picture inside a document of a completed job, by its name in an export with `images="referenced"`."""
        return await self._run(self._flows.content(job_id, artifact_path(file, name), timeout=timeout))

    async def download_results(
        self,
        job_id: str,
        path: PathLike,
        format: ExportFormat | ChunkFormat | str = ExportFormat.NODES,
        *,
        file: int | None = None,
        pages: str | None = None,
        chunks: ChunkOptions | None = None,
        images: ImageMode | None = None,
        page_break: str | None = None,
        timeout: float | None = None,
    ) -> Path:
        """Stream a job's results to `path`. The file appears once it is complete; returns its path.

        `file` selects one file of the job, counted from 0. Without it, a job with several files gives one JSON object,
        or an archive with the format `zip`. `pages` ("3", "3-7") selects the nodes or chunks of these pages.
        `chunks` says how to cut, for the formats `chunks` and `chunks.jsonl`. `images` says how documents show their
        pictures, and `page_break` is the text between the pages of Markdown and text.
        """
        return await self._run(
            self._flows.download_results(
                job_id,
                path,
                export=format,
                file=file,
                pages=pages,
                chunks=chunks,
                images=images,
                page_break=page_break,
                timeout=timeout,
            )
        )
