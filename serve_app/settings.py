"""All settings. Environment variables set them in upper case, `args:` of a Serve config in lower case."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from actors.deliveries.payloads import parse_secrets
from actors.egress.guard import AddressGuard, Hosts
from actors.endpoints import Endpoints, parse_endpoints, with_endpoints
from actors.job_ids import MAX_SHARDS
from client.models import DEFAULT_CONTENT, Content, ParseOptions, Profile
from serve_app.setting_values import (
    Location,
    absolute_file,
    as_json,
    checked_blobs,
    checked_database,
    checked_denied,
    checked_destinations,
    checked_endpoints,
    checked_keys,
    checked_origins,
    checked_secrets,
    downloaded_models,
    lines,
    split_words,
    without_star,
)

MIB = 1024 * 1024
GIB = 1024 * MIB


#: Settings of dispatchers that a `user_config` may change while they run.
LIVE = frozenset({"page_deadline_s", "job_deadline_s", "max_result_mb"})


class Settings(BaseSettings):
    """A field comes from `args:`, otherwise from the environment variable of its name in upper case.

    An empty variable counts as unset: files of variables and templates often name some without a value.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,  # some inputs are secrets
    )

    host: str = "127.0.0.1"
    """Address to listen on. `0.0.0.0` means every interface. The address of one interface, or an IPv6 address, needs
    `RAY_SERVE_ENABLE_HA_PROXY=0`."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port to listen on."""
    root_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$")] = ""
    """Path prefix that a proxy in front strips from requests, such as `/docs-api`. `Location` and all links have it."""
    ui: bool = True
    """Serve the page for browsers at `/ui`, and at `/` for requests that ask for HTML."""
    ingress_replicas: Annotated[int, Field(ge=1)] = 1
    """Number of processes that answer HTTP requests."""
    docling_v1: bool = True
    """Also answer the requests of docling-serve's clients, under `/v1`."""
    health_status: Literal["healthy", "ok"] = "healthy"
    """Word for a healthy service in `GET /health`. Quarkus and Arconia look for `ok`, all others for `healthy`."""
    parse_timeout_s: Annotated[float, Field(gt=0)] = 1800.0
    """Seconds that `POST /parse` waits for its job. After that it answers 202, and the job continues."""

    max_concurrent_files: Annotated[int, Field(ge=1)] = 4
    """Number of files of one job that are parsed at the same time."""
    max_file_size_mb: Annotated[int, Field(ge=1)] = 100
    """Largest accepted file, in MiB."""
    max_queued_jobs: Annotated[int, Field(ge=1)] = 10_000
    """Number of jobs that may wait in the queue. Further submits get 429."""
    max_queued_bytes: Annotated[int, Field(ge=1)] = 16 * GIB
    """Total bytes of the files of all waiting jobs. Further submits get 429."""

    docling_artifacts_path: Location | None = Field(default_factory=downloaded_models)
    """Folder of docling's own models. Default: the folder that `make models` fills, if it exists."""
    profile: Profile = "auto"
    """Models for PDFs and pictures. `auto` means `standard` if its files are on disk, otherwise `bundled`."""
    page_chunks: bool = True
    """Return one node per page instead of one node per document."""
    content: Annotated[tuple[Content, ...], NoDecode, BeforeValidator(split_words)] = DEFAULT_CONTENT
    """Content of nodes and exports besides the body, separated by commas: `furniture` (page headers and footers),
    `notes` (footnotes, endnotes, notes of slides, comments) and `figures` (the words inside figures)."""
    do_ocr: bool = True
    """Read the text in pictures and scanned pages."""
    do_table_structure: bool = True
    """Detect the rows and columns of tables."""

    model_endpoints: Annotated[str, BeforeValidator(as_json), AfterValidator(checked_endpoints)] = ""
    """Remote models that requests may name: a JSON object, or the path of a file with one. Their keys are in
    environment variables of their own ([models.md](models.md))."""
    tokenizers_dir: Location | None = None
    """Folder of more tokenizers for chunks, each as `<name>/tokenizer.json` or `<org>/<name>/tokenizer.json`. It must
    be on every machine that parses or answers HTTP."""

    parser_min_replicas: Annotated[int, Field(ge=0)] = 1
    """Number of parser replicas to keep when there is no work. Default on a single machine (`make serve`): as many as
    its CPUs and memory have room for."""
    parser_max_replicas: Annotated[int, Field(ge=1)] = Field(default_factory=lambda: os.cpu_count() or 1)
    """Largest number of parser replicas. Default: one per CPU of the machine."""
    dispatchers: Annotated[int, Field(ge=1)] = 1
    """Number of dispatchers, the processes that hand jobs to the parsers. Each claims jobs for itself."""
    registry_shards: Annotated[int, Field(ge=1, le=MAX_SHARDS)] = 1
    """Number of registries that share the jobs, each with a journal of its own. It may grow while there are jobs, but
    it must not shrink ([scaling.md](scaling.md#several-registries))."""
    max_concurrent_requests: Annotated[int, Field(ge=1)] = Field(
        default_factory=lambda settings: max(10, -(-2 * settings["parser_max_replicas"] // settings["dispatchers"]))
    )
    """Number of jobs that one dispatcher runs at the same time. Default: twice `PARSER_MAX_REPLICAS` divided by
    `DISPATCHERS`, so that jobs with one small file keep every parser busy, and at least 10."""
    parser_num_cpus: Annotated[float, Field(gt=0)] = 1.0
    """CPUs of one parser replica: its reservation in Ray and its number of threads."""
    parser_num_gpus: Annotated[float, Field(ge=0)] = 0.0
    """GPUs of one parser replica. With a fraction, several replicas share one GPU."""
    parser_idle_s: Annotated[float, Field(ge=0)] = 600.0
    """Seconds without work after which a parser replica is removed."""
    parser_max_pages: Annotated[int, Field(ge=0)] = 2000
    """Pages after which a parser replica is replaced, so that memory leaks cannot add up. 0 means never."""
    parser_max_memory_mb: Annotated[int, Field(ge=1)] | None = None
    """Memory in MiB above which a parser replica is replaced. Default: its share of the machine, by CPUs or GPUs."""
    page_deadline_s: Annotated[float, Field(gt=0)] = 60.0
    """Seconds allowed per page; files without pages get a share of it by their size. A replica whose call takes longer
    counts as hung and ends itself."""
    max_pages: Annotated[int, Field(ge=1)] = 10_000
    """Largest number of pages of one file. A file with more fails with `too_many_pages`."""
    max_result_mb: Annotated[int, Field(ge=1)] | None = None
    """Largest size of the nodes and the document of one file, in MiB. Default: 200 times the size of the file, but at
    least 64 and at most 1024."""
    job_deadline_s: Annotated[float, Field(gt=0)] = 3600.0
    """Seconds that a dispatcher works on a job before the job fails with `deadline_exceeded`. A dispatcher that takes a
    job over starts counting again."""
    span_pages: Annotated[int, Field(ge=1)] | None = None
    """Pages that one parser takes at a time. Default: depends on the document and the size of the fleet."""

    state_dir: Location = ".docfleet"
    """Folder of the journal and the blobs."""
    database_url: Annotated[Location, AfterValidator(checked_database)] = Field(
        default_factory=lambda known: f"sqlite:///{known['state_dir']}/journal.db"
    )
    """Database of the journal, in SQLite or PostgreSQL. Default: a SQLite file in `STATE_DIR`."""
    blob_url: Annotated[str, AfterValidator(checked_blobs)] = Field(
        default_factory=lambda known: f"{known['state_dir']}/blobs"
    )
    """Folder or object store of inputs and results. Default: a folder in `STATE_DIR`."""
    job_ttl_s: Annotated[float, Field(gt=0)] = 24 * 3600.0
    """Seconds that an ended job and its results are kept."""
    result_cache: bool = False
    """Reuse the results of an earlier job of the same caller for the same document, while they are kept."""
    orphan_age_s: Annotated[float, Field(gt=0)] = 3600.0
    """Seconds after which the files of an upload that never became a job are deleted. Must be longer than the longest
    upload."""
    blobs_expire: bool = False
    """The object store removes blobs by a lifecycle rule of its own, which must keep them for longer than `JOB_TTL_S`
    ([scaling.md](scaling.md#removing-old-jobs)). Expired jobs then only leave the journal, and nothing lists the
    store."""
    keep_inputs: bool = True
    """Keep the files of an ended job as long as its results."""

    api_keys_file: Annotated[str, AfterValidator(absolute_file)] = ""
    """File of API keys, one `name:hash` per line. `docfleet keys` writes it. The server rereads it when it changes."""
    api_keys: Annotated[SecretStr, AfterValidator(checked_keys)] = SecretStr("")
    """More API keys: `name:hash` pairs, separated by commas. Without any key, everybody has access."""
    key_requests_per_s: Annotated[float, Field(gt=0)] | None = None
    """Requests per second of one API key, on each ingress replica. Further requests get 429."""
    key_max_queued_jobs: Annotated[int, Field(ge=1)] | None = None
    """Number of jobs of one API key that may wait. Further submits get 429."""
    key_max_queued_bytes: Annotated[int, Field(ge=1)] | None = None
    """Total bytes of the files of one API key's waiting jobs. Further submits get 429."""
    cors_origins: Annotated[str, AfterValidator(checked_origins)] = ""
    """Origins whose pages may call this server from a browser, such as `https://app.example.org`, separated by commas.
    `*` allows all."""

    callback_allow: Annotated[str, AfterValidator(checked_destinations)] = ""
    """Hosts, addresses and networks that the server may call although they are not public, separated by commas."""
    sources_allow: Annotated[str, AfterValidator(checked_destinations)] = ""
    """Hosts, addresses and networks that `sources` may name although they are not public, separated by commas."""
    sources_deny: Annotated[str, AfterValidator(checked_denied)] = ""
    """Hosts, addresses and networks that `sources` must not name, separated by commas; stronger than `SOURCES_ALLOW`.
    `*` stands for everything that `SOURCES_ALLOW` does not name."""
    webhook_secret: Annotated[SecretStr, AfterValidator(checked_secrets)] = SecretStr("")
    """Secret that signs webhooks: 24 to 64 bytes in base64. In a rotation: the new and the old one, space-separated."""

    @model_validator(mode="after")
    def _a_folder_has_no_rules(self) -> Self:
        if self.blobs_expire and "://" not in self.blob_url:
            raise ValueError("blobs_expire needs an object store in blob_url: a folder removes no files itself")
        return self

    @model_validator(mode="after")
    def _profile_has_its_model(self) -> Self:
        with_endpoints(ParseOptions(profile=self.profile), self.endpoints)
        return self

    @model_validator(mode="after")
    def _replicas_are_ordered(self) -> Self:
        if self.parser_min_replicas > self.parser_max_replicas:
            raise ValueError("parser_min_replicas must not be above parser_max_replicas")
        return self

    def with_parsers(self, room: int) -> Self:
        """The settings for a machine of its own, which has room for `room` parsers: all of them start at once and stay.

        PARSER_MIN_REPLICAS and PARSER_MAX_REPLICAS still hold where they are set.
        """
        chosen = self.model_fields_set
        least, most = self.parser_min_replicas, self.parser_max_replicas
        if "parser_max_replicas" not in chosen:
            most = max(1, least, min(room, most))
        if "parser_min_replicas" not in chosen:
            least = max(1, min(room, most))
        return self.model_copy(update={"parser_min_replicas": least, "parser_max_replicas": most})

    def with_live(self, changes: Mapping[str, Any]) -> Settings:
        """These settings with those of a `user_config`. Raises ValueError when one is invalid, or is not in LIVE."""
        if others := sorted(changes.keys() - LIVE):
            raise ValueError(f"user_config cannot change {', '.join(others)}: change args instead")
        return Settings(**{**self.model_dump(), **changes})

    @property
    def parse_options(self) -> ParseOptions:
        """The default options of a request."""
        return ParseOptions(
            profile=self.profile,
            page_chunks=self.page_chunks,
            content=self.content,
            do_ocr=self.do_ocr,
            do_table_structure=self.do_table_structure,
        )

    @property
    def endpoints(self) -> Endpoints:
        """The remote models by name."""
        return parse_endpoints(self.model_endpoints)

    @property
    def tokenizers(self) -> Path | None:
        return Path(self.tokenizers_dir) if self.tokenizers_dir else None

    @property
    def allowed_destinations(self) -> Hosts:
        return Hosts.parse(self.callback_allow)

    @property
    def source_guard(self) -> AddressGuard:
        """The guard of the addresses that `sources` may name."""
        denied, only_allowed = without_star(self.sources_deny)
        allowed = Hosts.parse(self.sources_allow)
        return AddressGuard(allowed, denied=Hosts.parse(denied), only_allowed=only_allowed)

    @property
    def webhook_keys(self) -> tuple[bytes, ...]:
        return parse_secrets(self.webhook_secret.get_secret_value())

    @property
    def requires_keys(self) -> bool:
        return bool(self.api_keys_file or self.api_keys_text)

    @property
    def api_keys_text(self) -> str:
        """The keys of API_KEYS in the format of a key file."""
        return lines(self.api_keys)

    @property
    def allowed_origins(self) -> list[str]:
        return self.cors_origins.replace(",", " ").split()

    @property
    def max_file_bytes(self) -> int:
        return self.max_file_size_mb * MIB

    @property
    def max_request_bytes(self) -> int:
        """A request above the byte limit of the queue can never be admitted, so it is refused early."""
        return min(self.max_queued_bytes, self.key_max_queued_bytes or self.max_queued_bytes)

    @property
    def is_local(self) -> bool:
        """Whether the journal or the blobs are on a local disk. Their writers must then stay on that machine."""
        return self.database_url.startswith("sqlite") or "://" not in self.blob_url

    @property
    def bucket(self) -> str | None:
        """The object store that every node can reach; None when blobs are in a folder."""
        return self.blob_url if "://" in self.blob_url else None

    @property
    def public_config(self) -> dict[str, Any]:
        """The settings in `GET /health`: those that clients of the single-process server read."""
        names = {
            "max_concurrent_requests", "max_concurrent_files", "max_file_size_mb",
            "page_chunks", "do_ocr", "do_table_structure", "profile",
        }  # fmt: skip
        return self.model_dump(include=names)


class ServeArguments(Settings):
    """The settings of a Serve config's `args:`. The environment provides the others.

    Raises ValueError for a secret, because Ray logs the arguments of an application and shows them on its dashboard.
    """

    def __init__(self, **given: Any) -> None:
        for name in given:
            if _is_secret(name, given[name]):
                raise ValueError(
                    f"{name} is a secret and must not be in args: set {name.upper()} in the environment of every node"
                )
        super().__init__(**given)


def _is_secret(name: str, value: object) -> bool:
    field = Settings.model_fields.get(name)
    if name == "database_url":
        return bool(urlsplit(str(value)).password)
    return field is not None and field.annotation is SecretStr
