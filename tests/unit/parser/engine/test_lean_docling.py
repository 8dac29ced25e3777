from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.models

WORK = """
import sys
import numpy as np
from actors.derivations import Chunks
from actors.parser.parser import ParserConfig, docling_engine
from client.options import ChunkOptions
from docling_core.types.doc.document import DoclingDocument
engine = docling_engine(ParserConfig())
engine.warm_up()
document = np.frombuffer(DoclingDocument(name="tide").model_dump_json().encode(), np.uint8)
options = ChunkOptions(tokenizer="sentence-transformers/all-MiniLM-L6-v2", max_tokens=100)
engine.derive(document, Chunks(job_id="job", folder="f", source="s", options=options))
print(*sorted({"torch", "transformers", "torchvision"} & set(sys.modules)))
"""


def test_a_parser_with_the_bundled_models_that_also_cuts_chunks_loads_neither_torch_nor_transformers() -> None:
    loaded = subprocess.run([sys.executable, "-c", WORK], check=True, capture_output=True, text=True, timeout=120)
    assert loaded.stdout.split() == []


def test_docling_finds_torch_again_once_it_is_loaded() -> None:
    import torch  # noqa: F401
    import transformers  # noqa: F401

    import actors.parser.engine.engine  # noqa: F401
