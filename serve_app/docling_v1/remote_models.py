"""Remote models in docling-serve's requests. They name a URL there; here it has to be that of one of the endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from actors.endpoints import PICTURE_PROMPT, VLM, Endpoints, Use, names_for
from client.models import ErrorCode
from serve_app.problems import Refused

_WHAT: Mapping[Use, str] = {"page": "pages", "picture": "pictures"}

#: Words for the server's own choice.
_DEFAULT = (None, "", "default", "auto")

#: Models that docling-serve would load itself.
_LOCAL = (
    "vlm_pipeline_model",
    "vlm_pipeline_model_local",
    "vlm_pipeline_custom_config",
    "picture_description_local",
    "picture_description_custom_config",
)


#: docling-serve's filters of pictures, and ours.
_FILTERS = {
    "classification_allow": "picture_allow",
    "classification_deny": "picture_deny",
    "classification_min_confidence": "picture_min_confidence",
}


def remote_options(sent: Mapping[str, Any], endpoints: Endpoints) -> dict[str, Any]:
    """The options of this server for those of a request. Raises Refused for a model that is none of the endpoints."""
    native: dict[str, Any] = {}
    if sent.get("pipeline") == "vlm":
        _refuse_local(sent, "vlm_pipeline")
        name = _chosen(sent, "vlm_pipeline_model_api", "vlm_pipeline_preset", endpoints, "page")
        native["profile"] = f"{VLM}:{name}"
    if sent.get("do_picture_description"):
        _refuse_local(sent, "picture_description")
        api, preset = "picture_description_api", "picture_description_preset"
        native["picture_description"] = _chosen(sent, api, preset, endpoints, "picture")
        native |= _filters(sent.get(api) or {})
        if (area := sent.get("picture_description_area_threshold")) is not None:
            native["picture_area"] = area
    return native


def _filters(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Which classes of pictures are described. docling's default confidence is 0, for which no filter is needed."""
    return {ours: asked[theirs] for theirs, ours in _FILTERS.items() if asked.get(theirs)}


def _refuse_local(sent: Mapping[str, Any], prefix: str) -> None:
    for option in _LOCAL:
        if option.startswith(prefix) and sent.get(option) not in (*_DEFAULT, {}):
            raise Refused(ErrorCode.INVALID_OPTION, f"This server cannot do {option}; leave it out")


def _chosen(sent: Mapping[str, Any], api: str, preset: str, endpoints: Endpoints, use: Use) -> str:
    """The name of an endpoint: the one at the URL, the one of this name or preset, or the first."""
    known = names_for(endpoints, use)
    if not known:
        switch = "pipeline='vlm'" if use == "page" else "do_picture_description=true"
        raise Refused(ErrorCode.INVALID_OPTION, f"This server cannot do {switch}: it has no model endpoint for it")
    if sent.get(api) not in (None, {}):
        return _at_url(api, sent[api], {name: endpoints[name] for name in known}, use)
    wanted = sent.get(preset)
    if wanted in _DEFAULT:
        return known[0]
    for name in known:
        if wanted == name or (use == "page" and wanted == endpoints[name].preset):
            return name
    raise _unknown(preset, known, use)


def _at_url(option: str, asked: Any, known: Endpoints, use: Use) -> str:
    """The endpoint at the URL that a request names. Its headers are ignored: the endpoint has its own key."""
    if not isinstance(asked, dict):
        raise Refused(ErrorCode.INVALID_OPTION, f"Invalid option '{option}': it must be an object with a url")
    for name in _matching(asked, known):
        if (prompt := asked.get("prompt")) and use == "picture" and prompt != (known[name].prompt or PICTURE_PROMPT):
            message = f"This server cannot do the prompt of {option}; leave it out, and the endpoint's own holds"
            raise Refused(ErrorCode.INVALID_OPTION, message)
        return name
    raise _unknown(option, list(known), use)


def _matching(asked: Mapping[str, Any], known: Endpoints) -> Iterator[str]:
    params = asked.get("params")
    model = params.get("model") if isinstance(params, dict) else None
    return (name for name, each in known.items() if each.url == asked.get("url") and model in (None, each.model))


def _unknown(option: str, known: list[str], use: Use) -> Refused:
    message = f"{option} must be one of the server's model endpoints for {_WHAT[use]}: {', '.join(known)}"
    return Refused(ErrorCode.INVALID_OPTION, message)
