"""The device that networks run on, its precision, and the way of pictures onto it."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from ...errors import AnimePoseError
from ..threads import threads_told
from .faults import is_out_of_memory

BFLOAT16_FROM = 8
"""Major compute capability (Ampere) from which a CUDA device multiplies in bfloat16."""
FLOAT16_FROM = 7
"""From which (Volta) float16 is faster than float32; before, it is up to 64 times slower."""
CONVOLUTIONAL_SHARE = 0.5
"""Of a network's weights; from there on it is laid out as convolutions like it."""


@dataclass(frozen=True)
class Device:
    """Where networks run, and in which precision."""

    torch: torch.device
    dtype: torch.dtype
    """Of weights and activations: float32 on a CPU."""
    name: str = "CPU"
    """For people: `NVIDIA GeForce RTX 3090, 24 GB, bfloat16`."""
    note: str = ""
    """Why it is not the one that could be expected, such as a GPU whose driver is too old; mostly empty."""
    compiled: bool = False
    """Whether networks are compiled (`prepared`)."""


class Unusable(Exception):
    """A kind of device cannot be used; the text says why, without a full stop."""


def choose_device(wanted: str) -> Device:
    """The device of a job.

    Args:
        wanted: one of `protocol.DEVICES`. For `auto`, CUDA comes before MPS and MPS before the CPU; one that is there
            but cannot be used is passed over, and the result's `note` says why.
    Raises:
        AnimePoseError: if one that is asked for by name cannot be used.
    """
    told = threads_told()
    if told:  # without it, torch counts the processor's cores, which is better than counting its threads
        torch.set_num_threads(told)
    if wanted == "cpu":
        return _cpu("")
    found = {"cuda": _cuda, "mps": _mps}
    if wanted in found:
        try:
            return found[wanted]()
        except Unusable as reason:
            raise AnimePoseError(
                f"The device {wanted} cannot be used: {reason}. There is: {', '.join(usable())}.",
                "Choose the device auto or cpu, or the preset offline.",
            ) from reason
    notes = []
    for kind, find in found.items():
        try:
            return find()
        except Unusable as reason:
            if _is_expected(kind):
                notes.append(f"The GPU is not used: {reason}.")
    return _cpu(" ".join(notes))


def usable() -> list[str]:
    """Which of cuda, mps and cpu work here."""
    kinds = []
    for kind, find in (("cuda", _cuda), ("mps", _mps)):
        try:
            find()
        except Unusable:
            continue
        kinds.append(kind)
    return [*kinds, "cpu"]


def _cpu(note: str) -> Device:
    return Device(torch.device("cpu"), torch.float32, f"CPU, {torch.get_num_threads()} threads, float32", note)


def _cuda() -> Device:
    """The current CUDA device (also ROCm's, which torch calls so), if a computation on it succeeds."""
    if not torch.backends.cuda.is_built():
        raise Unusable("the environment's torch is made for CPUs only")
    with warnings.catch_warnings(record=True) as said:  # torch explains in warnings, such as a driver that is too old
        warnings.simplefilter("always")
        there = torch.cuda.is_available()
    if not there:
        reasons = [str(one.message).split("(Triggered")[0].strip().rstrip(".") for one in said]
        raise Unusable(_first_line(reasons[-1]) if reasons else "no GPU or no driver was found")
    _try(torch.device("cuda"))
    device = torch.device("cuda", torch.cuda.current_device())
    about = torch.cuda.get_device_properties(device)
    dtype = _cuda_dtype(about.major)
    name = f"{about.name}, {about.total_memory / 2**30:.0f} GB, {_dtype_name(dtype)}"
    return Device(device, dtype, name)


def _cuda_dtype(major: int) -> torch.dtype:
    """The fastest precision of a CUDA device whose range suffices: bfloat16 cannot overflow where float16 may."""
    if major >= BFLOAT16_FROM:
        return torch.bfloat16
    return torch.float16 if major >= FLOAT16_FROM else torch.float32


