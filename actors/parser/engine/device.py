"""What a replica may use of its machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Device = Literal["cpu", "cuda"]

#: What CUDA_VISIBLE_DEVICES holds when a process has no GPU; Ray sets it to "" for replicas without one.
_NO_GPU = ("", "-1", "NoDevFiles")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The threads that one replica's native libraries share, and where its models run."""

    threads: int
    device: Device


def hardware_for(*, num_cpus: float, num_gpus: float, environ: Mapping[str, str] = os.environ) -> Hardware:
    """What a replica that was given these shares should use: whole CPUs, at least one."""
    has_gpu = num_gpus > 0 and environ.get("CUDA_VISIBLE_DEVICES") not in _NO_GPU
    return Hardware(threads=max(1, int(num_cpus)), device="cuda" if has_gpu else "cpu")


def confine(hardware: Hardware) -> None:
    """Hold the libraries that have no option of their own to the replica's threads. Call before models load."""
    os.environ["OMP_NUM_THREADS"] = str(hardware.threads)
    import cv2
    import torch

    torch.set_num_threads(hardware.threads)
    cv2.setNumThreads(hardware.threads)
