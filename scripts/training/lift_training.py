"""What a lifter is trained for, and how: losses, first guess, checks, the steps themselves. Seeded and resumable."""

from __future__ import annotations

import copy
import csv
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from animepose_blender.skeleton import JOINT_COUNT, PARENTS, J

from .lift_windows import Batch, Sampler
from .muon import Muon

SEED = 20261121
VELOCITY_WEIGHT, BONE_WEIGHT, SIGMA_WEIGHT, CONTACT_WEIGHT = 1.0, 0.3, 0.01, 0.02
"""Beside the joints' distance in metres: of the difference a frame, of bones' lengths, of the likelihoods."""
DECAY_FROM = 0.6
"""Share of the steps after which the rate falls, in a straight line; until then a run may still be made longer."""
WARM_UP = 30
MEAN_OVER = 300
"""Steps over which the weights are averaged; the average is what is checked and kept."""
AHEAD = 4
"""Batches that are drawn ahead."""
LIMBS = [
    J[f"{side}_{name}"] for side in ("left", "right") for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]
_CHILDREN = list(range(1, JOINT_COUNT))
_PARENTS = PARENTS[1:].tolist()


@dataclass(frozen=True)
class Plan:
    """How long and how fast."""

    steps: int
    spans: int = 42
    frames: int = 96
    peak_rate: float = 2e-3
    """Of AdamW, for everything but the weights of hidden layers."""
    hidden_rate: float = 0.02
    """Of `muon.Muon`, for these."""
    check_every: int = 250
    seed: int = SEED
    workers: int = 1
    """Processes that draw batches beside the training; 0 = none, the results are the same."""
    low_precision: bool = True
    """bfloat16 where torch's autocast thinks it safe: 2.5 to 8 times as fast on processors that have it."""


def tensors(batch: Batch) -> Batch:
    """The same batch as tensors."""
    values = (getattr(batch, f.name) for f in fields(batch))
    return Batch(*(torch.from_numpy(np.ascontiguousarray(v, dtype=np.float32)) for v in values))  # type: ignore[arg-type]


def distance(vectors: torch.Tensor) -> torch.Tensor:
    return (vectors.square().sum(-1) + 1e-8).sqrt()


def losses(network: torch.nn.Module, batch: Batch, low_precision: bool = False) -> dict[str, torch.Tensor]:
    """All terms; joints, velocity and bones in metres. The batch holds tensors."""
    inputs, truth, contact, valid, told = (getattr(batch, f.name) for f in fields(batch))
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=low_precision):
        joints, log_sigma, logits = network(inputs)
    miss = joints - truth
    total = valid.sum().clamp_min(1.0)
    both = valid[:, 1:] * valid[:, :-1]
    bones = distance(joints[..., _CHILDREN, :] - joints[..., _PARENTS, :])
    true_bones = distance(truth[..., _CHILDREN, :] - truth[..., _PARENTS, :])
    # The spread learns from the misses, but the joints not from the spread: they would give up on what is hard.
    far = miss.detach().square().clamp_max(0.25)
    across, along = far[..., :2].mean(-1), far[..., 2]
    likelihood = 2 * log_sigma[..., 0] + log_sigma[..., 1]
    likelihood = likelihood + across * (-2 * log_sigma[..., 0]).exp() + 0.5 * along * (-2 * log_sigma[..., 1]).exp()
    stands = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), contact, reduction="none").mean(-1)
    return {
        "joints": (distance(miss).mean(-1) * valid).sum() / total,
        "velocity": (distance(miss[:, 1:] - miss[:, :-1]).mean(-1) * both).sum() / total,
        "bones": ((bones - true_bones).abs().mean(-1) * valid).sum() / total,
        "sigma": (likelihood[..., 1:].mean(-1) * valid).sum() / total,
        "contact": (stands * told).sum() / told.sum().clamp_min(1.0),
    }


def total_of(parts: dict[str, torch.Tensor]) -> torch.Tensor:
    weights = {
        "joints": 1.0, "velocity": VELOCITY_WEIGHT, "bones": BONE_WEIGHT, "sigma": SIGMA_WEIGHT,
        "contact": CONTACT_WEIGHT,
    }  # fmt: skip
    return torch.stack([weights[name] * value for name, value in parts.items()]).sum()


