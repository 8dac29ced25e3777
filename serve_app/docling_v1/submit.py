"""Makes a job of a request, by the ingress' own way of taking jobs."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

import orjson
from starlette.requests import Request

from actors.blobs import BlobStore
from actors.blobs.keys import inputs_of
from actors.messages import JobSpec, JobView
from actors.telemetry.logs import get_logger
from client.models import ParseOptions
from serve_app.docling_v1.files import FileStore
from serve_app.docling_v1.options import ConvertOptions, Translation, translate
from serve_app.docling_v1.reply import Reply
from serve_app.docling_v1.requests import Received
from serve_app.health import Health
from serve_app.model_choice import complete_options
from serve_app.settings import Settings
from serve_app.submit import Intake
from serve_app.url_sources import identity_of

log = get_logger()

_NOT_IN_HEADER = re.compile(r"[^!-+\--~]")  # all but printable ASCII, and the comma

Receive: TypeAlias = Callable[[Request, FileStore, int], Awaitable[Received]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A job that was made of a request. `substituted` says which options were replaced, as a header does."""

    view: JobView
    files: int
    substituted: str


class Submit:
    def __init__(self, intake: Intake, blobs: BlobStore, health: Health, settings: Settings) -> None:
        self._intake = intake
        self._health = health
        self._blobs = blobs
        self._settings = settings
        self._guard = settings.source_guard

    async def take(self, request: Request, receive: Receive, idempotency_key: str | None) -> Taken:
        """The job of a request. Raises Refused and Invalid, and the errors of `IngressRegistry.submit`."""
        translations: list[Translation] = []

        async def make(job_id: str) -> JobSpec:
            store = FileStore(self._blobs, inputs_of(job_id), self._settings.max_file_bytes, self._guard)
            sent = await receive(request, store, self._settings.max_request_bytes)
            translations.append(await self._translated(sent.options))
            return self._spec(job_id, request, sent, translations[0], idempotency_key)

        spec, view = await self._intake.submit(request, make, idempotency_key)
        substituted = header_of(translations[0])
        if substituted:
            log.info("options_substituted", job=view.job_id, options=substituted)
        return Taken(view=view, files=len(spec.files), substituted=substituted)

    async def _translated(self, options: ConvertOptions) -> Translation:
        keeps_inputs, endpoints = self._settings.keep_inputs, self._settings.endpoints
        return translate(options, keeps_inputs=keeps_inputs, there=await self._there(options), endpoints=endpoints)

    async def _there(self, options: ConvertOptions) -> Collection[str]:
        """The options that not every parser can do, as far as they are asked for and the parsers here can do them."""
        fast = options.table_mode == "fast" and await self._health.can_parse_with(ParseOptions(table_mode="fast"))
        return ("table_mode",) if fast else ()

    def _spec(
        self, job_id: str, request: Request, sent: Received, translation: Translation, key: str | None
    ) -> JobSpec:
        state = request.state
        reply = Reply.of(sent, self._settings.tokenizers)
        return JobSpec(
            job_id=job_id,
            files=sent.files,
            options=complete_options(translation.parse, self._settings),
            submitted_at=time.time(),
            owner=state.owner,
            idempotency_key=key,
            fingerprint=_fingerprint(sent, translation, reply) if key is not None else "",
            request_id=state.request_id,
            traceparent=state.traceparent,
            reply=reply.kept,
        )


def header_of(translation: Translation) -> str:
    """`ocr_engine=easyocr->rapidocr, table_mode=fast->accurate`, in ASCII."""
    pairs = (f"{name}={asked[:100]}->{ours}" for name, (asked, ours) in translation.substituted.items())
    return ", ".join(_NOT_IN_HEADER.sub("_", pair) for pair in pairs)


def _fingerprint(sent: Received, translation: Translation, reply: Reply) -> str:
    """A hash that is equal for equal requests, independent of their encoding."""
    files = [[file.filename, identity_of(file)] for file in sent.files]
    asked = [translation.parse.model_dump_json(exclude_defaults=True), reply.model_dump_json()]
    return hashlib.sha256(orjson.dumps(["docling_v1", files, asked])).hexdigest()
