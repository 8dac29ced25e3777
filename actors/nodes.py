"""Nodes: how they are made from a piece of text and the metadata of its file and request."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

from actors.formats import suffix_of
from actors.messages import FileTask

Node = dict[str, Any]

#: Node ids are UUIDs of this namespace and the job, file and page, so that a retry makes the same ids.
_NODE_IDS = uuid.UUID("0e4a2cf5-9c5b-5a3e-8d7e-3f9a51c7b6d2")

#: Levels. Half of the depth that pydantic, in our client, can read.
DEEPEST_METADATA = 100

#: Bytes of a request's metadata as JSON. Every node has a copy of it.
MAX_METADATA_BYTES = 16 * 1024
#: Integers that JSON parsers of other languages, and our own, can represent.
INTEGERS = range(-(2**63), 2**64)

#: Metadata keys that describe the node's content.
CONTENT_KEYS = frozenset(
    {"page_number", "total_pages", "tables_json", "tables_md", "width", "height", "confidence", "__keys"}
)
#: Metadata keys that follow from the file and the text. All other keys are the request's own.
FILE_KEYS = frozenset({"file_size", "file_type", "total_length", "document"})


def checked_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A request's metadata after a round trip through JSON.

    Raises TypeError or ValueError for a value that is not JSON in UTF-8, is too large, or is nested too deep for a
    client to read.
    """
    try:
        text = json.dumps(dict(metadata), allow_nan=False, ensure_ascii=False)
        plain: dict[str, Any] = json.loads(text, parse_int=_integer)
        too_deep = _depth(plain) > DEEPEST_METADATA
    except RecursionError:
        too_deep = True
    if too_deep:
        raise ValueError(f"metadata is nested deeper than {DEEPEST_METADATA} levels")
    if len(text.encode()) > MAX_METADATA_BYTES:
        raise ValueError(f"metadata must have at most {MAX_METADATA_BYTES} bytes, because every node has a copy of it")
    return plain


def _integer(digits: str) -> int:
    if len(digits) > 20 or int(digits) not in INTEGERS:
        raise ValueError("metadata must not have integers above 64 bits; send them as strings")
    return int(digits)


def _depth(value: Any) -> int:
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, within), default=0)


def make_node(task: FileTask, text: str, own: dict[str, Any], *, page: int) -> Node:
    """Make a node of `text`. `own` is the metadata about its content; `page` is 0 for a whole document."""
    metadata = {
        **task.metadata,
        "file_size": task.size,
        "file_type": suffix_of(task.filename).removeprefix("."),
        "total_length": len(text),
        "document": True,
        **own,
    }
    node_id = str(uuid.uuid5(_NODE_IDS, f"{task.job_id}/{task.index}/{page}"))
    content = text + "|" + json.dumps(metadata, sort_keys=True)
    return {
        "id": node_id,
        "node_type": "DocumentNode",
        "text": text,
        "metadata": metadata,
        "embedding": None,
        "doc_id": node_id,
        "parent_id": None,
        "children_ids": [],
        "next_id": None,
        "previous_id": None,
        "hash": hashlib.md5(content.encode("utf-8"), usedforsecurity=False).hexdigest(),
        "persistent_key": "_".join(str(metadata.get(key, "")) for key in sorted(metadata["__keys"])),
    }


def rebuild_node(task: FileTask, node: Node, **changes: Any) -> Node:
    """Make a node again for `task`, with `changes` to the metadata about its content.

    The node must have been made for `task`, or for a request whose metadata has none of CONTENT_KEYS.
    """
    own = {name: value for name, value in node["metadata"].items() if name in CONTENT_KEYS}
    paged = "page_number" in own["__keys"]
    return make_node(task, node["text"], own | changes, page=own["page_number"] if paged else 0)
