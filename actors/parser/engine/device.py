"""Which part of its machine a replica uses: threads, and a CPU or GPU."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Literal

from actors.telemetry.logs import get_logger

Device = Literal["cpu", "cuda"]

log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The number of threads for a replica's native libraries, and the device that runs its models."""

    threads: int
    device: Device


def hardware_for(*, num_cpus: float, num_gpus: float) -> Hardware:
    """The hardware for these shares of a machine: one thread for each whole CPU, and the GPU if torch can use it."""
    return Hardware(threads=max(1, int(num_cpus)), device="cuda" if num_gpus > 0 and _has_gpu() else "cpu")


def _has_gpu() -> bool:
    """Whether torch can use a GPU. Ray hides every GPU that it did not give to this process."""
    import torch

    found = torch.cuda.is_available()
    if not found:
        log.warning("gpu_missing", torch=torch.__version__, visible=os.environ.get("CUDA_VISIBLE_DEVICES"))
    return found


def confine(hardware: Hardware) -> None:
    """Limit libraries without a thread option to the replica's threads. Call it before models load."""
    os.environ["OMP_NUM_THREADS"] = str(hardware.threads)  # torch reads it when docling's own models import it
    import cv2

    if torch := sys.modules.get("torch"):
        torch.set_num_threads(hardware.threads)
    cv2.setNumThreads(hardware.threads)
