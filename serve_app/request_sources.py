"""Reads the sources of a request: files that the client does not send, because the server fetches or has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Discriminator, Tag, TypeAdapter, ValidationError

from actors.egress.guard import AddressGuard
from actors.messages import InputFile
from client.models import JobSource, UrlSource
from serve_app.job_sources import JobFiles
from serve_app.url_sources import check_number, invalid, remote_file


def _kind(source: Any) -> str:
    return "job" if isinstance(source, dict) and "job_id" in source else "url"


#: By tag.
_KNOWN = {
    tag: f"; the fields are {', '.join(model.model_fields)}" for tag, model in (("url", UrlSource), ("job", JobSource))
}

_SOURCES = TypeAdapter(
    list[Annotated[Annotated[UrlSource, Tag("url")] | Annotated[JobSource, Tag("job")], Discriminator(_kind)]]
)


def parse_sources(text: str | bytes) -> list[UrlSource | JobSource]:
    """The sources in a JSON array. Raises Refused."""
    try:
        return _SOURCES.validate_json(text)
    except ValidationError as error:
        # Not the values: headers are secrets, and URLs may be.
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    index, tag, *field = first["loc"] or ("", "")
    where = ".".join(map(str, ["sources", *([index] if first["loc"] else []), *field]))
    what_to_do = _KNOWN[str(tag)] if first["type"] in ("extra_forbidden", "model_type") else ""
    raise invalid(f"{where}: {first['msg']}{what_to_do}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReader:
    """Makes the sources of one request files of a job, stored as `{folder}/{index}`. `guard` checks their URLs."""

    guard: AddressGuard
    jobs: JobFiles
    folder: str

    async def read(self, text: str | bytes, first: int) -> list[InputFile]:
        """The files of a JSON array of sources, from the index `first` on.

        Host names are looked up when a file is fetched. Raises Refused for an invalid source, JobNotFound, JobExpired.
        """
        files: list[InputFile] = []
        sources = parse_sources(text)
        for number, source in enumerate(sources):
            index = first + len(files)
            if isinstance(source, JobSource):
                files += await self.jobs.files(source, self.folder, index)
            else:
                check_number(first + len(sources))
                files.append(remote_file(source, self.guard, f"{self.folder}/{index}", f"sources.{number}"))
        return files
