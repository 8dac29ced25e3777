"""What a request may choose: how to parse, and how to cut what was parsed."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from client.languages import OCR_LANGUAGES
from client.picture_classes import PictureClass
from client.text_encodings import is_text_encoding

#: The profiles whose models run on the server. `vlm` leaves the pages to a remote model, `vlm:NAME` to one by name.
LocalProfile = Literal["auto", "standard", "bundled", "native"]
_PROFILE = re.compile(rf"{'|'.join(get_args(LocalProfile))}|vlm(:[A-Za-z0-9][A-Za-z0-9._-]{{0,62}})?")


def _is_a_profile(profile: str) -> str:
    if not _PROFILE.fullmatch(profile):
        raise ValueError(f"must be {', '.join(get_args(LocalProfile))}, vlm, or vlm: and the name of a model endpoint")
    return profile


Profile = Annotated[
    str, AfterValidator(_is_a_profile), WithJsonSchema({"type": "string", "pattern": f"^({_PROFILE.pattern})$"})
]
Content = Literal["body", "furniture", "notes", "figures"]
CONTENT: tuple[Content, ...] = get_args(Content)
DEFAULT_CONTENT: tuple[Content, ...] = ("body", "notes")
PageNumber = Annotated[int, Field(ge=1)]
Chunker = Literal["hybrid", "hierarchical", "page"]
Tables = Literal["markdown", "triplets"]
TableMode = Literal["accurate", "fast"]
ImageMode = Literal["none", "placeholder", "referenced", "embedded"]

#: What a callback brings before the end of the job.
CallbackContent = Literal["nodes", "chunks"]

#: Options about single items. Each needs a model that not every server has.
ENRICHMENTS = ("do_picture_classification", "do_code_enrichment", "do_formula_enrichment")

#: A character may take several tokens, and a chunk needs room for some words under its headings.
LEAST_TOKENS = 16
MOST_TOKENS = 100_000

#: Pixels for each point of pictures in the document.
LEAST_SCALE = 0.5
MOST_SCALE = 4.0


class ChunkFormat(StrEnum):
    """The formats of `GET /jobs/{id}/results?format=` that are about chunks."""

    CHUNKS = "chunks"
    LINES = "chunks.jsonl"


class ChunkOptions(BaseModel):
    """How to cut a document.

    `hybrid` cuts along the document's structure into chunks of at most `max_tokens`, and joins small neighbours under
    the same headings (`merge_peers`). `hierarchical` makes a chunk of each paragraph, list and table, `page` of each
    page; without `max_tokens` these two have no limit. `tokenizer` is what counts tokens; None means the server's own.
    `hybrid` without `max_tokens` takes the length of the tokenizer's model. `tables` writes tables as Markdown, or as
    sentences like `row, column = value`.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    chunker: Chunker = "hybrid"
    max_tokens: int | None = Field(None, ge=LEAST_TOKENS, le=MOST_TOKENS)
    tokenizer: str | None = None
    merge_peers: bool = True
    tables: Tables = "markdown"


