#!/usr/bin/env python3
"""Train the trajectory network on the motion capture; fit the constants of the damped constant velocity on it.

    .venv/bin/python scripts/train_trajectory.py --mocap ../shared/data/mocap [--steps N] [--out FOLDER]
    .venv/bin/python scripts/train_trajectory.py --mocap ../shared/data/mocap --fit-constant-velocity

About a quarter of an hour on one core. Seeded; a run that was stopped goes on from its last checkpoint in --out. The
curve is written to `curve.csv` there, the weights to models/weights when the run is through.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import math
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from training.motions import load_figures, split_of
from training.windows import Batch, Sampler

from animepose_blender.estimate.predict.encoding import pose_basis, root_basis, sigma_basis
from animepose_blender.skeleton import JOINT_COUNT, PARENTS, REST_LENGTHS_M
from models.trajectory_gru import Config, TrajectoryGRU

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "models" / "weights" / "trajectory_gru.safetensors"
SEED = 20240611
BATCH = 128
PEAK_RATE = 2e-3
WARM_UP = 100
CHECK_EVERY = 250
VALIDATION_BATCHES = 12
JOINT_WEIGHT, MOTION_WEIGHT, SIGMA_WEIGHT = 1.0, 0.1, 0.05


def chain() -> torch.Tensor:
    """(J, 27) metres: which bones' directions lead to each joint from the root, times their lengths."""
    lead = np.zeros((JOINT_COUNT, JOINT_COUNT))
    for joint in range(1, JOINT_COUNT):
        lead[joint] = lead[PARENTS[joint]]
        lead[joint, joint] = REST_LENGTHS_M[joint]
    return torch.tensor(lead[:, 1:], dtype=torch.float32)


def tensors(*arrays: np.ndarray) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)) for a in arrays)


def losses(network: TrajectoryGRU, batch: Batch, bones_m: torch.Tensor) -> dict[str, torch.Tensor]:
    """Mean distances in metres (root, joints relative to it, their motion) and the likelihood of the uncertainty."""
    own, others, ray, last, way, truth, valid = tensors(
        batch.encoded.own, batch.encoded.others, batch.ray, batch.last, batch.root, batch.directions, batch.valid
    )
    bases = tensors(root_basis(batch.since_s), pose_basis(batch.since_s), sigma_basis(batch.since_s))
    root, pose, sigma = network(own, others)
    found = bases[0] @ root
    turned = last[:, None] + (bases[1] @ pose).view(*truth.shape)
    turned = nn_unit(turned)
    miss = found - way
    apart = bones_m @ (turned - truth)
    motion = apart[:, 1:] - apart[:, :-1]
    both = valid[:, 1:] * valid[:, :-1]
    spread = bases[2] @ sigma
    along = (miss.detach() * ray[:, None]).sum(-1)
    across = (miss.detach() ** 2).sum(-1) - along**2
    likelihood = (
        2 * spread[..., 0].log() + spread[..., 1].log()
        + 0.5 * (across / spread[..., 0] ** 2 + along**2 / spread[..., 1] ** 2)
    )  # fmt: skip
    # Early moments count as much as late ones, whose errors are larger by nature.
    early = 1.0 / (0.3 + torch.tensor(batch.since_s, dtype=torch.float32))
    return {
        "root": mean(length(miss), valid * early),
        "joints": mean(length(apart).mean(-1), valid * early),
        "motion": mean(length(motion).mean(-1), both) * len(batch.since_s) / 2.0,
        "sigma": mean(likelihood, valid),
    }


def nn_unit(vectors: torch.Tensor) -> torch.Tensor:
    return vectors / length(vectors)[..., None]


def length(vectors: torch.Tensor) -> torch.Tensor:
    return (vectors.square().sum(-1) + 1e-8).sqrt()


