"""Tells what this server takes."""

from __future__ import annotations

from typing import get_args

from actors.endpoints import VLM, names_for
from actors.formats import supported_suffixes
from actors.tokenizer_files import tokenizers_in
from client.languages import OCR_LANGUAGES
from client.models import ChunkFormat, ChunkOptions, ExportFormat, ParseOptions, ParserInfo
from client.offer import Limits, ServerOptions
from client.options import LEAST_SCALE, LEAST_TOKENS, MOST_SCALE, MOST_TOKENS, Chunker, LocalProfile
from client.picture_classes import PICTURE_CLASSES
from serve_app.chunk_results import complete
from serve_app.settings import Settings


def offer(settings: Settings, parser: ParserInfo | None, enrichments: list[str]) -> ServerOptions:
    """What a request may choose. `parser` describes the parsers; None while none is ready."""
    return ServerOptions(
        suffixes=list(supported_suffixes()),
        formats=[*ExportFormat, *ChunkFormat, "confidence", "zip"],
        profiles=_profiles(settings, parser),
        ocr_languages=list(OCR_LANGUAGES),
        chunkers=list(get_args(Chunker)),
        tokenizers={name: file.max_tokens for name, file in tokenizers_in(settings.tokenizers).items()},
        defaults=settings.parse_options.model_dump(mode="json", exclude_none=True),
        chunk_defaults=complete(ChunkOptions(), settings.tokenizers),
        options_schema=ParseOptions.model_json_schema(),
        limits=Limits(
            max_file_bytes=settings.max_file_bytes,
            max_request_bytes=settings.max_request_bytes,
            max_pages=settings.max_pages,
            max_tokens=(LEAST_TOKENS, MOST_TOKENS),
            images_scale=(LEAST_SCALE, MOST_SCALE),
        ),
        model_endpoints={name: list(endpoint.use) for name, endpoint in settings.endpoints.items()},
        enrichments=enrichments,
        picture_classes=list(PICTURE_CLASSES),
    )


def _profiles(settings: Settings, parser: ParserInfo | None) -> list[str]:
    """Without `standard` where `auto` has found that its models are missing; with the endpoints that read pages."""
    missing = settings.profile == "auto" and parser is not None and parser.profile != "standard"
    local = [profile for profile in get_args(LocalProfile) if not (missing and profile == "standard")]
    remote = [f"{VLM}:{name}" for name in names_for(settings.endpoints, "page")]
    return [*local, *([VLM] if remote else []), *remote]
