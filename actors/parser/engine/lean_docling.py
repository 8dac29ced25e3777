"""Loads docling without what this server never uses.

docling imports torch and transformers for speech recognition, for models that describe pictures, and for the tokenizers
of its chunkers. They take 3 s of CPU time and 500 MB in every parser. The bundled models need neither, and `tokens.py`
counts without transformers. docling's own models import both later.

The package imports this module first, because it has no effect once docling is loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

#: Missing packages, for docling's imports. It has replacements for both.
ABSENT: Mapping[str, None] = {"torch": None, "transformers": None}

#: docling's speech recognition. It has no replacement for torch, and audio files are refused.
SPEECH = "docling.pipeline.asr_transformers"

#: Where the models of all profiles are. Plugins of other packages may import anything.
PLUGINS = ("docling.", "actors.")


def load() -> None:
    """Import docling's converter and its chunkers, unless they are there already."""
    if "docling.document_converter" in sys.modules:
        return
    speech = ModuleType(SPEECH)
    vars(speech).update(TransformersAsrDecoder=None)
    with _imported_as({SPEECH: speech, **ABSENT}):
        import docling.document_converter  # noqa: F401
        import docling_core.transforms.chunker  # noqa: F401
    _load_few_models()
    _ask_only_for_gpus()


@contextmanager
def _imported_as(modules: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """Make imports find these modules. None stands for a module that is not installed. Loaded modules stay."""
    added = {name: module for name, module in modules.items() if name not in sys.modules}
    sys.modules.update(added)  # type: ignore[arg-type] # None is how the import system marks a missing module
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]


def _load_few_models() -> None:
    """docling imports all models that it knows before it chooses one. Leave out those that no profile has."""
    from docling.models.factories import base_factory
    from docling.models.plugins import defaults

    base_factory.entry_points = _own_plugins  # type: ignore[attr-defined, assignment] # it has no option for it
    defaults.table_structure_engines = _tableformer


def _own_plugins(*, group: str) -> list[EntryPoint]:
    return [plugin for plugin in entry_points(group=group) if plugin.module.startswith(PLUGINS)]


def _tableformer() -> dict[str, list[type[Any]]]:
    from docling.models.stages.table_structure.table_structure_model import TableStructureModel

    return {"table_structure_engines": [TableStructureModel]}


def _ask_only_for_gpus() -> None:
    """docling asks torch whether the device is there. The CPU always is."""
    from docling.datamodel.accelerator_options import AcceleratorDevice
    from docling.utils import accelerator_utils

    decide = accelerator_utils.decide_device

    def decide_device(accelerator_device: str, supported_devices: list[AcceleratorDevice] | None = None) -> str:
        return "cpu" if accelerator_device == "cpu" else decide(accelerator_device, supported_devices)

    accelerator_utils.decide_device = decide_device
