"""Copies files of earlier jobs into a new job, so that they are parsed again with other options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actors.blobs import BlobStore
from actors.errors import BlobMissing, JobNotFound
from actors.messages import InputFile, JobView
from client.models import ErrorCode, JobSource
from serve_app.own_jobs import input_gone, input_key, own_job
from serve_app.ports import IngressRegistry
from serve_app.problems import Refused
from serve_app.results import check_file
from serve_app.uploads import MAX_PARTS, Measured, check_size


@dataclass(slots=True, kw_only=True)
class JobFiles:
    """Files of the jobs of `owner`. All copies together have at most `limit` bytes."""

    jobs: IngressRegistry
    blobs: BlobStore
    owner: str
    limit: int
    copied: int = 0

    async def files(self, source: JobSource, folder: str, first: int) -> list[InputFile]:
        """The files that `source` names, copied to `{folder}/{index}`, from the index `first` on.

        Raises JobNotFound, JobExpired, and Refused for a file that does not exist or is no longer kept.
        """
        view = await own_job(self.jobs, source.job_id, self.owner)
        inputs = await self.jobs.inputs(source.job_id)
        if not inputs:  # deleted meanwhile
            raise JobNotFound.of(source.job_id)
        numbers = range(len(inputs)) if source.file is None else [source.file]
        check_file(view, max(numbers), max(len(inputs), len(view.files)))
        if first + len(numbers) > MAX_PARTS:
            raise Refused(ErrorCode.INVALID_REQUEST, f"A request must have at most {MAX_PARTS} files")
        return [
            await self._copy(_described(view, inputs, number), f"{folder}/{index}")
            for index, number in enumerate(numbers, first)
        ]

    async def _copy(self, file: InputFile, key: str) -> InputFile:
        contents = Measured(self.blobs.stream(file.blob))
        try:
            async with self.blobs.writer(key) as writer:
                async for chunk in contents:
                    check_size(self.copied + contents.size, self.limit)
                    await writer.write(chunk)
        except BlobMissing as error:
            raise input_gone() from error
        self.copied += contents.size
        return InputFile(
            filename=file.filename,
            blob=key,
            size=contents.size,
            sha256=contents.sha256,
            trust_name=file.trust_name,
        )


def _described(view: JobView, inputs: Sequence[InputFile], number: int) -> InputFile:
    """A file of a job as far as it is known. Attachments come after the submitted files.

    The name of a fetched file may have come from a URL or a server, so its content has to tell what it is.
    """
    is_submitted = number < len(inputs)
    return InputFile(
        filename=view.files[number].filename if view.files else inputs[number].filename,
        blob=input_key(view, number),
        size=0,
        sha256="",
        trust_name=inputs[number].trust_name and not inputs[number].remote if is_submitted else True,
    )
