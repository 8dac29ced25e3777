"""The model endpoints that the operator names. A request names one of them, and never a URL.

An endpoint speaks OpenAI's chat completions. Its key is not part of it: the endpoint names the environment variable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from client.models import ParseOptions

#: What an endpoint may be asked: to read whole pages, or to describe pictures.
Use = Literal["page", "picture"]

#: docling's presets for pages: which model it is decides about the prompt and the form of the answer. Those that ask
#: several times for one page are left out.
Preset = Literal[
    "chandra_ocr2", "deepseek_ocr", "dolphin", "dots_mocr", "dots_ocr", "falcon_ocr", "gemma_12b", "gemma_27b",
    "glm_ocr", "got_ocr", "granite_docling", "granite_vision", "lightonocr", "nanonets_ocr2", "nemotron_parse_v2",
    "nemotron_parse_v3_5", "phi4", "pixtral", "qwen", "smoldocling", "unlimited_ocr",
]  # fmt: skip

PICTURE_PROMPT = "Describe this image in a few sentences."

#: The profile of a file whose pages an endpoint reads: this word, or `vlm:NAME`.
VLM = "vlm"

#: Options about models that do not run in that profile. Its pictures have a pixel for each point.
_NOT_WITH_VLM = (
    "force_ocr", "heading_hierarchy", "images_scale", "table_mode", "do_code_enrichment", "do_formula_enrichment",
)  # fmt: skip


class ModelEndpoint(BaseModel):
    """A model that is reached over HTTP.

    `url` is the whole URL of its chat completions, and `model` the model's name there. At most `concurrency` requests
    run at once, over the whole cluster, and each may take `timeout_s`. `preset` is docling's for reading pages;
    `prompt` replaces its prompt, or that for pictures. `params` are further fields of a request's body, such as
    `max_tokens`.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    model: str = Field(min_length=1)
    key_env: str | None = None
    concurrency: int = Field(4, ge=1, le=1024)
    timeout_s: float = Field(120.0, gt=0, le=3600)
    use: tuple[Use, ...] = Field(get_args(Use), min_length=1)
    preset: Preset = "granite_docling"
    prompt: str | None = Field(None, min_length=1)
    params: dict[str, Any] = {}

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http or https URL")
        if parts.username or parts.password:
            raise ValueError("must not hold a password; name the key's environment variable in key_env")
        return url

    @model_validator(mode="after")
    def _prompts_for_one_use(self) -> Self:
        if self.prompt and len(self.use) > 1:
            raise ValueError("a prompt is for one use; name it in use, and make an endpoint for each")
        return self

    @field_validator("params")
    @classmethod
    def _leaves_the_question(cls, params: dict[str, Any]) -> dict[str, Any]:
        if taken := {"messages", "model", "stream"} & params.keys():
            raise ValueError(f"must not set {', '.join(sorted(taken))}")
        return params


EndpointName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Endpoints = Mapping[str, ModelEndpoint]
NO_ENDPOINTS: Endpoints = MappingProxyType({})

_ENDPOINTS: TypeAdapter[dict[str, ModelEndpoint]] = TypeAdapter(dict[EndpointName, ModelEndpoint])


def parse_endpoints(text: str) -> Endpoints:
    """The endpoints of a JSON object by name, or of the file that `text` is the path of. Raises ValueError."""
    text = text.strip()
    if not text:
        return {}
    try:
        given = json.loads(text if text.startswith("{") else Path(text).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"the file of the model endpoints cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"the model endpoints are not JSON: {error}") from error
    try:
        return _ENDPOINTS.validate_python(given)
    except ValidationError as error:
        # Not the values: somebody may have written a key into them.
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the model endpoints"
        raise ValueError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from error


def keys_of(endpoints: Endpoints, environment: Mapping[str, str]) -> dict[str, str]:
    """The keys of the endpoints that have one, from the environment. Raises ValueError for a variable without one."""
    named = {name: endpoint.key_env for name, endpoint in endpoints.items() if endpoint.key_env}
    for name, variable in named.items():
        if not environment.get(variable):
            raise ValueError(f"{name}.key_env: the environment variable {variable} is not set")
        if not environment[variable].isascii() or not environment[variable].isprintable():
            raise ValueError(f"{name}.key_env: the environment variable {variable} holds no key")
    return {name: environment[variable] for name, variable in named.items()}


def names_for(endpoints: Endpoints, use: Use) -> list[str]:
    """The names of the endpoints for a use, in the operator's order: the first one is the default."""
    return [name for name, endpoint in endpoints.items() if use in endpoint.use]


def page_endpoint(profile: str | None) -> str | None:
    """The endpoint that a profile names: "" for the default one, None for a profile without one."""
    kind, _, name = (profile or "").partition(":")
    return name if kind == VLM else None


def with_endpoints(options: ParseOptions, endpoints: Endpoints) -> ParseOptions:
    """The options with the name of the endpoint that a profile leaves open. Raises ValueError for an endpoint that is
    not here, and for an option that the profile cannot do."""
    if options.picture_description:
        _check_pictures(options.picture_description, names_for(endpoints, "picture"))
    name = page_endpoint(options.profile)
    if name is None:
        return options
    known = names_for(endpoints, "page")
    if not known:
        raise ValueError(f"The profile '{options.profile}' needs a model endpoint for pages, and this server has none")
    if name and name not in known:
        raise ValueError(f"There is no model endpoint '{name}' for pages; those for pages are {', '.join(known)}")
    for option in _NOT_WITH_VLM:
        if getattr(options, option):
            raise ValueError(f"The profile '{VLM}' cannot be combined with {option}")
    return options.model_copy(update={"profile": f"{VLM}:{name or known[0]}"})


def _check_pictures(name: str, known: list[str]) -> None:
    if not known:
        raise ValueError("picture_description needs a model endpoint for pictures, and this server has none")
    if name not in known:
        raise ValueError(f"There is no model endpoint '{name}' for pictures; those for pictures are {', '.join(known)}")


def models_of(options: ParseOptions, endpoints: Endpoints) -> list[dict[str, Any]]:
    """What a result depends on besides its options: the endpoints that they name, as the operator has set them."""
    names = (page_endpoint(options.profile), options.picture_description)
    named = [endpoints[name] for name in names if name and name in endpoints]
    return [endpoint.model_dump(include={"url", "model", "preset", "prompt", "params"}) for endpoint in named]
