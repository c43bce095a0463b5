"""A run of the whole preset, and its networks alone on inputs of the same shapes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from animepose_blender.estimate.hub import open as opening
from animepose_blender.estimate.hub.device import Device, prepared
from animepose_blender.estimate.hub.loading import Loaded
from animepose_blender.estimate.run import run
from animepose_blender.protocol import JobRequest
from animepose_blender.take import Take

from .clips import GivenPeople

Shapes = tuple[tuple[str, tuple[int, ...], torch.dtype], ...]
"""The tensors of a call: their names, sizes and types."""


@dataclass
class Call:
    """Calls of one network with inputs of the same shapes."""

    network: torch.nn.Module
    arguments: dict[str, Any]
    positional: tuple[Any, ...]


@dataclass
class Calls:
    """Which networks were called in a run, with what, and how often."""

    loaded: dict[str, Loaded] = field(default_factory=dict)
    count: Counter[tuple[str, Shapes]] = field(default_factory=Counter)
    example: dict[tuple[str, Shapes], Call] = field(default_factory=dict)
    _hooks: list[Any] = field(default_factory=list)

    def watch(self, loaded: Loaded) -> None:
        """Count the calls of a network from now on; of one for masks, those of its parts, since it is never called."""
        name = loaded.record.id
        self.loaded[name] = loaded
        if loaded.record.role != "masks":
            self._watch(name, loaded.network)
            return
        for part, network in loaded.network.named_children():
            self._watch(f"{name}: {part}", network)

    def _watch(self, name: str, watched: torch.nn.Module) -> None:
        def before(network: torch.nn.Module, positional: tuple, arguments: dict) -> None:
            named = [(str(k), one) for k, one in enumerate(positional)] + list(arguments.items())
            tensors = [(key, one) for key, one in named if isinstance(one, torch.Tensor)]
            shapes = tuple((key, tuple(one.shape), one.dtype) for key, one in tensors)
            self.count[name, shapes] += 1
            if (name, shapes) not in self.example:
                kept = {key: _kept(one) for key, one in arguments.items()}
                self.example[name, shapes] = Call(network, kept, tuple(_kept(one) for one in positional))

        self._hooks.append(watched.register_forward_pre_hook(before, with_kwargs=True))

    def stop(self) -> None:
        """Watch no longer: hooks would be compiled, too."""
        for hook in self._hooks:
            hook.remove()


def _kept(argument: Any) -> Any:
    """An argument that the run will not change any more."""
    return argument.clone() if isinstance(argument, torch.Tensor) else argument


class Stopwatch:
    """A reporter that notes when each stage of the run began."""

    def __init__(self) -> None:
        self.began: dict[str, float] = {}
        self.warnings: list[str] = []

    def progress(self, stage: str, stage_fraction: float) -> None:
        self.began.setdefault(stage, time.perf_counter())

    def warning(self, message: str) -> None:
        self.warnings.append(message)

    def check_cancelled(self) -> None: ...

    def seconds(self, ended: float) -> dict[str, float]:
        """Of each stage, until the next one began."""
        moments = [*self.began.values(), ended]
        return {stage: end - start for stage, start, end in zip(self.began, moments, moments[1:], strict=False)}


@contextmanager
def _watched(calls: Calls, given: GivenPeople) -> Iterator[None]:
    """Within it, networks that are loaded are watched, and they give what is given once they have looked."""
    real = opening._opened

    def opened(folder: Path, record: Any, part: str, *rest: Any) -> Any:
        def load(*arguments: Any, **more: Any) -> Loaded:
            loaded = real_load(*arguments, **more)
            calls.watch(loaded)
            return loaded

        real_load = opening.load_network
        with mock.patch.object(opening, "load_network", load):
            made = real(folder, record, part, *rest)
        if part == "detector":
            look = made.find

            def find(pictures: torch.Tensor) -> Any:
                look(pictures)
                return given.people(len(pictures))

            made.find = find
        if part == "pose":
            estimate = made.keypoints

            def keypoints(pictures: torch.Tensor, picture: np.ndarray, boxes_px: np.ndarray) -> Any:
                estimate(pictures, picture, boxes_px)
                return given.keypoints(len(pictures), picture, boxes_px)

            made.keypoints = keypoints
        if part == "depth":
            measure = made.depth
            made.depth = lambda pictures: given.depth(measure(pictures))
        if part == "masks":
            carry_on = made.masks

            def masks(pictures: torch.Tensor, boxes_px: Sequence[np.ndarray], ids: Sequence[np.ndarray]) -> Any:
                carry_on(pictures, boxes_px, ids)
                return [given.masks(boxes) for boxes in boxes_px]

            made.masks = masks
        return made

    with mock.patch.object(opening, "_opened", opened):
        yield


def whole_run(job: JobRequest, given: GivenPeople) -> tuple[dict[str, Any], Calls]:
    """Run the preset; seconds of its stages and its profile, and the calls of its networks.

    Loading the networks is not a part of the seconds: it takes the same for a clip of any length.
    """
    calls, watch = Calls(), Stopwatch()
    loading = loading_cpu = 0.0
    real = opening.open_networks

    def timed(*arguments: Any) -> Any:
        nonlocal loading, loading_cpu
        started, cpu = time.perf_counter(), time.process_time()
        made = real(*arguments)
        loading, loading_cpu = time.perf_counter() - started, time.process_time() - cpu
        return made

    with _watched(calls, given), mock.patch.object(opening, "open_networks", timed):
        started, cpu = time.perf_counter(), time.process_time()
        result = run(job, watch)
        ended, cpu = time.perf_counter(), time.process_time() - cpu
    calls.stop()
    take = Take.load(job.take)
    stages = watch.seconds(ended)
    stages["detect"] -= loading
    figures = {
        "frames": result.frames, "people_found": result.people, "loading_s": loading,
        "seconds": ended - started - loading,
        "cpu_seconds": cpu - loading_cpu, "stages_s": stages, "warnings": watch.warnings,
        "profile": take.source.get("profile"),
    }  # fmt: skip
    return figures, calls


def alone(calls: Calls, device: Device, repeats: int) -> dict[str, dict[str, float]]:
    """Seconds that each network takes alone for the calls of a run, and its operations.

    Args:
        calls: of the run.
        device: they were on.
        repeats: of each call, after one that is not counted.
    """
    result: dict[str, dict[str, float]] = {}
    for (name, shapes), count in calls.count.items():
        call = calls.example[name, shapes]
        seconds, cpu = _timed(lambda call=call: _forward(call.network, call), device, repeats)
        with FlopCounterMode(display=False) as counter:
            _forward(call.network, call)
        one = result.setdefault(name, {"seconds": 0.0, "cpu_seconds": 0.0, "calls": 0, "tflop": 0.0})
        one["seconds"] += count * seconds
        one["cpu_seconds"] += count * cpu
        one["calls"] += count
        one["tflop"] += count * counter.get_total_flops() / 1e12
    return result


def compiled(calls: Calls, device: Device, repeats: int) -> dict[str, dict[str, float]]:
    """The same compiled: the first call's seconds with compiling, and later ones' beside the plain network's, for
    each network's most frequent call."""
    result = {}
    for name in dict.fromkeys(name for name, _ in calls.count):
        key = next(key for key, _ in calls.count.most_common() if key[0] == name)
        call = calls.example[key]
        plain, _ = _timed(lambda call=call: _forward(call.network, call), device, repeats)
        network = prepared(call.network, replace(device, compiled=True))
        started = time.perf_counter()
        _forward(network, call)
        _wait(device)
        first = time.perf_counter() - started
        later, _ = _timed(lambda network=network, call=call: _forward(network, call), device, repeats)
        gain = plain - later
        result[name] = {
            "plain_s": plain, "compiled_s": later, "first_s": first,
            "pays_after_calls": (first - later) / gain if gain > 0 else float("inf"),
        }  # fmt: skip
    return result


@torch.inference_mode()
def _forward(network: torch.nn.Module, call: Call) -> None:
    network(*call.positional, **call.arguments)


def _timed(work: Callable[[], None], device: Device, repeats: int) -> tuple[float, float]:
    """Mean seconds, and seconds of processors, of some work on a device, after it was done once."""
    work()
    _wait(device)
    started, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        work()
    _wait(device)
    return (time.perf_counter() - started) / repeats, (time.process_time() - cpu) / repeats


def _wait(device: Device) -> None:
    if device.torch.type == "cuda":
        torch.cuda.synchronize(device.torch)
    elif device.torch.type == "mps":
        torch.mps.synchronize()
