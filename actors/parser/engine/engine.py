"""The engine: all of docling behind nine methods, for one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from docling.datamodel.base_models import InputFormat
from docling.datamodel.settings import settings

from actors.derivations import Chunks, Derivation, Export, Made, PagePicture, PageScales, Pictures
from actors.documents import DocumentBytes
from actors.endpoints import NO_ENDPOINTS, Endpoints, with_endpoints
from actors.errors import FileError
from actors.messages import FileTask, PagePlan, PageSpan, ParsedFile, Shard
from actors.parser.engine import stopping
from actors.parser.engine.chunks import chunk
from actors.parser.engine.conversion import Conversion
from actors.parser.engine.converters import Converters
from actors.parser.engine.declared_sizes import check, limit_tables
from actors.parser.engine.descriptions import with_descriptions
from actors.parser.engine.device import Hardware, confine
from actors.parser.engine.enrichment_models import EnrichmentModels
from actors.parser.engine.exports import export
from actors.parser.engine.installed import Installed
from actors.parser.engine.nesting import limit_nesting
from actors.parser.engine.options import Models, Recipe, recipe_of
from actors.parser.engine.page_pictures import draw
from actors.parser.engine.pictures import list_pages, list_pictures
from actors.parser.engine.pipelines import ParsedPages, shard_pipeline
from actors.parser.engine.profiles import describe, device_of, standard_on_disk, stay_offline
from actors.parser.engine.repair import repaired
from actors.parser.engine.sniffing import sniff
from actors.parser.engine.vlm import DrawnPages
from actors.questions import Answers
from actors.tokenizer_files import find_tokenizer
from client.models import ErrorCode, PageFailure, ParseOptions, ParserInfo

_STAGE_THREADS = ("Stage-", "PageProducer-")  # docling's names for the threads of one conversion


class Engine:
    """Methods raise FileError when the file is at fault. Any other error is a defect.

    `defaults` are for options that a task leaves open. `artifacts_path` is a folder from `docling-tools models
    download`; None means docling's own setting. If one of docling's default models is missing there, the engine looks
    in the hub's cache instead.
    """

    def __init__(
        self,
        defaults: ParseOptions,
        hardware: Hardware,
        artifacts_path: Path | None = None,
        tokenizers_dir: Path | None = None,
        endpoints: Endpoints = NO_ENDPOINTS,
    ) -> None:
        self._defaults = defaults
        self._endpoints = endpoints
        self._tokenizers_dir = tokenizers_dir
        self._hardware = hardware
        artifacts_path = artifacts_path or settings.artifacts_path
        settings.artifacts_path = None  # otherwise pipelines without models would need the folder, too
        # With a folder, docling looks nowhere else and fetches nothing.
        profile_models = artifacts_path if artifacts_path and standard_on_disk(artifacts_path) else None
        self._has_standard = standard_on_disk(profile_models)
        # An operator who names docling's own models allows the server to fetch them. A client's request never does.
        may_fetch = defaults.profile == "standard"
        if not may_fetch:
            stay_offline()
        self._installed = Installed.at(profile_models, artifacts_path, may_fetch=may_fetch)
        enrichments = EnrichmentModels(hardware, artifacts_path)
        self._converters = Converters(hardware, profile_models, enrichments, endpoints)

    def warm_up(self) -> None:
        """Load the models of the default options."""
        confine(self._hardware)
        limit_nesting()
        limit_tables()
        converter = self._converters.get(self._recipe(self._defaults))
        converter.pipeline(InputFormat.PDF)
        converter.pipeline(InputFormat.MD)

    def describe(self, options: ParseOptions | None = None) -> ParserInfo:
        """The profile and models that parse a PDF under `options`, with the defaults for what they leave open."""
        recipe = self._recipe(options.over(self._defaults) if options else self._defaults)
        page, picture = (self._endpoints.get(name) for name in (recipe.endpoint, recipe.picture_endpoint))
        info = describe(recipe, page=page, picture=picture)
        return info.model_copy(update={"device": device_of(recipe.models, self._hardware)})

    def open(self, document: DocumentBytes, task: FileTask, *, split_above: int) -> ParsedFile | PagePlan:
        """The parsed file. A file of more than `split_above` pages is not parsed: the plan of its pages comes back.
        So does that of every file whose pages a remote model reads."""
        conversion = self._conversion(document, task)
        plan = conversion.plan()
        if plan is not None and (len(plan.pages) > split_above or conversion.asks_model):
            return plan
        return conversion.finish(conversion.run(conversion.pipeline), ())

    def parse_pages(self, document: DocumentBytes, task: FileTask, span: PageSpan) -> Shard:
        """Parse the pages of a span. A page that docling fails on is lost; it is not an error."""
        conversion = self._conversion(document, task)
        if conversion.asks_model:
            return conversion.draw(span)
        result = conversion.run(shard_pipeline(conversion.pipeline), span=span)
        payload, lost = ParsedPages.of(result).pack(), conversion.lost_pages(result)
        return Shard(span=span, payload=payload, lost=lost, profile=conversion.profile)

    def assemble(
        self, document: DocumentBytes, task: FileTask, shards: Sequence[Shard], lost: Sequence[PageFailure]
    ) -> ParsedFile:
        """Assemble the document as if its pages had been parsed together. `lost` are pages that no shard has."""
        conversion = self._conversion(document, task)
        pipeline = conversion.assembly([_pages_of(shard) for shard in shards])
        missing = (*lost, *(failure for shard in shards for failure in shard.lost))
        return conversion.finish(conversion.run(pipeline, backend=conversion.assembly_backend), missing)

    def describe_pictures(self, parsed: ParsedFile, task: FileTask, answers: Answers) -> ParsedFile:
        """A parsed file with the answers to its questions."""
        return with_descriptions(parsed, replace(task, options=task.options.over(self._defaults)), answers)

    def derive(self, source: DocumentBytes, wanted: Derivation) -> Made:
        """The blobs of a derivation. Raises FileError when the source cannot give them."""
        match wanted:
            case Export():
                return {wanted.target: export(source.tobytes(), wanted)}
            case Chunks():
                tokenizer = find_tokenizer(wanted.options.tokenizer, self._tokenizers_dir)
                return {wanted.target: chunk(source.tobytes(), wanted, tokenizer)}
            case Pictures():
                return list_pictures(source.tobytes(), wanted)
            case PageScales():
                return list_pages(source.tobytes(), wanted)
            case PagePicture():
                return {wanted.target: draw(source.tobytes(), wanted)}
        raise TypeError(f"the engine cannot make {type(wanted).__name__}")

    def stop(self) -> None:
        """Make the running conversion raise Stopped at its next page. Any thread may call this."""
        stopping.stop()

    def progressed_at(self) -> tuple[float, float]:
        """When a stage last took a page, in monotonic and in processor time. Any thread may call this."""
        return stopping.looked_at()

    def check_health(self) -> None:
        """Raises when a conversion left threads behind. docling abandons a stage that hangs, but its thread goes on."""
        stuck = [thread.name for thread in threading.enumerate() if thread.name.startswith(_STAGE_THREADS)]
        if stuck:
            raise RuntimeError(f"docling left threads behind: {', '.join(stuck)}")

    def _conversion(self, document: DocumentBytes, task: FileTask) -> Conversion:
        stopping.begin()
        task = replace(task, options=task.options.over(self._defaults))
        source = sniff(document, task.filename, task.options.encoding, trust_name=task.trust_name)
        check(source.data, source.format, task.max_result_bytes)
        if source.format is InputFormat.PDF:
            password = task.options.password
            source = repaired(source, password.get_secret_value() if password else None)
        recipe = self._recipe(task.options)
        if recipe.models == "native" and source.format is InputFormat.IMAGE:
            raise FileError(ErrorCode.UNSUPPORTED_FORMAT, "The profile 'native' cannot read pictures")
        return Conversion(task, source, self._converters.get(recipe))

    def _recipe(self, options: ParseOptions) -> Recipe:
        try:
            options = with_endpoints(options, self._endpoints)
        except ValueError as error:
            raise FileError(ErrorCode.INVALID_OPTION, str(error)) from error
        models = self._models(options.profile or "auto")
        if refusal := self._installed.refusal(options, models):
            raise FileError(ErrorCode.INVALID_OPTION, refusal)
        return recipe_of(options, models)

    def _models(self, profile: str) -> Models:
        match profile:
            case "auto":
                return "standard" if self._has_standard else "bundled"
            case "standard" | "bundled" | "native":
                return profile
        return "vlm"


def _pages_of(shard: Shard) -> ParsedPages:
    """The pages of a shard, with the answers about them."""
    pages = ParsedPages.unpack(shard.payload)
    return replace(pages, answers=shard.answers) if isinstance(pages, DrawnPages) else pages
