"""Batches: out of memory is answered by smaller batches; a GPU that stops by words."""

from __future__ import annotations

import pytest
import torch

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.hub import batches, faults
from animepose_blender.estimate.hub.batches import Batches

OUT_OF_MEMORY = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("MPS backend out of memory (MPS allocated: 8.10 GB, other allocations: 1.00 GB)."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("[enforce fail] data. DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes."),
    RuntimeError("Invalid buffer size: 24.00 GB"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    MemoryError(),
)
STOPPED = (
    RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError("CUDA error: device-side assert triggered"),
    RuntimeError("CUDA error: the launch timed out and was terminated"),
    torch.AcceleratorError("CUDA error: CUDA-capable device(s) is/are busy or unavailable"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    RuntimeError("Found no NVIDIA driver on your system."),
)


def holds(most: int, error: BaseException):
    """Work for which only `most` items fit, and the slices that were tried."""
    tried: list[tuple[int, int]] = []

    def work(part: slice) -> list[int]:
        tried.append((part.start, part.stop))
        if part.stop - part.start > most:
            raise error
        return list(range(part.start, part.stop))

    return work, tried


def test_items_are_worked_on_in_order_and_at_most_so_many_at_a_time():
    work, tried = holds(100, MemoryError())
    assert Batches(4).run(10, work) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert tried == [(0, 4), (4, 8), (8, 10)]
    assert Batches(4).run(0, work) == []


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda e: str(e)[:30])
def test_a_batch_that_does_not_fit_is_halved_for_good_and_only_it_is_repeated(error, monkeypatch):
    emptied = []
    monkeypatch.setattr(batches, "empty_cache", lambda: emptied.append(True))
    work, tried = holds(2, error)
    some = Batches(8)
    assert some.run(10, work) == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert tried[:3] == [(0, 8), (0, 4), (0, 2)]
    assert some.size == 2
    assert len(emptied) == 2
    tried.clear()
    some.run(4, work)
    assert tried == [(0, 2), (2, 4)]


def test_a_last_batch_that_was_smaller_anyway_is_halved_from_its_own_size():
    work, tried = holds(1, MemoryError())
    some = Batches(64)
    assert some.run(3, work) == [[0], [1], [2]]
    assert tried[:2] == [(0, 3), (0, 1)]


def test_what_was_done_before_the_failure_is_kept():
    calls = []

    def work(part: slice) -> int:
        calls.append(part)
        if len(calls) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return part.stop - part.start

    assert Batches(4).run(8, work) == [4, 2, 2]
    assert [part.start for part in calls] == [0, 4, 4, 6]


def test_one_item_that_does_not_fit_is_the_users_error(monkeypatch):
    monkeypatch.setattr(faults, "free_memory_text", lambda: ", of which 0.1 of 8.0 GB are free")
    work, _ = holds(0, torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(AnimePoseError, match=r"single picture of ViTPose.*0\.1 of 8\.0 GB.*preset offline"):
        Batches(3, "ViTPose").run(5, work)


@pytest.mark.parametrize("error", STOPPED, ids=lambda e: str(e)[:30])
def test_a_gpu_that_stops_working_is_the_users_error_and_nothing_is_repeated(error):
    work, tried = holds(0, error)
    with pytest.raises(AnimePoseError, match=r"The GPU stopped working.*device cpu.*preset offline") as caught:
        Batches(8).run(8, work)
    assert "\n" not in caught.value.message
    assert len(tried) == 1


def test_other_errors_pass_unchanged():
    work, tried = holds(0, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        Batches(8).run(8, work)
    assert len(tried) == 1
    with pytest.raises(ValueError, match="1 or more"):
        Batches(0)


def test_errors_that_surface_where_results_are_waited_for_are_explained_too():
    with pytest.raises(AnimePoseError, match="stopped working"), faults.gpu_faults():
        raise STOPPED[0]
    with pytest.raises(AnimePoseError, match="The clip does not fit"), faults.gpu_faults():
        raise OUT_OF_MEMORY[0]
    with pytest.raises(KeyError), faults.gpu_faults():
        raise KeyError("x")


def test_the_tensors_of_a_failed_attempt_are_let_go_before_the_next(monkeypatch):
    import weakref

    alive: list[weakref.ref] = []
    seen = []
    monkeypatch.setattr(batches, "empty_cache", lambda: seen.append(alive[-1]() is None))

    def work(part: slice) -> int:
        large = torch.zeros(8)
        alive.append(weakref.ref(large))
        if part.stop - part.start > 1:
            raise RuntimeError("CUDA out of memory")
        return 0

    Batches(2).run(2, work)
    assert seen == [True]
