"""The only place with environment names and defaults. `args:` of a serve config are the same fields in lower case."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from actors.deliveries.payloads import parse_secrets
from actors.egress.guard import Allowed
from client.keys import parse_keys
from client.models import DEFAULT_CONTENT, Content, ParseOptions, Profile

MIB = 1024 * 1024
GIB = 1024 * MIB


def _absolute(location: str) -> str:
    """A relative path counts from where the service is started; its processes run in folders of Ray's own."""
    scheme, separator, path = location.rpartition("sqlite:///")
    if path.startswith(":memory:") or "://" in path:
        return location
    return f"{scheme}{separator}{Path(path).absolute()}"


def _destinations(text: str) -> str:
    Allowed.parse(text)
    return text


def _file(path: str) -> str:
    return str(Path(path).absolute()) if path else ""


def _keys(text: SecretStr) -> SecretStr:
    parse_keys(_lines(text))
    return text


def _lines(text: SecretStr) -> str:
    return "\n".join(text.get_secret_value().replace(",", " ").split())


def _split(given: object) -> object:
    """Words with commas between, as the environment gives them."""
    return given.replace(",", " ").split() if isinstance(given, str) else given


def _secrets(text: SecretStr) -> SecretStr:
    parse_secrets(text.get_secret_value())
    return text


def _downloaded_models() -> str | None:
    """Where docling's downloader puts models; its code names the folder, but loading that takes seconds."""
    folder = Path.home() / ".cache" / "docling" / "models"
    return str(folder) if folder.is_dir() else None


Location = Annotated[str, AfterValidator(_absolute)]
"""A folder's path, or a URL."""


