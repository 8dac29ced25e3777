"""Where the bundled models run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.models

GPU_BUILD = ["CUDAExecutionProvider", "CPUExecutionProvider"]
CPU_BUILD = ["CPUExecutionProvider"]


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What onnxruntime is asked for where torch sees a GPU: CUDA's libraries, and the providers of each session."""
    from actors.parser.bundled import onnx

    monkeypatch.setattr(onnx, "decide_device", lambda device: f"{device}:0" if device == "cuda" else device)
    return []


@pytest.fixture
def install(chosen: list[Any], monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], None]:
    """Puts a build of onnxruntime with these providers in the place of the installed one, for the bundled models alone:
    rapidocr keeps what it imports from onnxruntime, whichever test is running then."""
    import onnxruntime

    from actors.parser.bundled import onnx

    def build_with(providers: list[str]) -> None:
        build = SimpleNamespace(
            SessionOptions=onnxruntime.SessionOptions,
            InferenceSession=lambda path, options, providers: chosen.append(providers),
            get_available_providers=lambda: providers,
            preload_dlls=lambda: chosen.append("CUDA's libraries"),
        )
        monkeypatch.setattr(onnx, "onnxruntime", build)

    return build_with


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
    chosen: list[Any], install: Callable[[list[str]], None], build: list[str], device: str, expected: list[Any]
) -> None:
    from docling.datamodel.accelerator_options import AcceleratorOptions

    from actors.parser.bundled.onnx import open_session

    install(build)
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
    install: Callable[[list[str]], None], profile: Any, build: list[str], device: Any, said: str | None
) -> None:
    from actors.parser.engine.device import Hardware
    from actors.parser.engine.engine import Engine
    from client.models import ParseOptions

    install(build)
    engine = Engine(ParseOptions(profile=profile), Hardware(threads=1, device=device))
    assert engine.describe().device == said
