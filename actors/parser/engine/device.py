"""What a replica may use of its machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from actors.telemetry.logs import get_logger

Device = Literal["cpu", "cuda"]

log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The threads that one replica's native libraries share, and where its models run."""

    threads: int
    device: Device


def hardware_for(*, num_cpus: float, num_gpus: float) -> Hardware:
    """What a replica that was given these shares should use: whole CPUs, at least one; the GPU if torch can use it."""
    return Hardware(threads=max(1, int(num_cpus)), device="cuda" if num_gpus > 0 and _has_gpu() else "cpu")


def _has_gpu() -> bool:
    """Of the process: Ray shows it the GPU it was given alone, and none where GPUs are only a number."""
    import torch

    found = torch.cuda.is_available()
    if not found:
        log.warning("gpu_missing", torch=torch.__version__, visible=os.environ.get("CUDA_VISIBLE_DEVICES"))
    return found


def confine(hardware: Hardware) -> None:
    """Hold the libraries that have no option of their own to the replica's threads. Call before models load."""
    os.environ["OMP_NUM_THREADS"] = str(hardware.threads)
    import cv2
    import torch

    torch.set_num_threads(hardware.threads)
    cv2.setNumThreads(hardware.threads)