def mean(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (values * weight).sum() / weight.sum()


def total(parts: dict[str, torch.Tensor]) -> torch.Tensor:
    weights = {"root": 1.0, "joints": JOINT_WEIGHT, "motion": MOTION_WEIGHT, "sigma": SIGMA_WEIGHT}
    return torch.stack([weights[name] * value for name, value in parts.items()]).sum()


def principal_components(sampler: Sampler, rng: np.random.Generator, count: int) -> torch.Tensor:
    """(count, 81) main changes of the bones' directions, each as long as it commonly is."""
    changes = []
    for _ in range(12):
        batch = sampler.draw(rng, BATCH)
        changes.append((batch.directions - batch.last[:, None])[batch.valid].reshape(-1, 81))
    change = np.concatenate(changes)
    values, vectors = np.linalg.eigh(change.T @ change / len(change))
    order = np.argsort(values)[::-1][:count]
    return torch.tensor((vectors[:, order] * np.sqrt(values[order])).T, dtype=torch.float32)


@torch.no_grad()
def check(network: TrajectoryGRU, batches: list[Batch], bones_m: torch.Tensor) -> dict[str, float]:
    parts = [losses(network, batch, bones_m) for batch in batches]
    return {name: float(np.mean([float(part[name]) for part in parts])) for name in parts[0]}


def rate(step: int, steps: int) -> float:
    """Warm up, then a half cosine."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - WARM_UP) / max(steps - WARM_UP, 1)))


def train(mocap: Path, out: Path, steps: int, weights: Path) -> None:
    """Train to the end and write the weights."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    figures = load_figures(mocap)
    sampler = Sampler([f for f in figures if split_of(f.name) == "train"])
    held_out = Sampler([f for f in figures if split_of(f.name) == "validation"])
    rng = np.random.default_rng(SEED + 1)
    batches = [held_out.draw(rng, BATCH) for _ in range(VALIDATION_BATCHES)]
    bones_m = chain()
    network = TrajectoryGRU(Config())
    network.pose_basis.copy_(principal_components(sampler, np.random.default_rng(SEED), Config().pose_components))
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, curve = out / "checkpoint.pt", out / "curve.csv"
    start = 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, weights_only=True)
        start = saved["step"]
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        print(f"goes on from step {start}")
    else:
        curve.unlink(missing_ok=True)
    print(f"{sum(p.numel() for p in network.parameters())} parameters")
    begin, sums = time.monotonic(), []
    for step in range(start, steps):
        # Each step has its own random numbers, so that a run that was stopped goes on as if it had not been.
        parts = losses(network, sampler.draw(np.random.default_rng((SEED, step)), BATCH), bones_m)
        optimizer.zero_grad()
        total(parts).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        sums.append([float(value.detach()) for value in parts.values()])
        if (step + 1) % CHECK_EVERY == 0 or step + 1 == steps:
            found = check(network, batches, bones_m)
            row = [step + 1, *np.mean(sums, axis=0).round(4), *(round(v, 4) for v in found.values())]
            sums = []
            fresh = not curve.is_file()
            with curve.open("a", newline="") as file:
                writer = csv.writer(file)
                if fresh:
                    writer.writerow(["step", *(f"train_{n}" for n in found), *(f"validation_{n}" for n in found)])
                writer.writerow(row)
            print(f"{time.monotonic() - begin:.0f} s", *row, flush=True)
            partial = checkpoint.with_suffix(".part")
            torch.save(
                {
                    "step": step + 1,
                    "network": network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict(),
                },
                partial,
            )
            partial.replace(checkpoint)
    network.sigma_scale.copy_(sigma_scale(network, batches))
    print(f"uncertainty across and along times {network.sigma_scale.tolist()}")
    save(network, weights)


@torch.no_grad()
def sigma_scale(network: TrajectoryGRU, batches: list[Batch]) -> torch.Tensor:
    """(2,) by how much the uncertainty has to grow for people that training never saw, in most likelihood."""
    squares = []
    for batch in batches:
        own, others, ray, way, valid = tensors(
            batch.encoded.own, batch.encoded.others, batch.ray, batch.root, batch.valid
        )
        bases = tensors(root_basis(batch.since_s), sigma_basis(batch.since_s))
        root, _, sigma = network(own, others)
        miss, spread = bases[0] @ root - way, bases[1] @ sigma
        along = (miss * ray[:, None]).sum(-1)
        across = ((miss**2).sum(-1) - along**2) / 2
        squares.append(torch.stack([across / spread[..., 0] ** 2, along**2 / spread[..., 1] ** 2], -1)[valid > 0])
    return torch.cat(squares).mean(0).sqrt()


def save(network: TrajectoryGRU, path: Path) -> None:
    """Write the weights, and say their sha256 for the card."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, partial)
    partial.replace(path)
    print(f"{path}: {path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mocap", type=Path, required=True, help="the folder with the recordings cmu_*.npz")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "trajectory", help="checkpoint and curve")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="where the weights go")
    parser.add_argument("--fit-constant-velocity", action="store_true", help="print fitted constants instead")
    arguments = parser.parse_args()
    if arguments.fit_constant_velocity:
        from training.fit import fit_constant_velocity

        print(fit_constant_velocity(arguments.mocap))
        return
    train(arguments.mocap, arguments.out, arguments.steps, arguments.weights)


if __name__ == "__main__":
    main()
