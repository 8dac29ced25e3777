"""The requests of docling-serve's clients, read: their files are stored, and their options are checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from actors.messages import InputFile
from client.models import ErrorCode
from serve_app.docling_v1.chunking import Chunker, Chunking, ChunkingRequest, chunking_of
from serve_app.docling_v1.models import InvalidValue, TaskType
from serve_app.docling_v1.options import ConvertOptions
from serve_app.docling_v1.rules import Reply
from serve_app.problems import Refused

Target = Literal["inbody", "zip"]
T = TypeVar("T", bound=BaseModel)

#: docling's SDK asks for this target first. It falls back to another one when an answer has exactly these words.
NO_PRESIGNED_URLS = "Presigned URL target requires artifact storage to be configured and enabled on the server."


class Invalid(Exception):
    """A request with invalid values."""

    def __init__(self, errors: list[InvalidValue]) -> None:
        super().__init__(errors[0].msg)
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request whose files are stored. `chunking` says how to cut the documents, if they are to be cut."""

    task: TaskType
    files: tuple[InputFile, ...]
    options: ConvertOptions
    target: Target
    chunking: Chunking | None


class _Model(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore")


class FileSource(_Model):
    kind: Literal["file"]
    base64_string: str
    filename: str = "document"


class HttpSource(_Model):
    kind: Literal["http"]
    url: str
    headers: dict[str, SecretStr] = {}


class TargetRequest(_Model):
    kind: str = "inbody"


class SourceRequest(_Model):
    """What the bodies of all JSON requests have."""

    sources: Annotated[tuple[Annotated[FileSource | HttpSource, Field(discriminator="kind")], ...], Field(min_length=1)]
    target: TargetRequest = TargetRequest()
    callbacks: tuple[Any, ...] = ()


class ConvertRequest(SourceRequest):
    """The body of `/v1/convert/source`."""

    options: ConvertOptions = ConvertOptions()


class ChunkRequest(SourceRequest):
    """The body of `/v1/chunk/{chunker}/source`."""

    convert_options: ConvertOptions = ConvertOptions()
    chunking_options: ChunkingRequest = ChunkingRequest()
    include_converted_doc: bool = False


def checked(model: type[T], sent: object, *where: str) -> T:
    """`sent` as `model`. Raises Invalid. Its errors never hold a value of the request: it may be a secret."""
    try:
        return model.model_validate(sent)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        wrong = [InvalidValue(loc=["body", *where, *each["loc"]], msg=each["msg"], type=each["type"]) for each in found]
        raise Invalid(wrong) from error


def checked_target(kind: str) -> Target:
    """Raises Refused for a target that this server does not have."""
    if kind == "presigned_url":
        raise Refused(ErrorCode.INVALID_REQUEST, NO_PRESIGNED_URLS)
    if kind in get_args(Target):
        return cast(Target, kind)
    raise Refused(ErrorCode.INVALID_REQUEST, f"The target '{kind[:40]}' is not supported; send inbody or zip")


def chunks_asked_for(options: ConvertOptions, target: Target) -> Chunking | None:
    """How to cut the documents of a request to convert. Raises Refused and Invalid."""
    if "chunks" not in options.to_formats:
        return None
    if target != "zip":
        reason = "to_formats=chunks needs the target zip; /v1/chunk/hybrid answers with the chunks themselves"
        raise Refused(ErrorCode.INVALID_OPTION, reason)
    sent = checked(_ChunkerAndOptions, options.chunking_options or {}, "options", "chunking_options")
    return chunking_of(sent, sent.chunker, include_document=False)


class _ChunkerAndOptions(ChunkingRequest):
    chunker: Annotated[Chunker, Reply()] = "hybrid"


def check_callbacks(callbacks: Sequence[object]) -> None:
    """Raises Refused for a request with callbacks."""
    if callbacks:
        reason = "callbacks are not supported here; POST /submit has webhook_url, and the status can be watched"
        raise Refused(ErrorCode.CALLBACK_REFUSED, reason)
