"""Whether it was memory that a conversion lacked: then neither the file nor its page is at fault."""

from __future__ import annotations

import re

#: How the libraries below put it, on a CPU or a GPU; of a page's failure docling keeps the words alone.
_SHORT = re.compile(
    r"MemoryError|out of memory|bad_alloc|ALLOC_FAILED|(allocate|insufficient) memory|unable to allocate", re.IGNORECASE
)


def tells_of_no_memory(message: str) -> bool:
    """Whether a library's message says that memory ran out."""
    return _SHORT.search(message) is not None


def ran_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that it was raised from, says so: docling wraps what its pipelines raise."""
    if error is None:
        return False
    return isinstance(error, MemoryError) or tells_of_no_memory(str(error)) or ran_out_of_memory(error.__cause__)
