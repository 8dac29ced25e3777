"""The zip file of a task: each document in each format, its chunks, and the pictures that it refers to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TypeAlias

from actors.formats import suffix_of
from actors.messages import JobView
from serve_app.archive import safe_name
from serve_app.chunk_results import ChunkResults
from serve_app.docling_v1.documents import Documents
from serve_app.docling_v1.files import UNNAMED
from serve_app.docling_v1.options import EXPORTS
from serve_app.docling_v1.page_images import MARK, PageImages
from serve_app.docling_v1.reply import Reply
from serve_app.pictures import Artifacts

Entries: TypeAlias = AsyncIterator[tuple[str, AsyncIterator[bytes]]]


async def zip_entries(view: JobView, documents: Documents, chunks: ChunkResults, artifacts: Artifacts) -> Entries:
    """Names and contents. A file that failed has none."""
    reply = Reply.to(view)
    for index, stem in enumerate(stems([file.filename for file in view.files])):
        if not view.files[index].success:
            continue
        links = "artifacts/" if len(view.files) == 1 else f"artifacts/{stem}-"
        pages = f"{links}page-{{page}}.png" if reply.images == "referenced" else MARK
        for form in reply.documents:
            yield f"{stem}.{EXPORTS[form].suffix}", documents.pieces(view, index, form, links, pages)
        if reply.chunking:
            yield f"{stem}.chunks.jsonl", chunks.lines(view, index, reply.chunking.options)
        if reply.images == "referenced":
            async for entry in _page_entries(view, index, documents.page_images, pages):
                yield entry
            for name, place in (await artifacts.listed(view, index)).items():
                yield f"{links}{name}", artifacts.stream(view, index, name, place)


async def _page_entries(view: JobView, index: int, images: PageImages, link: str) -> Entries:
    """The pages that the JSON refers to."""
    reply = Reply.to(view)
    if reply.page_scale is None or "json" not in reply.documents:
        return
    for page, scale in (await images.scales(view, index, reply.page_scale)).items():
        yield link.replace("{page}", str(page)), images.stream(view, index, page, scale)


def stems(filenames: Iterable[str]) -> Iterator[str]:
    """The names without their suffixes, safe on every file system. A second `report` is `report_2`, and so on."""
    taken: set[str] = set()
    for filename in filenames:
        stem = safe_name(filename.removesuffix(filename[len(filename) - len(suffix_of(filename)) :])) or UNNAMED
        names = (stem, *(f"{stem}_{number}" for number in range(2, len(taken) + 2)))
        name = next(each for each in names if each not in taken)
        taken.add(name)
        yield name
