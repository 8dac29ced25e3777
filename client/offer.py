"""What a server takes: enough for a program to check a request, and for a page to draw its form."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from client.models import Wire
from client.options import ChunkOptions


class Limits(Wire):
    """Sizes are in bytes. `max_tokens` and `images_scale` are the smallest and the largest value."""

    max_file_bytes: int
    max_request_bytes: int
    max_pages: int
    max_tokens: tuple[int, int]
    images_scale: tuple[float, float]


class ServerOptions(Wire):
    """`GET /options`.

    `suffixes` are the accepted file types, and `formats` the values of `format` for results. `options_schema` is the
    JSON schema of the form field `options`, and `defaults` what the server takes where a request says nothing.
    `tokenizers` has the number of tokens that each tokenizer's model reads. `model_endpoints` are the remote models by
    name, with what each is for: `page` for the profile `vlm:NAME`, `picture` for the option `picture_description`.
    `enrichments` are the options about single items whose models are installed, and `picture_classes` the classes that
    `picture_allow` and `picture_deny` may name.
    """

    suffixes: list[str]
    formats: list[str]
    profiles: list[str]
    ocr_languages: list[str]
    chunkers: list[str]
    tokenizers: dict[str, int]
    defaults: dict[str, Any]
    chunk_defaults: ChunkOptions
    options_schema: dict[str, Any]
    limits: Limits
    model_endpoints: dict[str, list[str]] = Field(default_factory=dict)
    enrichments: list[str] = Field(default_factory=list)
    picture_classes: list[str] = Field(default_factory=list)
