"""The ingress on a port of its own, with a worker that a test drives: no Ray, no models, and the real page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from actors.blobs import BlobStore
from actors.derivations import Derivation, PagePicture
from actors.errors import BlobMissing
from actors.messages import Claim, FileOutcome, Heartbeat, InputFile, JobOutcome, JobSpec, PartialFile
from client.confidence import Grade
from client.models import ParseOptions, Progress
from serve_app.settings import Settings
from tests.served_api import ServedApi
from tests.ui.documents import Document, paged


@dataclass
class Dispatchers:
    """Makes derivations from the documents of the tests. The content of a file is its name."""

    blobs: BlobStore
    documents: dict[str, Document]
    partial: dict[str, list[PartialFile]]

    async def partial_files(self, job_id: str, holder: str) -> list[PartialFile] | None:
        return self.partial.get(job_id)

    async def derive(self, wanted: Derivation) -> bytes | None:
        stored = await self.blobs.get(wanted.source)
        if isinstance(wanted, PagePicture):
            made = self.documents[stored.decode()].picture(wanted.page)
        else:
            made = self.documents[orjson.loads(stored)["name"]].derived(wanted)
        if made is None:
            raise BlobMissing(wanted.source)
        await self.blobs.put(wanted.target, made)
        return None


class PageServer(ServedApi):
    """`documents` are what the worker makes of the files, by name; others get three pages."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.documents: dict[str, Document] = {}
        self._claims: dict[str, Claim] = {}
        self._partial: dict[str, list[PartialFile]] = {}
        super().__init__(
            Settings(state_dir=str(folder), api_keys_file="", **settings),
            lambda _, blobs: Dispatchers(blobs, self.documents, self._partial),
        )

    def submit_named(self, *names: str, key: str = "") -> str:
        """Submit files whose content is their name."""
        return self.submit({name: name.encode() for name in names}, key)

    def completed(self, *names: str) -> str:
        job_id = self.submit_named(*names)
        self.complete(job_id)
        return job_id

    def drop_inputs(self, job_id: str) -> None:
        """Remove the files of a job, as a server that does not keep them."""
        self.call(self.blobs.delete_prefix(f"inputs/{job_id}"))

    def fill(self, jobs: int) -> None:
        """Submit so many jobs at once, without their files."""
        file = InputFile(filename="report.pdf", blob="none", size=1, sha256="")
        now = time.time()
        specs = [
            JobSpec(job_id=f"job{number}", files=(file,), options=ParseOptions(), submitted_at=now + number / 1000)
            for number in range(jobs)
        ]
        self.call(self.registry.submit_many(specs))

    def begin(self) -> list[str]:
        """Take every waiting job to work. Returns their ids."""
        claims = self.call(self.registry.claim("worker", 100, 0.0))
        self._claims.update({claim.spec.job_id: claim for claim in claims})
        return [claim.spec.job_id for claim in claims]

    def options(self, job_id: str) -> ParseOptions:
        """The options of a job at work."""
        return self._claims[job_id].spec.options

    def report(self, job_id: str, pages: Sequence[int]) -> list[str]:
        """Say that these pages of the first file are done. Returns the jobs to stop."""
        claim = self._claims[job_id]
        name = claim.spec.files[0].filename
        document = self.documents.get(name) or paged(name)
        nodes = [node for node in document.nodes if node["metadata"]["page_number"] in pages]
        total = len(document.nodes)
        part = PartialFile(
            filename=name, nodes=orjson.dumps(nodes), num_nodes=len(nodes), pages_done=len(pages), pages_total=total
        )
        self._partial[job_id] = [part]
        progress = Progress(pages_total=total, pages_done=len(pages), files_total=len(claim.spec.files))
        return self.call(self.registry.heartbeat([Heartbeat(job_id=job_id, lease=claim.lease, progress=progress)]))

    def complete(self, job_id: str, *, words_lost: int = 0, grade: Grade = "unspecified") -> None:
        """End a job with the results of its files."""
        if job_id not in self._claims:
            self.begin()
        claim = self._claims.pop(job_id)
        self.call(self._finish(claim, words_lost, grade))

    async def _finish(self, claim: Claim, words_lost: int, grade: Grade) -> None:
        outcomes = [
            replace(await self._store(claim, index, file.filename), grade=grade)
            for index, file in enumerate(claim.spec.files)
        ]
        pages = sum(outcome.pages for outcome in outcomes)
        files = len(outcomes)
        progress = Progress(
            pages_total=pages, pages_done=pages, files_total=files, files_done=files, words_lost=words_lost
        )
        outcome = JobOutcome(files=tuple(outcomes), progress=progress)
        await self.registry.finish(claim.spec.job_id, claim.lease, outcome)

    async def _store(self, claim: Claim, index: int, name: str) -> FileOutcome:
        document = self.documents.setdefault(name, paged(name))
        folder = f"results/{claim.spec.job_id}/{index}"
        await self.blobs.put(f"{folder}/response.json", orjson.dumps(document.response()))
        await self.blobs.put(f"{folder}/document.json", orjson.dumps(document.json))
        return FileOutcome(
            filename=name,
            response=f"{folder}/response.json",
            document=f"{folder}/document.json",
            success=True,
            num_nodes=len(document.nodes),
            pages=len(document.json["pages"]) or 1,
            processing_time_ms=12.0,
        )
