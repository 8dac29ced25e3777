"""Descriptions of a document's pictures by a remote model. docling's own code decides which pictures, and puts them in.

docling's model would ask while its conversion waits. Here the questions leave the parser, and the answers come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO

import orjson
from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.datamodel.base_models import ApiImageRequestResult, ItemAndImageEnrichmentElement
from docling.datamodel.pipeline_options import PictureDescriptionApiOptions, PictureDescriptionBaseOptions
from docling.models.picture_description_base_model import PictureDescriptionBaseModel
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.picture.picture import PictureItem
from docling_core.types.doc.labels import PictureClassificationLabel
from PIL import Image

from actors.endpoints import PICTURE_PROMPT, ModelEndpoint
from actors.messages import FileTask, ParsedFile
from actors.parser.engine import pixels
from actors.parser.engine.exports import dump
from actors.parser.engine.nodes import nodes_of
from actors.questions import Answers, Questions
from client.models import FileWarning, ParseOptions, WarningCode

#: docling's models see no picture twice as large; a model shrinks it anyhow.
LONGEST_SIDE = 2048


class _Remembering(PictureDescriptionBaseModel):
    """docling's model. It keeps the picture that it would ask about, and gives the answer that it was given."""

    def __init__(self, options: PictureDescriptionBaseOptions) -> None:
        super().__init__(
            enabled=True,
            enable_remote_services=True,
            artifacts_path=None,
            options=options,
            accelerator_options=AcceleratorOptions(),
        )
        self.seen: list[Image.Image] = []
        self.answers: list[str] = []

    @classmethod
    def get_options_type(cls) -> type[PictureDescriptionBaseOptions]:
        return PictureDescriptionApiOptions

    def _annotate_images(self, images: Iterable[Image.Image]) -> Iterable[str | ApiImageRequestResult]:
        self.seen = list(images)
        return self.answers


def questions_about(document: DoclingDocument, endpoint: ModelEndpoint, options: ParseOptions) -> Questions | None:
    """What to ask about the pictures of a document that holds their pixels; None when there is nothing to ask.

    A picture is named by its place in `document.pictures`.
    """
    model = _model(options)
    pictures = {}
    for number, element in _elements(document, model):
        list(model(doc=document, element_batch=[element]))
        if model.seen:
            pictures[number] = _png(model.seen[0])
    if not pictures:
        return None
    prompt = endpoint.prompt or PICTURE_PROMPT
    name = options.picture_description or ""
    return Questions(endpoint=name, prompt=prompt, pictures=pictures, params=endpoint.params)


def with_descriptions(parsed: ParsedFile, task: FileTask, answers: Answers) -> ParsedFile:
    """The file with the answers in its document and nodes, and without the pixels that were kept for the questions."""
    document = DoclingDocument.model_validate_json(parsed.document)
    warnings = _put_in(document, answers, task.options)
    if not task.options.include_images:
        pixels.drop(document)
    stored = dump(document)  # first: docling's serializers clip boxes that reach over a page's edge
    nodes = nodes_of(document, task, parsed.total_pages, parsed.confidence)
    return replace(
        parsed,
        nodes=orjson.dumps(nodes),
        num_nodes=len(nodes),
        document=stored,
        warnings=(*parsed.warnings, *warnings),
        questions=None,
    )


def _put_in(document: DoclingDocument, answers: Answers, options: ParseOptions) -> list[FileWarning]:
    """Put the answers into the document. A picture without one stays as it is, with a warning."""
    model = _model(options)
    for number, element in _elements(document, model):
        if number in answers and not answers[number].failure:
            model.answers = [answers[number].text]
            list(model(doc=document, element_batch=[element]))
    failures = {number: answer.failure for number, answer in sorted(answers.items()) if answer.failure}
    return [_warning(document.pictures[number], failure) for number, failure in failures.items()]


def _model(options: ParseOptions) -> _Remembering:
    described = PictureDescriptionApiOptions()
    if options.picture_area is not None:
        described.picture_area_threshold = options.picture_area
    described.classification_allow = _labels(options.picture_allow)
    described.classification_deny = _labels(options.picture_deny)
    described.classification_min_confidence = options.picture_min_confidence or 0.0
    return _Remembering(described)


def _labels(classes: Sequence[str] | None) -> list[PictureClassificationLabel] | None:
    return None if classes is None else [PictureClassificationLabel(name) for name in classes]


def _elements(document: DoclingDocument, model: _Remembering) -> Iterator[tuple[int, ItemAndImageEnrichmentElement]]:
    """The pictures that docling's pipeline would give to its model, with their pixels."""
    places: Mapping[str, int] = {picture.self_ref: number for number, picture in enumerate(document.pictures)}
    for item, _ in document.iterate_items():
        if isinstance(item, PictureItem) and model.is_processable(document, item):
            image = item.get_image(document)
            if image is not None:
                yield places[item.self_ref], ItemAndImageEnrichmentElement(item=item, image=image)


def _png(image: Image.Image) -> bytes:
    out = BytesIO()
    if max(image.size) > LONGEST_SIDE:
        image = image.copy()
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _warning(picture: PictureItem, failure: str) -> FileWarning:
    page = picture.prov[0].page_no if picture.prov else None
    message = f"A picture has no description: {failure}"
    return FileWarning(code=WarningCode.PICTURE_NOT_DESCRIBED, message=message, page_number=page)
