"""What a node is made of: a piece of a document's content, and the request that asked for it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from actors.formats import suffix_of
from actors.messages import FileTask

Node = dict[str, Any]

#: Node ids are drawn from this namespace and the job, file and page, so that a retry makes the same ids.
_NODE_IDS = uuid.UUID("0e4a2cf5-9c5b-5a3e-8d7e-3f9a51c7b6d2")

#: Half of what pydantic, in our client, reads in all.
DEEPEST_METADATA = 100

#: The names in a node's metadata that say what it holds.
OF_CONTENT = frozenset({"page_number", "total_pages", "tables_json", "tables_md", "width", "height", "__keys"})
#: Those that follow from the file and the text. All others are the request's own.
OF_FILE = frozenset({"file_size", "file_type", "total_length", "document"})


def checked_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A request's own metadata as JSON brings it back. Raises TypeError or ValueError for what is not JSON in UTF-8,
    and for what is so deep that a reader of results might give up."""
    try:
        plain: dict[str, Any] = orjson.loads(json.dumps(dict(metadata), allow_nan=False, ensure_ascii=False))
        too_deep = _depth(plain) > DEEPEST_METADATA
    except RecursionError:
        too_deep = True
    if too_deep:
        raise ValueError(f"metadata is nested deeper than {DEEPEST_METADATA} levels")
    return plain


def _depth(value: Any) -> int:
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, within), default=0)


def make_node(task: FileTask, text: str, own: dict[str, Any], *, page: int) -> Node:
    """A node of `text`. `own` is what its metadata says of the content; `page` is 0 for a whole document."""
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


def remade_node(task: FileTask, node: Node, **changes: Any) -> Node:
    """A node's content as `task` would have it, `changes` made to what its metadata says of it.

    It was made for a request whose own metadata has none of the names in OF_CONTENT, or for `task` itself.
    """
    own = {name: value for name, value in node["metadata"].items() if name in OF_CONTENT}
    paged = "page_number" in own["__keys"]
    return make_node(task, node["text"], own | changes, page=own["page_number"] if paged else 0)