def guess_first(network: torch.nn.Module, sampler: Sampler, plan: Plan) -> None:
    """Set the linear skip to what least squares find; the rest of the network then learns what that lacks."""
    rng = np.random.default_rng((plan.seed, 1))
    batches = [sampler.draw(rng, plan.spans, plan.frames) for _ in range(8)]
    x, y = ([getattr(b, n)[b.valid] for b in batches] for n in ("inputs", "joints_m"))
    inputs, joints = np.concatenate(x).astype(float), np.concatenate(y).astype(float).reshape(-1, JOINT_COUNT * 3)
    normal = inputs.T @ inputs + 10.0 * np.eye(inputs.shape[1])
    skip = np.linalg.solve(normal, inputs.T @ joints).T
    with torch.no_grad():
        network.heads.skip.weight.copy_(torch.from_numpy(skip))  # type: ignore[union-attr, operator]


@torch.no_grad()
def check(network: torch.nn.Module, batches: list[Batch]) -> dict[str, float]:
    """Mean errors over batches of tensors: all joints and the limbs', mm, mm a frame, and the contacts' entropy."""
    network.eval()
    rows = []
    for batch in batches:
        parts = losses(network, batch)
        joints, _, _ = network(batch.inputs)
        limbs = distance((joints - batch.joints_m)[..., LIMBS, :]).mean(-1)  # type: ignore[arg-type]
        valid = batch.valid
        rows.append(
            [
                1000 * float(parts["joints"]), 1000 * float((limbs * valid).sum() / valid.sum()),
                1000 * float(parts["velocity"]), float(parts["sigma"]), float(parts["contact"]),
            ]
        )  # fmt: skip
    return dict(zip(("joints_mm", "limbs_mm", "velocity_mm", "sigma", "contact"), np.mean(rows, axis=0), strict=True))


def rate(step: int, steps: int) -> float:
    """Share of the peak rate: up in a moment, then level, then down."""
    left = (steps - step) / max(steps * (1 - DECAY_FROM), 1)
    return max(0.01, min(1.0, (step + 1) / WARM_UP, left))


def average_into(mean: torch.nn.Module, network: torch.nn.Module, step: int) -> None:
    """Move the averaged weights a little towards the network's."""
    keep = min(1 - 1 / MEAN_OVER, (1 + step) / (10 + step))
    with torch.no_grad():
        for ours, theirs in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
            if ours.dtype.is_floating_point:
                ours.lerp_(theirs, 1 - keep)
            else:
                ours.copy_(theirs)


def optimizers_of(network: torch.nn.Module, plan: Plan) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """One for the weights of hidden layers, one for the rest."""
    hidden = [p for n, p in network.named_parameters() if p.ndim >= 2 and not n.startswith("heads.")]
    known = {id(p) for p in hidden}
    rest = [p for p in network.parameters() if id(p) not in known]
    return Muon(hidden, plan.hidden_rate), torch.optim.AdamW(rest, lr=plan.peak_rate, weight_decay=0.01)