class ParseOptions(BaseModel):
    """How to parse; the `options` form field, as JSON. `None` means the server's own default.

    `page_range` is [first, last], both included, from page 1. `password` opens an encrypted PDF; it is never logged,
    and it is erased from the journal when the job ends. `cache: false` parses a document again even if the server has
    a result from an earlier job of the same caller.

    `content` says what nodes and exports hold: the `body` always, `furniture` (page headers and footers), `notes`
    (footnotes, endnotes, notes of slides, comments), and `figures` (the words inside figures). The document as JSON
    holds all of it. `encoding` is that of text files that have no byte-order mark, by one of Python's names; without it
    the server finds it out.

    `attachments` is about mails: `list` names the attachments, `parse` also makes each a further file of the job.

    `profile` chooses the models for PDFs and pictures. `vlm` has a remote model read the pages: the server's first
    endpoint for pages, or the one that `vlm:NAME` names.

    `ocr_lang` names the languages of the text in pictures; a language that OCR does not read is refused. `table_mode`
    chooses docling's own table model (profile `standard`): `accurate` unless told otherwise, or `fast`. `images_scale`
    is the number of pixels for each point of pictures from PDFs: 2, or 1 in the profile `native`, unless told
    otherwise. `heading_hierarchy` finds the levels of a PDF's headings by its bookmarks, numbers and fonts; then one
    parser reads the whole document.

    `picture_description` names the server's model endpoint that describes the pictures of the document. Pictures that
    cover less than `picture_area` of their page are left out: 0.05, that is a twentieth, unless told otherwise.

    With `do_picture_classification`, pictures have a class. Then `picture_allow` and `picture_deny` name the classes of
    the pictures that are described, and of those that are not. A class counts from `picture_min_confidence` on.
    `do_code_enrichment` reads code again from its picture and names its language, and `do_formula_enrichment` reads
    formulas as LaTeX. These three need a model of docling's that the operator installs.

    `chunks` makes chunks together with the results; without it, the first request for them makes them.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    profile: Profile | None = None
    do_ocr: bool | None = None
    force_ocr: bool | None = None
    do_table_structure: bool | None = None
    include_images: bool | None = None
    page_chunks: bool | None = None
    content: tuple[Content, ...] | None = None
    encoding: str | None = None
    attachments: Literal["list", "parse"] | None = None
    page_range: tuple[PageNumber, PageNumber] | None = None
    password: SecretStr | None = None
    cache: bool | None = None
    ocr_lang: tuple[str, ...] | None = None
    table_mode: TableMode | None = None
    images_scale: float | None = Field(None, ge=LEAST_SCALE, le=MOST_SCALE)
    heading_hierarchy: bool | None = None
    picture_description: str | None = Field(None, min_length=1)
    picture_area: float | None = Field(None, ge=0, le=1)
    do_picture_classification: bool | None = None
    picture_allow: tuple[PictureClass, ...] | None = Field(None, min_length=1)
    picture_deny: tuple[PictureClass, ...] | None = Field(None, min_length=1)
    picture_min_confidence: float | None = Field(None, ge=0, le=1)
    do_code_enrichment: bool | None = None
    do_formula_enrichment: bool | None = None
    chunks: ChunkOptions | None = None

    @field_validator("content")
    @classmethod
    def _with_the_body(cls, content: tuple[Content, ...] | None) -> tuple[Content, ...] | None:
        """In one order, so that equal requests are equal."""
        return None if content is None else tuple(part for part in CONTENT if part == "body" or part in content)

    @field_validator("encoding")
    @classmethod
    def _names_an_encoding(cls, encoding: str | None) -> str | None:
        if encoding is not None and not is_text_encoding(encoding):
            raise ValueError("unknown encoding; use one of Python's names, such as shift_jis or cp1251")
        return encoding

    @field_validator("ocr_lang")
    @classmethod
    def _are_read(cls, languages: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """One model reads all languages, so the names change nothing but whether the request is taken."""
        if unread := set(languages or ()) - set(OCR_LANGUAGES):
            raise ValueError(f"OCR does not read {', '.join(sorted(unread))}; it reads {', '.join(OCR_LANGUAGES)}")
        return languages

    @model_validator(mode="after")
    def _scales_pictures_that_are_kept(self) -> Self:
        if self.images_scale is not None and not self.include_images:
            raise ValueError("images_scale needs include_images: true")
        return self

    @model_validator(mode="after")
    def _measures_pictures_that_are_described(self) -> Self:
        if self.picture_area is not None and not self.picture_description:
            raise ValueError("picture_area needs picture_description")
        return self

    @model_validator(mode="after")
    def _filters_pictures_that_have_a_class(self) -> Self:
        filters = {"picture_allow": self.picture_allow, "picture_deny": self.picture_deny}
        given = [name for name, classes in filters.items() if classes is not None]
        if given and not (self.picture_description and self.do_picture_classification):
            raise ValueError(f"{given[0]} needs picture_description, and do_picture_classification: true")
        if self.picture_min_confidence is not None and not given:
            raise ValueError("picture_min_confidence needs picture_allow or picture_deny")
        return self

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Self:
        if self.page_range and self.page_range[0] > self.page_range[1]:
            raise ValueError("page_range must be [first, last] with first <= last")
        return self

    def over(self, defaults: ParseOptions) -> ParseOptions:
        """These options where they are set, and `defaults` elsewhere."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return defaults.model_copy(update={name: value for name, value in given.items() if value is not None})
