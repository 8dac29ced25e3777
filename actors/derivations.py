"""What is made from a stored document or a kept input at the first request for it, and kept beside the results.

A derivation is a small frozen value: what to make, from which blob. A parser makes it in a fair turn of the dispatcher.
Equal derivations have the same blob key, so each is made once.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from actors.messages import PageSpan
from client.models import DEFAULT_CONTENT, ChunkOptions, Content, ExportFormat, ImageMode

#: The formats that pages are drawn in.
PictureFormat = Literal["png", "webp"]

#: The part of a folder for what callers can ask for in endlessly many ways. Only the newest blobs in it are kept.
CHOSEN = "chosen"

#: The blobs that a parser made, by key. The last one is the `target` of the derivation.
Made = Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation(ABC):
    """One of the kinds below. `source` is the key of the blob that it is made from.

    `folder` holds the results of the file. The blobs that are made go there, those with names in CHOSEN apart.
    """

    job_id: str
    folder: str
    source: str

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of its blob in `folder`. It contains everything that changes the bytes."""

    @property
    def target(self) -> str:
        """The key of its blob. When it exists, everything that belongs to the derivation is stored."""
        return f"{self.folder}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLinks:
    """Where the pictures of pages are: `link` has `{page}` in it. `scale` is that of a PageScales."""

    link: str
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportStyle:
    """How an export shows pictures, and what stands between pages. None: embedded pictures if there are any; nothing.

    With `referenced` pictures, a link to a picture is `links` and its name. With `pages`, the JSON refers to
    pictures of its pages.
    """

    images: ImageMode | None = None
    page_break: str | None = None
    links: str = ""
    pages: PageLinks | None = None


PLAIN = ExportStyle()


@dataclass(frozen=True, slots=True, kw_only=True)
class Export(Derivation):
    """A stored document in another format, with `content`, which is the same for every export of a job."""

    form: ExportFormat
    content: tuple[Content, ...] = DEFAULT_CONTENT
    style: ExportStyle = PLAIN

    @property
    def name(self) -> str:
        return self.form if self.style == PLAIN else f"{CHOSEN}/{self.form}-{digest(**asdict(self.style))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures(Derivation):
    """The pictures of a stored document, each as a blob of its own, and a list of them.

    The list is a JSON object by name. The value of a kept picture is null. Any other picture can be drawn from the
    file: its value has the `page`, `scale` and `box` of a PagePicture.
    """

    @property
    def name(self) -> str:
        return "artifacts/list.json"

    def key_of(self, picture: str) -> str:
        """The key of the blob of a kept picture."""
        return f"{self.folder}/artifacts/{picture}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageScales(Derivation):
    """A JSON object of the pages of a document that can be drawn from its file, by number.

    The value is the scale of a PagePicture: `scale`, or less where a picture would have too many pixels.
    """

    scale: float

    @property
    def name(self) -> str:
        return f"{CHOSEN}/pages-{digest(scale=self.scale)}.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunks(Derivation):
    """The chunks of a stored document, as JSON lines. `options` are complete: they name a tokenizer and a limit.

    Only the chunks that stand on one of `pages` are made; None means all of them.
    """

    options: ChunkOptions
    content: tuple[Content, ...] = DEFAULT_CONTENT
    pages: PageSpan | None = None

    @property
    def name(self) -> str:
        pages = self.pages and (self.pages.first, self.pages.last)
        return f"{CHOSEN}/chunks-{digest(**self.options.model_dump(), pages=pages)}.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePicture(Derivation):
    """A page of an input, or the `box` of it: x0, y0, x1, y1 in points from the page's top left corner.

    The picture has `scale` pixels for each point. A picture file has as many points as its resolution says, by default
    one for each pixel.
    """

    page: int
    scale: float
    box: tuple[float, float, float, float] | None
    form: PictureFormat

    @property
    def name(self) -> str:
        part = digest(scale=self.scale, box=self.box)
        return f"{CHOSEN}/{self.page}.{part}.{self.form}"


def digest(**options: object) -> str:
    """A short digest of JSON values, for the name of a blob."""
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:16]