class Settings(BaseSettings):
    """A field is read from the environment variable of its name in capitals, unless it is given by `args:`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,  # some are secrets
    )

    host: str = "127.0.0.1"
    """Address that HTTP listens on; `0.0.0.0` for every interface. One interface's own address, or IPv6, wants
    `RAY_SERVE_ENABLE_HA_PROXY=0`."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port that HTTP listens on."""
    ingress_replicas: Annotated[int, Field(ge=1)] = 1
    """Processes that answer HTTP requests."""
    parse_timeout_s: Annotated[float, Field(gt=0)] = 1800.0
    """How long `POST /parse` waits; then it answers 202 and the job goes on."""

    max_concurrent_requests: Annotated[int, Field(ge=1)] = 10
    """Jobs that a dispatcher works on at once."""
    max_concurrent_files: Annotated[int, Field(ge=1)] = 4
    """Files of one job that are worked on at once."""
    max_file_size_mb: Annotated[int, Field(ge=1)] = 100
    """Largest file that is accepted, in MiB."""
    max_queued_jobs: Annotated[int, Field(ge=1)] = 10_000
    """Jobs that may wait; a submit beyond them is answered 429."""
    max_queued_bytes: Annotated[int, Field(ge=1)] = 16 * GIB
    """Bytes of the files of all jobs that wait; a submit beyond them is answered 429."""

    docling_artifacts_path: Location | None = Field(default_factory=_downloaded_models)
    """Folder of docling's own models; by default the one that `make models` fills, once it is there."""
    profile: Profile = "auto"
    """Which models parse PDFs and pictures; `auto` is `standard` when its files are on disk, else `bundled`."""
    page_chunks: bool = True
    """One node for each page, rather than one for each document."""
    content: Annotated[tuple[Content, ...], NoDecode, BeforeValidator(_split)] = DEFAULT_CONTENT
    """What nodes and exports hold besides the body, with commas between: `furniture` (page headers and footers),
    `notes` (footnotes, endnotes, notes of slides, comments)."""
    do_ocr: bool = True
    """Read the text of pictures and scanned pages."""
    do_table_structure: bool = True
    """Find the rows and columns of tables."""

    parser_min_replicas: Annotated[int, Field(ge=0)] = 1
    """Parser replicas that are kept when there is no work."""
    parser_max_replicas: Annotated[int, Field(ge=1)] = Field(default_factory=lambda: os.cpu_count() or 1)
    """Parser replicas at most; one for each CPU of the machine unless given."""
    parser_num_cpus: Annotated[float, Field(gt=0)] = 1.0
    """CPUs of one parser replica: what it asks Ray for, and how many threads it uses."""
    parser_num_gpus: Annotated[float, Field(ge=0)] = 0.0
    """GPUs of one parser replica; a fraction shares one between several."""
    parser_idle_s: Annotated[float, Field(ge=0)] = 60.0
    """How long a parser replica is idle before it is given back."""
    parser_max_pages: Annotated[int, Field(ge=0)] = 2000
    """Pages after which a parser replica is replaced by a new one, so that no leak adds up; 0 for never."""
    parser_max_memory_mb: Annotated[int, Field(ge=1)] | None = None
    """MiB of memory above which a parser replica is replaced; None is its share of its machine, by CPUs or GPUs."""
    page_deadline_s: Annotated[float, Field(gt=0)] = 60.0
    """How long a page may take; a replica that exceeds it for each page of its work is hung, and ends itself."""
    job_deadline_s: Annotated[float, Field(gt=0)] = 3600.0
    """How long a dispatcher works on a job before that fails with `deadline_exceeded`. One that takes a job over from a
    dead one counts anew."""
    span_pages: Annotated[int, Field(ge=1)] | None = None
    """Pages of a document that one parser takes at a time; None suits them to the document and the fleet."""

    state_dir: Location = ".docfleet"
    """Folder of the journal and the blobs."""
    database_url: Location = Field(default_factory=lambda known: f"sqlite:///{known['state_dir']}/journal.db")
    """The journal; a SQLite file in `STATE_DIR` unless given."""
    blob_url: Location = Field(default_factory=lambda known: f"{known['state_dir']}/blobs")
    """Inputs and results; a folder in `STATE_DIR` unless given."""
    job_ttl_s: Annotated[float, Field(gt=0)] = 24 * 3600.0
    """How long an ended job and its results are kept."""
    result_cache: bool = False
    """Whether a document that its caller had parsed before is answered from that job, while its results are kept."""
    orphan_age_s: Annotated[float, Field(gt=0)] = 3600.0
    """How long the files of an upload that never became a job are kept; longer than any upload takes."""
    keep_inputs: bool = True
    """Whether the files of an ended job are kept as long as its results."""

    api_keys_file: Annotated[str, AfterValidator(_file)] = ""
    """File of the API keys, one `name:hash` a line, as `docfleet keys` writes it; read again when it changes."""
    api_keys: Annotated[SecretStr, AfterValidator(_keys)] = SecretStr("")
    """More API keys: `name:hash`, with commas between. Without any key everybody is let in."""
    key_requests_per_s: Annotated[float, Field(gt=0)] | None = None
    """Requests a second of one API key, on each ingress replica; more are answered 429."""
    key_max_queued_jobs: Annotated[int, Field(ge=1)] | None = None
    """Jobs of one API key that may wait; a submit beyond them is answered 429."""
    key_max_queued_bytes: Annotated[int, Field(ge=1)] | None = None
    """Bytes of the files of one API key's jobs that wait; a submit beyond them is answered 429."""
    cors_origins: str = ""
    """Origins whose pages may call this server from a browser, with commas between; `*` for every one."""

    callback_allow: Annotated[str, AfterValidator(_destinations)] = ""
    """Hosts, addresses and networks, with commas between, that may be called although they are not public."""
    webhook_secret: Annotated[SecretStr, AfterValidator(_secrets)] = SecretStr("")
    """Signs webhooks: 24 to 64 bytes in base64; two with a space between while one takes the other's place."""

    @model_validator(mode="after")
    def _replicas_are_ordered(self) -> Self:
        if self.parser_min_replicas > self.parser_max_replicas:
            raise ValueError("parser_min_replicas must not be above parser_max_replicas")
        return self

    @property
    def parse_options(self) -> ParseOptions:
        """What a request's own options are laid over."""
        return ParseOptions(
            profile=self.profile,
            page_chunks=self.page_chunks,
            content=self.content,
            do_ocr=self.do_ocr,
            do_table_structure=self.do_table_structure,
        )

    @property
    def allowed_destinations(self) -> Allowed:
        return Allowed.parse(self.callback_allow)

    @property
    def webhook_keys(self) -> tuple[bytes, ...]:
        return parse_secrets(self.webhook_secret.get_secret_value())

    @property
    def requires_keys(self) -> bool:
        return bool(self.api_keys_file or self.api_keys_text)

    @property
    def api_keys_text(self) -> str:
        """The keys of the environment, as a key file would hold them."""
        return _lines(self.api_keys)

    @property
    def allowed_origins(self) -> list[str]:
        return self.cors_origins.replace(",", " ").split()

    @property
    def max_file_bytes(self) -> int:
        return self.max_file_size_mb * MIB

    @property
    def max_request_bytes(self) -> int:
        """What would never find room among what waits need not be received."""
        return min(self.max_queued_bytes, self.key_max_queued_bytes or self.max_queued_bytes)

    @property
    def is_local(self) -> bool:
        """Whether the journal or the blobs are in a folder, so that what writes them must stay on that machine."""
        return self.database_url.startswith("sqlite") or "://" not in self.blob_url

    @property
    def public_config(self) -> dict[str, Any]:
        """What `GET /health` tells: the names that clients of the single-process server read."""
        names = {
            "max_concurrent_requests", "max_concurrent_files", "max_file_size_mb",
            "page_chunks", "do_ocr", "do_table_structure", "profile",
        }  # fmt: skip
        return self.model_dump(include=names)


class ServeArguments(Settings):
    """The settings that a Serve config gives under `args:`; for all others the environment holds.

    Raises ValueError for a secret: Ray logs an application's arguments, and its dashboard shows them.
    """

    def __init__(self, **given: Any) -> None:
        for name in given:
            if _is_secret(name, given[name]):
                raise ValueError(f"{name} holds a secret: give it as {name.upper()} in the environment of every node")
        super().__init__(**given)


def _is_secret(name: str, value: object) -> bool:
    field = Settings.model_fields.get(name)
    if name == "database_url":
        return bool(urlsplit(str(value)).password)
    return field is not None and field.annotation is SecretStr
