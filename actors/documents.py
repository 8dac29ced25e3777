"""Documents as they are handed to parsers: their bytes, or where those lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: A document's bytes as Ray shares them: numpy arrays are read from shared memory without a copy, `bytes` are not.
DocumentBytes = NDArray[np.uint8]


def document_bytes(document: object) -> memoryview:
    """A view of a document's bytes, in any buffer. Raises TypeError for a buffer that is not one row of bytes."""
    view = memoryview(document)  # type: ignore[arg-type]
    if view.ndim != 1 or view.itemsize != 1 or not view.contiguous:
        raise TypeError(f"a document is one row of bytes, not {view.ndim} dimensions of {view.itemsize} bytes each")
    return view


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A document in the blob store, for a parser that reads it there."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that came inside another one, such as the attachment of a mail."""

    filename: str
    data: bytes
