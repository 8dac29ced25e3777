from __future__ import annotations

import pytest

from actors.parser.engine.device import Hardware, hardware_for

pytestmark = pytest.mark.models


@pytest.mark.parametrize(("num_cpus", "threads"), [(0, 1), (0.25, 1), (1, 1), (1.5, 1), (4, 4)])
def test_a_replica_uses_as_many_threads_as_it_has_whole_cpus(num_cpus: float, threads: int) -> None:
    assert hardware_for(num_cpus=num_cpus, num_gpus=0) == Hardware(threads=threads, device="cpu")


@pytest.mark.parametrize(
    ("num_gpus", "usable", "device"),
    [(0, True, "cpu"), (1, True, "cuda"), (0.25, True, "cuda"), (1, False, "cpu"), (0.25, False, "cpu")],
)
def test_models_run_on_a_gpu_only_where_the_replica_was_given_one_that_torch_can_use(
    monkeypatch: pytest.MonkeyPatch, num_gpus: float, usable: bool, device: str
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: usable)
    assert hardware_for(num_cpus=1, num_gpus=num_gpus).device == device
