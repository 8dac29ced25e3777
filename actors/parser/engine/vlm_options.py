"""The profile `vlm` as docling's options: a preset of docling's, with the operator's endpoint as its engine."""

from __future__ import annotations

from typing import Any

from docling.datamodel.pipeline_options import VlmConvertOptions, VlmPipelineOptions
from docling.datamodel.pipeline_options_vlm_model import ResponseFormat
from docling.datamodel.vlm_engine_options import ApiVlmEngineOptions
from docling.models.inference_engines.vlm import VlmEngineType
from pydantic import AnyUrl

from actors.endpoints import ModelEndpoint
from actors.questions import Form

#: Pixels per point of the pages that docling makes documents of: its boxes are only right at this scale.
PAGE_SCALE = 1.0

#: The longest side of a picture for a model, in pixels: an A1 page at 110 dpi. Models shrink larger ones themselves.
LONGEST_SIDE = 3584


def vlm_options(endpoint: ModelEndpoint, *, images: bool) -> VlmPipelineOptions:
    """docling's options for an endpoint. docling itself sends no request to it: it only makes and reads the text."""
    engine = ApiVlmEngineOptions(engine_type=VlmEngineType.API, url=AnyUrl(endpoint.url))
    convert = VlmConvertOptions.from_preset(endpoint.preset, engine_options=engine)
    if endpoint.prompt:
        convert.model_spec = convert.model_spec.model_copy(update={"prompt": endpoint.prompt})
    convert.max_size = min(convert.max_size or LONGEST_SIDE, LONGEST_SIDE)
    return VlmPipelineOptions(
        enable_remote_services=True,
        allow_external_plugins=True,
        generate_page_images=False,
        generate_picture_images=images,
        images_scale=PAGE_SCALE,
        vlm_options=convert,
    )


def request_params(options: VlmConvertOptions, endpoint: ModelEndpoint) -> dict[str, Any]:
    """The fields of a request's body besides its messages: docling's for this model, and then the operator's."""
    spec = options.model_spec
    params = {**spec.get_api_params(VlmEngineType.API), "temperature": spec.temperature}
    params.pop("model", None)
    params |= {"max_tokens": spec.max_new_tokens} if spec.max_new_tokens else {}
    params |= {"stop": list(spec.stop_strings)} if spec.stop_strings else {}
    if "max_completion_tokens" in endpoint.params:  # the name of the same limit in newer servers
        params.pop("max_tokens", None)
    return params | endpoint.params


def form_of(options: VlmConvertOptions) -> Form:
    """The form that answers must have."""
    return "doctags" if options.model_spec.response_format is ResponseFormat.DOCTAGS else "text"
