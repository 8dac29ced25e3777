"""Where the bundled models run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.models

GPU_BUILD = ["CUDAExecutionProvider", "CPUExecutionProvider"]
CPU_BUILD = ["CPUExecutionProvider"]


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The providers of each session that was opened, on a machine whose torch sees a GPU."""
    import onnxruntime

    from actors.parser.bundled import onnx

    given: list[Any] = []
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: given.append("CUDA's libraries"))
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda path, options, providers: given.append(providers))
    monkeypatch.setattr(onnx, "decide_device", lambda device: f"{device}:0" if device == "cuda" else device)
    return given


@pytest.mark.parametrize(
    ("build", "device", "expected"),
    [
        (
            GPU_BUILD,
            "cuda",
            ["CUDA's libraries", [("CUDAExecutionProvider", {"device_id": 0}), "CPUExecutionProvider"]],
        ),
        (GPU_BUILD, "cpu", [["CPUExecutionProvider"]]),
        (CPU_BUILD, "cuda", [["CPUExecutionProvider"]]),
    ],
)
def test_a_model_runs_on_the_gpu_if_the_replica_has_one_and_onnxruntime_can_use_it(
    chosen: list[Any], monkeypatch: pytest.MonkeyPatch, build: list[str], device: str, expected: list[Any]
) -> None:
    import onnxruntime
    from docling.datamodel.accelerator_options import AcceleratorOptions

    from actors.parser.bundled.onnx import open_session

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: build)
    open_session(Path("model.onnx"), AcceleratorOptions(num_threads=1, device=device))
    assert chosen == expected


@pytest.mark.parametrize(
    ("profile", "build", "device", "said"),
    [
        ("bundled", GPU_BUILD, "cuda", "cuda"),
        ("bundled", CPU_BUILD, "cuda", "cpu"),
        ("bundled", GPU_BUILD, "cpu", "cpu"),
        ("native", GPU_BUILD, "cuda", None),
    ],
)
def test_a_replica_says_where_its_models_run(
    monkeypatch: pytest.MonkeyPatch, profile: Any, build: list[str], device: Any, said: str | None
) -> None:
    import onnxruntime

    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine
    from client.models import ParseOptions

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: build)
    engine = Engine(ParseOptions(profile=profile), Hardware(threads=1, device=device))
    assert engine.describe().device == said