def _mps() -> Device:
    """Apple's GPU. In float32: bfloat16 is not there before macOS 14, not all of Metal's operations know float16, and
    a part of what these networks do runs on the CPU instead, where float16 is slow."""
    if not torch.backends.mps.is_available():
        raise Unusable("no Apple GPU was found, or macOS or torch is too old for it")
    device = torch.device("mps")
    _try(device)
    return Device(device, torch.float32, "Apple GPU (MPS), float32")


def _try(device: torch.device) -> None:
    """Compute something small on it: a device can be there without working."""
    try:
        one = torch.ones(16, 16, device=device)
        if float((one @ one).sum().item()) != 16.0**3:
            raise Unusable("it computes wrongly")
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise Unusable("all of its memory is taken by other programs") from error
        if "no kernel image" in str(error):
            raise Unusable("the environment's torch does not support so old, or so new, a GPU") from error
        raise Unusable(_first_line(str(error))) from error


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[0].rstrip(".")


def _is_expected(kind: str) -> bool:
    """Whether the user may wonder why it is not used: not on a machine without a GPU."""
    if kind == "mps":
        return torch.backends.mps.is_available()
    return torch.cuda.is_available() or shutil.which("nvidia-smi") is not None or os.path.exists("/dev/nvidia0")


def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def prepared(network: torch.nn.Module, device: Device) -> torch.nn.Module:
    """The network as it runs best on its device.

    Convolutional networks are laid out with channels last on CUDA. `torch.compile` is left out unless
    `device.compiled`: whether it pays, its warm-up counted, is to be measured by `scripts/bench_quality.py`. cuDNN's
    own measuring stays off, since batches of people have many sizes, each of which would be measured anew. TF32 stays
    off for matrices: the networks' are in half precision anyway, and coordinates would lose digits.
    """
    if device.torch.type == "cuda" and _is_convolutional(network):
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if device.compiled:
        network.compile(dynamic=True)
    return network


def _is_convolutional(network: torch.nn.Module) -> bool:
    total = sum(weight.numel() for weight in network.parameters())
    own = sum(m.weight.numel() for m in network.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size != (1, 1))
    return total > 0 and own > CONVOLUTIONAL_SHARE * total


class Upload:
    """Pictures on their way to the device.

    On CUDA the copy runs beside the networks: from pinned memory, on a stream of its own. Begin it in the thread that
    decodes, and ask for the pictures in the thread that runs the networks.

    Args:
        frames: B of (H, W, 3) uint8, all of one size; they are copied before this returns.
        device: to put them on.
    """

    def __init__(self, frames: Sequence[np.ndarray], device: Device) -> None:
        self._copied: torch.cuda.Event | None = None
        if device.torch.type != "cuda":
            self._pictures = torch.from_numpy(np.stack(frames)).to(device.torch)
            return
        pinned = _pinned((len(frames), *frames[0].shape))
        np.stack(frames, out=pinned.numpy())
        stream = _copy_stream(device.torch)
        # Allocated for the copying stream, so that no memory is overwritten that networks still read. The pinned block
        # may be forgotten here: torch gives it to nobody else before the copy is done.
        with torch.cuda.stream(stream):
            self._pictures = pinned.to(device.torch, non_blocking=True)
            self._copied = torch.cuda.Event()
            self._copied.record(stream)

    def pictures(self) -> torch.Tensor:
        """(B, H, W, 3) uint8 on the device; what this thread does with them there waits for the copy, the thread
        itself does not."""
        if self._copied is not None:
            stream = torch.cuda.current_stream(self._pictures.device)
            stream.wait_event(self._copied)
            self._pictures.record_stream(stream)
        return self._pictures


def upload(frames: Sequence[np.ndarray], device: Device) -> torch.Tensor:
    """(B, H, W, 3) uint8 on the device, of B frames (H, W, 3) uint8."""
    return Upload(frames, device).pictures()


def _pinned(shape: tuple[int, ...]) -> torch.Tensor:
    """Memory that the GPU copies from by itself; torch keeps such blocks and gives them out again. Plain memory where
    the system allows no more of it, from which copying is slower."""
    try:
        return torch.empty(shape, dtype=torch.uint8, pin_memory=True)
    except RuntimeError:
        return torch.empty(shape, dtype=torch.uint8)


@lru_cache(maxsize=1)
def _copy_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)
