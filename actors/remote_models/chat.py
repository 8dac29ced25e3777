"""A question as the body of a chat completion, and the answer that comes back."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from actors.questions import Answer, Form, Questions

#: The longest reason of an endpoint that a result repeats.
MOST_QUOTED = 200

#: A tag of DocTags. A page without content is `<doctag>` alone.
_TAG = re.compile(r"<[a-z][a-z0-9_]*>")

_INCOMPLETE = {
    "length": "the model's answer was cut off: it reached the most tokens of an answer",
    "content_filter": "the model's answer was held back by a content filter",
}


def request_body(model: str, questions: Questions, number: int) -> bytes:
    """The body that asks about one of the pictures, as docling writes it."""
    picture = b64encode(questions.pictures[number]).decode()
    content = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
        {"type": "text", "text": questions.prompt},
    ]
    return orjson.dumps({"messages": [{"role": "user", "content": content}], **questions.params, "model": model})


def read_answer(body: bytes, form: Form) -> Answer:
    """The answer in the body of a response. One that cannot be used says why in `failure`."""
    try:
        choice = orjson.loads(body)["choices"][0]
        text, stopped = _text_of(choice["message"]), choice.get("finish_reason")
    except (ValueError, LookupError, TypeError, AttributeError):
        return Answer(failure="the model endpoint's answer is no chat completion")
    if stopped in _INCOMPLETE:
        return Answer(text=text, failure=_INCOMPLETE[stopped], cut_off=stopped == "length")
    if form == "doctags" and not _TAG.search(text):
        return Answer(failure="the model's answer is not DocTags" if text else "the model's answer is empty")
    return Answer(text=text)


def _text_of(message: Mapping[str, Any]) -> str:
    """The text of a message. Some servers put all of it where a model's reasoning belongs."""
    text = message.get("content") or message.get("reasoning_content") or ""
    if not isinstance(text, str):
        raise TypeError("the content of a message is a text")
    return text.strip()


def refusal(body: bytes) -> str:
    """What the body of an error says, in one short line; "" when it says nothing."""
    try:
        error = orjson.loads(body)
        error = error.get("error", error)
        said = error.get("message", "") if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        said = ""
    line = str(said).strip().partition("\n")[0]
    return line if len(line) <= MOST_QUOTED else f"{line[:MOST_QUOTED]}…"
