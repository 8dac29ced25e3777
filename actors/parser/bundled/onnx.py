"""Opens onnxruntime sessions for the models that ship inside wheels, with the replica's threads and device."""

from pathlib import Path
from typing import Any

import onnxruntime
from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.utils.accelerator_utils import decide_device

ERRORS = 3  # onnxruntime's log level that shows errors but no warnings
CUDA = "CUDAExecutionProvider"


def can_use_gpu() -> bool:
    """Whether the installed onnxruntime is the build for GPUs, `onnxruntime-gpu`."""
    return CUDA in onnxruntime.get_available_providers()


def open_session(model: Path | bytes, accelerator: AcceleratorOptions) -> Any:
    """A session on the GPU if `accelerator` names one and onnxruntime supports it, otherwise on the CPU.

    `model` is a file in ONNX's format, or its content.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = accelerator.num_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS
    providers: list[Any] = ["CPUExecutionProvider"]
    device, _, number = decide_device(str(accelerator.device)).partition(":")
    if device == "cuda" and can_use_gpu():
        onnxruntime.preload_dlls()  # from torch's wheels: onnxruntime finds the CUDA libraries of the system alone
        providers.insert(0, (CUDA, {"device_id": int(number or 0)}))
    return onnxruntime.InferenceSession(model, options, providers=providers)
