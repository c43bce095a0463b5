"""Batches made ahead of the training by processes of their own: a GPU would else wait for one core that cuts crops.

A batch depends on seed and step alone, so training sees what it would see without. New shards are noticed by each
process for itself; where pictures still come while it runs, batches then differ from those of a run in one process.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from .loop import Batch, Plan, Task


class Ahead:
    """A task whose batches come from processes; implements `loop.Task`.

    Args:
        task: with its batches' device as `device`, or in its `data`.
        plan: that it will be trained by.
        workers: processes.
        device: where the training wants its batches.
    """

    def __init__(self, task: Task, plan: Plan, workers: int, device: str) -> None:
        self.name, self.network = task.name, task.network
        self.task, self.plan, self.workers, self.device = task, plan, workers, device
        self._batches: Iterator[Batch] | None = None

    def batch(self, rng: np.random.Generator, size: int, progress: float) -> Batch:
        """The next batch. The first call says where the training begins; the rest follow step by step."""
        if self._batches is None:
            first = round(progress * self.plan.steps)
            self._batches = iter(
                DataLoader(
                    _Steps(_without_device(self.task), self.plan), batch_size=None, collate_fn=_as_it_is,
                    sampler=range(first, self.plan.steps), num_workers=self.workers, worker_init_fn=_one_thread,
                )
            )  # fmt: skip
        return _tensors(next(self._batches), self.device)

    def loss(self, batch: Batch, progress: float) -> Mapping[str, torch.Tensor]:
        """As the task's."""
        return self.task.loss(batch, progress)

    def measure(self, network: torch.nn.Module) -> Mapping[str, float]:
        """As the task's."""
        return self.task.measure(network)

    def config(self) -> Mapping[str, Any]:
        """As the task's."""
        return self.task.config()


class _Steps(Dataset[Batch]):
    """The batch of each step, as arrays: tensors would each need an open file to go from process to process."""

    def __init__(self, task: Any, plan: Plan) -> None:
        self.task, self.plan = task, plan

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng((self.plan.seed, step))
        return _arrays(self.task.batch(rng, self.plan.batch, step / self.plan.steps))


def _without_device(task: Any) -> Any:
    """The task for a process that makes batches: on the CPU, without the network."""
    twin = copy.copy(task)
    twin.network = torch.nn.Identity()
    if hasattr(task, "data"):
        twin.data = replace(task.data, device="cpu")
    if hasattr(task, "device"):
        twin.device = "cpu"
    return twin


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def _as_it_is(batch: Batch) -> Batch:
    return batch


def _arrays(value: Any) -> Any:
    return _changed(value, lambda v: v.numpy() if isinstance(v, torch.Tensor) else v)


def _tensors(value: Any, device: str) -> Any:
    return _changed(value, lambda v: torch.from_numpy(v).to(device) if isinstance(v, np.ndarray) else v)


def _changed(value: Any, change: Any) -> Any:
    """All that lies in dictionaries, lists, tuples and dataclasses, changed."""
    if isinstance(value, Mapping):
        return {name: _changed(one, change) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_changed(one, change) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _changed(getattr(value, f.name), change) for f in fields(value)})
    return change(value)
