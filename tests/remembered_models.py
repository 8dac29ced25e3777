"""What a bundled model said of a picture in one test, it says in the next one without computing it again.

Its answer depends on the picture alone, and many tests parse the same pages: whole, page by page, with another engine,
or with other options.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from hashlib import blake2b
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: How many answers are kept. The largest take 5 MB.
KEPT = 64

Answer = list[NDArray[Any]]


def remembering(run: Callable[..., Answer]) -> Callable[..., Answer]:
    """The method `run` of onnxruntime's sessions, with a memory."""
    answers: OrderedDict[bytes, Answer] = OrderedDict()
    lock = Lock()  # docling's stages run their models in threads

    @wraps(run)
    def remembered(session: Any, outputs: Sequence[str] | None, inputs: Mapping[str, NDArray[Any]]) -> Answer:
        key = _digest(session, outputs, inputs)
        with lock:
            answer = answers.pop(key, None)
        answer = answer or run(session, outputs, inputs)
        with lock:
            answers[key] = answer
            if len(answers) > KEPT:
                answers.popitem(last=False)
        return [array.copy() for array in answer]

    return remembered


def _digest(session: Any, outputs: Sequence[str] | None, inputs: Mapping[str, NDArray[Any]]) -> bytes:
    """A model is known by what it answers with."""
    digest = blake2b(repr((outputs, [(output.name, output.shape) for output in session.get_outputs()])).encode())
    for name, array in inputs.items():
        digest.update(repr((name, array.shape, array.dtype)).encode())
        digest.update(np.ascontiguousarray(array))
    return digest.digest()
