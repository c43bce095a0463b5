"""The training itself: AdamW, a rate that rises and falls, averaged weights, checkpoints to go on from, a log.

Seeded: the batch of a step depends on seed and step alone, so a run in pieces sees what one in one piece sees.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel

from animepose_blender.errors import AnimePoseError

CHECKPOINT, LOG = "checkpoint.pt", "log.jsonl"
Batch = Any
"""What a task makes of its data: tensors on the device."""


class Task(Protocol):
    """A network, what it is taught, and how it is checked."""

    name: str
    network: torch.nn.Module

    def batch(self, rng: np.random.Generator, size: int, progress: float) -> Batch:
        """One batch; progress goes from 0 to 1."""
        ...

    def loss(self, batch: Batch, progress: float) -> Mapping[str, torch.Tensor]:
        """Weighted terms, to be summed; called under autocast."""
        ...

    def measure(self, network: torch.nn.Module) -> Mapping[str, float]:
        """Figures on held-out data; the network is in eval mode, without gradients."""
        ...

    def config(self) -> Mapping[str, Any]:
        """What makes the network again: for the metadata of its weights."""
        ...


@dataclass(frozen=True)
class Plan:
    """How long and how fast."""

    steps: int
    batch: int = 16
    rate: float = 1e-3
    """The largest, of what starts anew."""
    backbone_share: float = 0.5
    """Of the rate, for a backbone that has learnt before."""
    decay: float = 0.02
    warm_up: int = 100
    average: float = 0.998
    seed: int = 20261122
    check_every: int = 250
    save_every_s: float = 120.0


def rate_share(step: int, plan: Plan) -> float:
    """Share of the largest rate: up in a moment, then down along half a cosine."""
    progress = step / max(plan.steps, 1)
    return min(1.0, (step + 1) / plan.warm_up) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


def optimizer_of(network: torch.nn.Module, plan: Plan) -> torch.optim.Optimizer:
    """AdamW; no decay of what has one dimension, a smaller rate for the backbone."""
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            body = name.startswith(("backbone.", "encoder."))
            groups.setdefault((body, parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "share": plan.backbone_share if body else 1.0,
                "weight_decay": plan.decay if matrix else 0.0,
            }
            for (body, matrix), parameters in groups.items()
        ],
        lr=plan.rate,
    )


def train(task: Task, plan: Plan, folder: Path, minutes: float = math.inf, device: str = "cpu") -> torch.nn.Module:
    """Train until the plan is through or the time is up; goes on from the folder's checkpoint if there is one.

    Returns:
        The averaged network, in eval mode.
    Raises:
        AnimePoseError: if the checkpoint is of another plan or network.
    """
    began = saved = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    network = task.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if device == "cpu":
        _channels_in_full_precision(network)
    mean = AveragedModel(network, multi_avg_fn=_average(plan.average), use_buffers=True)
    optimizer = optimizer_of(network, plan)
    first = _restore(folder / CHECKPOINT, plan, network, mean, optimizer)
    sums: dict[str, float] = {}
    for step in range(first, plan.steps):
        progress = step / plan.steps
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * group["share"] * rate_share(step, plan)
        batch = task.batch(np.random.default_rng((plan.seed, step)), plan.batch, progress)
        torch.manual_seed(plan.seed + step)  # dropout
        network.train()
        with torch.autocast(device, torch.bfloat16):
            terms = task.loss(batch, progress)
        total = torch.stack([term.float() for term in terms.values()]).sum()
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        if torch.isfinite(total):
            optimizer.step()
            mean.update_parameters(network)
        for name, term in terms.items():
            sums[name] = sums.get(name, 0.0) + float(term.detach())
        done, now = step + 1, time.monotonic()
        last = done == plan.steps or now - began > 60 * minutes
        if done % plan.check_every == 0 or last:
            since = done - max(first, done - 1 - (done - 1) % plan.check_every)
            figures = measured(task, mean.module)
            _log(folder, {"step": done, "samples": done * plan.batch, "minutes": round((now - began) / 60, 2)}
                 | {f"loss_{name}": round(value / since, 5) for name, value in sums.items()} | figures)  # fmt: skip
            sums = {}
        if now - saved > plan.save_every_s or last:
            _save(folder / CHECKPOINT, plan, done, network, mean, optimizer)
            saved = now
        if last:
            break
    return mean.module.eval()


def _average(keep: float) -> Callable[[Any, Any, Any], None]:
    @torch.no_grad()
    def update(mean: list[torch.Tensor], now: list[torch.Tensor], count: torch.Tensor | int) -> None:
        # Over fewer steps at first, or the mean would long remember how the network began.
        share = 1 - min(keep, (1 + float(count)) / (10 + float(count)))
        for average, value in zip(mean, now, strict=True):
            if average.is_floating_point():
                average.lerp_(value.to(average.dtype), share)
            else:
                average.copy_(value)

    return update


def _channels_in_full_precision(network: torch.nn.Module) -> None:
    # A CPU's convolutions of each channel for itself take three times as long in bfloat16.
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d) and module.groups == module.in_channels > 1:
            module.register_forward_pre_hook(_leave_autocast)
            module.register_forward_hook(_enter_autocast)


def _leave_autocast(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    torch.set_autocast_enabled("cpu", False)
    return tuple(x.float() for x in inputs)


def _enter_autocast(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
    torch.set_autocast_enabled("cpu", module.training)
    return output.bfloat16() if module.training else output


@torch.no_grad()
def measured(task: Task, network: torch.nn.Module) -> dict[str, float]:
    """What the task measures, rounded."""
    network.eval()
    return {name: round(float(value), 5) for name, value in task.measure(network).items()}


def _log(folder: Path, row: Mapping[str, float]) -> None:
    with (folder / LOG).open("a") as file:
        file.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)


def _save(
    path: Path, plan: Plan, step: int, network: torch.nn.Module, mean: AveragedModel, optimizer: torch.optim.Optimizer
) -> None:
    part = path.with_name(path.name + ".part")
    state = {"network": network.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({"step": step, "steps": plan.steps, "seed": plan.seed, **state}, part)
    part.replace(path)


def _restore(
    path: Path, plan: Plan, network: torch.nn.Module, mean: AveragedModel, optimizer: torch.optim.Optimizer
) -> int:
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True, map_location=next(network.parameters()).device)
    if (state["steps"], state["seed"]) != (plan.steps, plan.seed):
        raise AnimePoseError(
            f"{path} is of a plan of {state['steps']} steps and seed {state['seed']}; "
            f"asked for were {plan.steps} and {plan.seed}.",
            "Name another folder with --out, or the same plan.",
        )
    try:
        network.load_state_dict(state["network"])
    except RuntimeError as error:
        raise AnimePoseError(f"{path} is of another network.", "Name another folder with --out.") from error
    mean.load_state_dict(state["mean"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])
