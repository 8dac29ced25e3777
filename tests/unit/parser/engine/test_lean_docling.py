from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.models

WARM_UP = """
import sys
from actors.parser.parser import ParserConfig, docling_engine
docling_engine(ParserConfig()).warm_up()
print(*sorted({"torch", "transformers", "torchvision"} & set(sys.modules)))
"""


def test_a_parser_with_the_bundled_models_loads_neither_torch_nor_transformers() -> None:
    loaded = subprocess.run([sys.executable, "-c", WARM_UP], check=True, capture_output=True, text=True, timeout=120)
    assert loaded.stdout.split() == []


def test_docling_finds_torch_again_once_it_is_loaded() -> None:
    import torch  # noqa: F401
    from docling_core.transforms.chunker.hybrid_chunker import HybridChunker  # noqa: F401 - imports transformers

    import actors.parser.engine.engine  # noqa: F401
