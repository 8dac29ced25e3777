import pytest

from actors.parser.engine.device import Hardware, hardware_for


@pytest.mark.parametrize(("num_cpus", "threads"), [(0, 1), (0.25, 1), (1, 1), (1.5, 1), (4, 4)])
def test_a_replica_uses_as_many_threads_as_it_has_whole_cpus(num_cpus: float, threads: int) -> None:
    assert hardware_for(num_cpus=num_cpus, num_gpus=0, environ={}) == Hardware(threads=threads, device="cpu")


@pytest.mark.parametrize(
    ("num_gpus", "visible", "device"),
    [(0, "0", "cpu"), (1, "0", "cuda"), (0.25, "3", "cuda"), (1, "", "cpu"), (1, "-1", "cpu"), (1, None, "cuda")],
)
def test_models_run_on_a_gpu_only_where_the_replica_was_given_one(
    num_gpus: float, visible: str | None, device: str
) -> None:
    environ = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert hardware_for(num_cpus=1, num_gpus=num_gpus, environ=environ).device == device