def train(network: torch.nn.Module, sampler: Sampler, held_out: list[Batch], plan: Plan, out: Path) -> torch.nn.Module:
    """Train to the end of the plan, from the last checkpoint in `out` if there is one.

    Args:
        network: as new; changed.
        sampler: of the training recordings.
        held_out: batches that are looked at only.
        plan: steps and sizes.
        out: folder of `checkpoint.pt` and `curve.csv`.
    Returns:
        The network of averaged weights, in evaluation mode.
    """
    torch.manual_seed(plan.seed)
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, curve = out / "checkpoint.pt", out / "curve.csv"
    optimizers = optimizers_of(network, plan)
    start, spent_s = 0, 0.0
    if checkpoint.is_file():
        mean = copy.deepcopy(network)
        saved = torch.load(checkpoint, weights_only=True)
        start, spent_s = saved["step"], saved["spent_s"]
        network.load_state_dict(saved["network"])
        mean.load_state_dict(saved["mean"])
        for optimizer, state in zip(optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        print(f"goes on from step {start}")
    else:
        curve.unlink(missing_ok=True)
        guess_first(network, sampler, plan)
        mean = copy.deepcopy(network)
    looked = [tensors(batch) for batch in held_out]
    begin, sums = time.monotonic() - spent_s, []
    for step, drawn in zip(range(start, plan.steps), batches_of(sampler, plan, start), strict=True):
        network.train()
        # Each step has its own random numbers, so that a run that was stopped goes on as if it had not been.
        torch.manual_seed(plan.seed + step)
        parts = losses(network, tensors(drawn), plan.low_precision)
        network.zero_grad()
        total_of(parts).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for optimizer, peak in zip(optimizers, (plan.hidden_rate, plan.peak_rate), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * rate(step, plan.steps)
            optimizer.step()
        average_into(mean, network, step)
        sums.append([float(value.detach()) for value in parts.values()])
        if (step + 1) % plan.check_every == 0 or step + 1 == plan.steps:
            found = check(mean, looked) if looked else {}
            spent_s = time.monotonic() - begin
            row = {"step": step + 1, "seconds": round(spent_s), **dict(zip(parts, np.mean(sums, axis=0), strict=True))}
            _log(curve, row | {f"held_out_{name}": value for name, value in found.items()})
            sums = []
            state = {
                "step": step + 1, "spent_s": spent_s, "network": network.state_dict(), "mean": mean.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in optimizers],
            }  # fmt: skip
            partial = checkpoint.with_suffix(".part")
            torch.save(state, partial)
            partial.replace(checkpoint)
    return mean.eval()


_SAMPLER: Sampler | None = None


def _keep(sampler: Sampler) -> None:
    global _SAMPLER
    _SAMPLER = sampler


def _draw(plan: Plan, step: int) -> Batch:
    assert _SAMPLER is not None
    return _SAMPLER.draw(np.random.default_rng((plan.seed, 2, step)), plan.spans, plan.frames)


def batches_of(sampler: Sampler, plan: Plan, start: int) -> Iterator[Batch]:
    """The batch of each step from `start` on."""
    _keep(sampler)
    if plan.workers == 0:
        for step in range(start, plan.steps):
            yield _draw(plan, step)
        return
    with ProcessPoolExecutor(plan.workers, get_context("fork")) as pool:
        waiting: list[Future[Batch]] = []
        for step in range(start, plan.steps + AHEAD):
            if step < plan.steps:
                waiting.append(pool.submit(_draw, plan, step))
            if step >= start + AHEAD:
                yield waiting.pop(0).result()


@torch.no_grad()
def fit_sigma(network: torch.nn.Module, batches: list[Batch]) -> tuple[float, float]:
    """Scale the uncertainty in place so that it fits people that training never saw; returns the factors."""
    across, along = [], []
    for batch in (tensors(b) for b in batches):
        joints, log_sigma, _ = network(batch.inputs)
        far = (joints - batch.joints_m)[batch.valid > 0][:, 1:].square()  # type: ignore[operator, index]
        spread = (2 * log_sigma[batch.valid > 0][:, 1:]).exp()  # type: ignore[operator]
        across.append((far[..., :2].mean(-1) / spread[..., 0]).clamp_max(25.0).mean())
        along.append((far[..., 2] / spread[..., 1]).clamp_max(25.0).mean())
    factors = torch.stack([torch.stack(across).mean(), torch.stack(along).mean()]).sqrt()
    network.heads.out.bias[JOINT_COUNT * 3 : JOINT_COUNT * 5].view(-1, 2).add_(factors.log())  # type: ignore
    return float(factors[0]), float(factors[1])


def _log(curve: Path, row: dict[str, float]) -> None:
    fresh = not curve.is_file()
    rounded = {name: round(float(value), 5) for name, value in row.items()}
    with curve.open("a", newline="") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(rounded)
        writer.writerow(rounded.values())
    print(" ".join(f"{name} {value:g}" for name, value in rounded.items()), flush=True)
