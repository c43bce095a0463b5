"""What torch's errors mean: memory that does not suffice, a GPU that stopped working.

torch raises RuntimeError for nearly everything, so its texts are read. Everything runs on a GPU later than it is asked
for: an error of the GPU may surface anywhere where results are waited for, which is why `gpu_faults` is there to be
put around a whole thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ...errors import AnimePoseError

_OUT_OF_MEMORY = (
    "out of memory",  # CUDA's driver and torch's allocators of CUDA and MPS
    "can't allocate memory",  # torch's allocator of the CPU, on Linux and macOS
    "not enough memory",  # the same on Windows
    "invalid buffer size",  # Metal, for one block that is larger than it allows
    "cublas_status_alloc_failed",
    "cublas_status_not_initialized",  # what cuBLAS says when there is no room for its workspace
    "cudnn_status_alloc_failed",
    "unable to find an engine to execute",  # cuDNN, when no algorithm's workspace fits
)
_STOPPED = (
    "cuda error",
    "cuda driver",
    "hip error",
    "device-side assert",
    "unspecified launch failure",
    "no longer available",
    "cublas_status_",  # but for those above
    "cudnn_status_",
    "nvml_success",
    "no nvidia driver",
    "no cuda gpus are available",
    "command buffer exited with error",  # Metal
)
STOPPED_REMEDY = "Run it again, on the device cpu if it happens again, or with the preset offline."


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory, of the GPU or the computer, did not suffice."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _OUT_OF_MEMORY)


def has_stopped(error: BaseException) -> bool:
    """Whether an error says that the GPU, or its driver, no longer works for this process."""
    if is_out_of_memory(error) or not isinstance(error, RuntimeError):
        return False
    text = str(error).lower()
    return type(error).__name__ == "AcceleratorError" or any(words in text for words in _STOPPED)


def stopped(error: BaseException) -> AnimePoseError:
    """The user's error for `has_stopped`."""
    first = (str(error).strip().splitlines() or ["no reason given"])[0]
    return AnimePoseError(f"The GPU stopped working ({first.rstrip('.')}).", STOPPED_REMEDY)


def exhausted(error: BaseException, what: str) -> AnimePoseError:
    """The user's error for `is_out_of_memory`.

    Args:
        what: did not fit, as the beginning of a sentence: "One picture of ViTPose++ base".
    """
    return AnimePoseError(
        f"{what} does not fit into memory{free_memory_text()}.",
        "Close other programs, choose a smaller network or another device, or the preset offline.",
    )


@contextmanager
def gpu_faults(what: str = "The clip") -> Iterator[None]:
    """Within it, torch's errors of memory and of the GPU become errors that the user understands.

    Raises:
        AnimePoseError: for those; others pass.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise exhausted(error, what) from error
        if has_stopped(error):
            raise stopped(error) from error
        raise


def empty_cache() -> None:
    """Give memory that torch keeps for later back to the device."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def free_memory_text() -> str:
    """`, of which 1.2 of 24.0 GB are free` on a CUDA device in use; empty where nobody knows."""
    try:
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            free, total = torch.cuda.mem_get_info()
            return f", of which {free / 1e9:.1f} of {total / 1e9:.1f} GB are free"
    except RuntimeError:  # of a GPU that has gone; the error at hand matters more
        return ""
    return ""
