"""A document in the formats that were asked for, as one JSON object."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import orjson

from actors.derivations import PageLinks
from actors.messages import JobView
from serve_app.docling_v1.options import EXPORTS, Format
from serve_app.docling_v1.page_images import MARK, PageImages
from serve_app.docling_v1.reply import Reply
from serve_app.results import Results, quoted

#: The keys of an ExportDocumentResponse, in docling's order.
_CONTENT: Mapping[str, Format] = {
    "md_content": "md",
    "json_content": "json",
    "html_content": "html",
    "text_content": "text",
    "doctags_content": "doctags",
    "doclang_content": "doclang",
}


@dataclass(frozen=True, slots=True)
class Documents:
    """`prefix` is what a proxy strips from paths: links to pictures need it."""

    results: Results
    prefix: str
    page_images: PageImages

    async def export(self, view: JobView, index: int) -> AsyncIterator[bytes]:
        """The ExportDocumentResponse of a file. The formats that were not asked for are null."""
        file, reply = view.files[index], Reply.to(view)
        links = f"{self.prefix}/jobs/{view.job_id}/files/{index}/artifacts/"
        yield orjson.dumps({"filename": file.filename})[:-1]
        for key, form in _CONTENT.items():
            yield b',"' + key.encode() + b'":'
            if not file.success or form not in reply.documents:
                yield b"null"
                continue
            pieces = self.pieces(view, index, form, links)
            async for piece in pieces if form == "json" else quoted(pieces):
                yield piece
        yield b"}"

    async def pieces(
        self, view: JobView, index: int, form: Format, links: str, page_link: str = MARK
    ) -> AsyncIterator[bytes]:
        """A document in one format. `links` is where its pictures are, if they are referenced.

        Pictures of its pages are at `page_link`, which has `{page}` in it; by default they are embedded.
        """
        reply = Reply.to(view)
        scales: Mapping[int, float] = {}
        if form == "json" and reply.page_scale:
            scales = await self.page_images.scales(view, index, reply.page_scale)
        pages = PageLinks(link=page_link, scale=reply.page_scale) if reply.page_scale and scales else None
        pieces = self.results.pieces(view, index, EXPORTS[form], style=reply.style(form, links, pages))
        if pages and page_link == MARK:
            pieces = self.page_images.embedded(pieces, view, index, scales)
        async for piece in pieces:
            yield piece
