"""The choice of the device: what works is used, what does not is explained. CUDA and MPS are stand-ins here."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.hub import device as devices
from animepose_blender.estimate.hub.device import Device, Upload, choose_device, prepared, upload

CPU = Device(torch.device("cpu"), torch.float32)


@pytest.fixture(autouse=True)
def same_threads_afterwards():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def cuda(monkeypatch):
    """A machine with a CUDA device; what it is like can be set."""
    state = SimpleNamespace(
        built=True, available=True, warning="", name="NVIDIA Test 1", memory=24 * 2**30, major=8, error=None
    )

    def is_available():
        if state.warning:
            warnings.warn(state.warning, stacklevel=1)  # as torch does
        return state.available

    def try_it(device):
        if device.type == "cuda" and state.error:
            raise state.error

    real_ones = torch.ones
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: state.built)
    monkeypatch.setattr(torch.cuda, "is_available", is_available)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(
        torch.cuda,
        "get_device_properties",
        lambda device: SimpleNamespace(name=state.name, total_memory=state.memory, major=state.major),
    )

    def ones(*shape, device=None, **more):
        try_it(torch.device(device or "cpu"))
        return real_ones(*shape, **more)

    monkeypatch.setattr(torch, "ones", ones)
    return state


@pytest.fixture
def no_mps(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_a_working_gpu_comes_first_and_is_named(cuda, no_mps):
    chosen = choose_device("auto")
    assert chosen.torch == torch.device("cuda", 0)
    assert chosen.name == "NVIDIA Test 1, 24 GB, bfloat16"
    assert chosen.note == ""
    assert choose_device("cuda") == chosen


@pytest.mark.parametrize(
    ("major", "dtype"), [(9, torch.bfloat16), (8, torch.bfloat16), (7, torch.float16), (6, torch.float32)]
)
def test_the_precision_is_one_that_the_gpu_is_fast_in(cuda, major, dtype):
    cuda.major = major
    assert choose_device("cuda").dtype == dtype


@pytest.mark.filterwarnings("ignore:The NVIDIA driver")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"available": False, "warning": "The NVIDIA driver on your system is too old (found 11040)."}, "too old"),
        ({"error": RuntimeError("CUDA error: no kernel image is available for execution")}, "does not support so old"),
        ({"error": torch.OutOfMemoryError("CUDA out of memory.")}, "memory is taken"),
        ({"error": RuntimeError("CUDA error: unspecified launch failure\nCompile with")}, "unspecified launch failure"),
    ],
)  # fmt: skip
def test_a_gpu_that_does_not_work_is_passed_over_with_a_reason_and_refused_by_name(
    cuda, no_mps, monkeypatch, change, reason
):
    monkeypatch.setattr(devices.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    for name, value in change.items():
        setattr(cuda, name, value)
    chosen = choose_device("auto")
    assert chosen.torch.type == "cpu"
    assert chosen.dtype == torch.float32
    assert chosen.note.startswith("The GPU is not used: ")
    assert reason in chosen.note
    assert "\n" not in chosen.note
    with pytest.raises(AnimePoseError, match=rf"cuda cannot be used.*{reason}.*There is: cpu.*preset offline"):
        choose_device("cuda")


def test_torch_for_cpus_beside_a_gpu_is_pointed_out(cuda, no_mps, monkeypatch):
    cuda.built = cuda.available = False
    monkeypatch.setattr(devices.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    assert "made for CPUs only" in choose_device("auto").note


def test_a_machine_without_a_gpu_needs_no_explanation(cuda, no_mps, monkeypatch):
    cuda.available = False
    monkeypatch.setattr(devices.shutil, "which", lambda name: None)
    monkeypatch.setattr(devices.os.path, "exists", lambda path: False)
    chosen = choose_device("auto")
    assert chosen.note == ""
    assert chosen.name.startswith("CPU, ")


def test_apples_gpu_is_used_in_float32_where_there_is_no_cuda(cuda, monkeypatch):
    cuda.available = False
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    chosen = choose_device("auto")
    assert (chosen.torch.type, chosen.dtype) == ("mps", torch.float32)
    assert choose_device("mps") == chosen


def test_what_is_asked_for_and_not_there_is_refused_with_what_there_is(no_mps):
    with pytest.raises(AnimePoseError, match=r"mps cannot be used.*There is: .*cpu"):
        choose_device("mps")


def test_a_worker_that_was_told_its_threads_keeps_to_them(monkeypatch):
    monkeypatch.setenv("ANIMEPOSE_THREADS", "1")
    assert choose_device("cpu").name == "CPU, 1 threads, float32"
    assert torch.get_num_threads() == 1
    monkeypatch.setenv("ANIMEPOSE_THREADS", "many")
    assert choose_device("cpu").torch.type == "cpu"


def test_frames_arrive_as_one_batch():
    frames = [np.full((4, 6, 3), value, dtype=np.uint8) for value in (1, 2)]
    pictures = upload(frames, CPU)
    assert pictures.shape == (2, 4, 6, 3)
    assert pictures.dtype == torch.uint8
    frames[0][:] = 9
    assert pictures[:, 0, 0, 0].tolist() == [1, 2]


def test_on_cuda_pictures_wait_for_their_copy_and_are_kept_until_they_were_used(monkeypatch):
    """The order of calls on streams, with stand-ins for them; the copy itself goes to the CPU."""
    said: list[str] = []

    class Stream:
        def __init__(self, name):
            self.name = name

        def wait_event(self, event):
            said.append(f"{self.name} waits")

    class Event:
        def record(self, stream):
            said.append(f"recorded on {stream.name}")

    @contextmanager
    def on(stream):
        said.append(f"enter {stream.name}")
        yield
        said.append(f"leave {stream.name}")

    monkeypatch.setattr(devices, "_copy_stream", lambda device: Stream("copies"))
    monkeypatch.setattr(devices, "_pinned", lambda shape: torch.empty(shape, dtype=torch.uint8))
    monkeypatch.setattr(torch.cuda, "stream", on)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream("networks"))
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda tensor, stream: said.append(f"kept for {stream.name}"))
    fake = SimpleNamespace(torch=SimpleNamespace(type="cuda"), dtype=torch.bfloat16)
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, *_, **__: tensor.clone())
    begun = Upload([np.full((2, 2, 3), 7, dtype=np.uint8)], fake)  # type: ignore[arg-type]
    assert said == ["enter copies", "recorded on copies", "leave copies"]
    assert begun.pictures().unique().tolist() == [7]
    assert said[3:] == ["networks waits", "kept for networks"]


def test_memory_that_cannot_be_pinned_is_replaced_by_plain_memory(monkeypatch):
    real = torch.empty

    def empty(*shape, pin_memory=False, **more):
        if pin_memory:
            raise RuntimeError("CUDA error: out of memory")
        return real(*shape, **more)

    monkeypatch.setattr(torch, "empty", empty)
    assert devices._pinned((1, 2, 2, 3)).shape == (1, 2, 2, 3)


def test_a_network_is_compiled_only_where_the_device_says_so(monkeypatch):
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **_: compiled.append(self))
    network = torch.nn.Conv2d(3, 4, 3)
    assert prepared(network, CPU) is network
    assert compiled == []
    prepared(network, Device(CPU.torch, CPU.dtype, compiled=True))
    assert compiled == [network]


def test_convolutional_networks_are_told_from_transformers():
    convolutions = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3), torch.nn.Conv2d(64, 64, 3))
    transformer = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 16), torch.nn.Linear(64, 4096))
    assert devices._is_convolutional(convolutions)
    assert not devices._is_convolutional(transformer)
    assert not devices._is_convolutional(torch.nn.Identity())
