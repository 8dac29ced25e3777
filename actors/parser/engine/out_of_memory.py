"""Recognises errors that mean "out of memory". Then neither the file nor its page is at fault."""

from __future__ import annotations

import re

#: The words that libraries use, on a CPU or a GPU. For a failed page, docling keeps only the message.
_SHORT = re.compile(
    r"MemoryError|out of memory|bad_alloc|ALLOC_FAILED|(allocate|insufficient) memory|unable to allocate", re.IGNORECASE
)


def tells_of_no_memory(message: str) -> bool:
    """Whether a library's message says that memory ran out."""
    return _SHORT.search(message) is not None


def ran_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error or one of its causes says that memory ran out: docling wraps what its pipelines raise."""
    if error is None:
        return False
    return isinstance(error, MemoryError) or tells_of_no_memory(str(error)) or ran_out_of_memory(error.__cause__)
