"""The paths and query parameters of requests about a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

PictureFormat = Literal["png", "webp"]

#: x0, y0, x1, y1 in points from the top left corner of a page.
Box = Sequence[float]


def given(**params: object) -> dict[str, str]:
    """The parameters that are not None, as text."""
    text = {name: str(value) for name, value in params.items() if value is not None}
    return {name: value.lower() if isinstance(params[name], bool) else value for name, value in text.items()}


def job_path(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='', errors='surrogateescape')}"


def page_path(file: int, page: int, format: PictureFormat) -> str:
    """The path of a page, below that of its job."""
    return f"/files/{file}/pages/{page}.{format}"


def artifact_path(file: int, name: str) -> str:
    """The path of a picture inside a document, below that of its job."""
    return f"/files/{file}/artifacts/{quote(name, safe='')}"


def box_text(box: Box | None) -> str | None:
    """A box as the server reads it. Raises ValueError unless it has four sides."""
    if box is None:
        return None
    if len(box) != 4:
        raise ValueError("a box is x0, y0, x1, y1")
    return ",".join(f"{side:.2f}" for side in box)
