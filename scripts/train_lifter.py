#!/usr/bin/env python3
"""Train a lifting network: keypoints, confidences and joint depths over time to joints in space.

    .venv/bin/python scripts/train_lifter.py --data ../shared/data [--network temporal --blocks 4 --channels 256]

The recordings are laid over bodies of many builds first (two minutes, kept in --cache). Training then takes about an
hour on two cores for the default. Seeded; a run that was stopped goes on from its last checkpoint in --out, and may be
given more steps as long as its rate has not begun to fall. The curve is `curve.csv` there; the weights go to --weights
when the run is through, or as they are with --export.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

# Many small products: more threads than one only wait for each other. To be set before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch
from safetensors.torch import save_file
from training.bodies import load
from training.estimator_errors import Bank, ErrorModel
from training.lift_training import Plan, check, fit_sigma, tensors, train
from training.lift_windows import Batch, Sampler, Settings

from models import attention_lifter, residual_lifter, temporal_lifter

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "models" / "weights" / "lifter.safetensors"
BANK = ROOT / "scripts" / "training" / "estimator_errors.npz"
BODIES = {"train": 4, "validation": 2, "test": 2}
"""On how many bodies each recording plays."""
HELD_OUT_BATCHES = 6
NETWORKS = {
    "residual": (residual_lifter.ResidualLifter, residual_lifter.Config),
    "temporal": (temporal_lifter.TemporalLifter, temporal_lifter.Config),
    "attention": (attention_lifter.AttentionLifter, attention_lifter.Config),
}


def make(kind: str, options: dict) -> torch.nn.Module:
    """A network of one of `NETWORKS` with the options of its `Config`."""
    network, config = NETWORKS[kind]
    return network(config(**options))


def held_out(sampler: Sampler, plan: Plan) -> list[Batch]:
    """The same batches of the validation recordings every time."""
    rng = np.random.default_rng((plan.seed, 3))
    return [sampler.draw(rng, plan.spans, plan.frames) for _ in range(HELD_OUT_BATCHES)]


def save(network: torch.nn.Module, kind: str, path: Path) -> None:
    """Write weights as float16 with what is needed to build the network, and say their sha256 for the card."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {n: t.contiguous().half() if t.dtype.is_floating_point else t for n, t in network.state_dict().items()}
    state = {n: t for n, t in state.items() if not n.endswith("num_batches_tracked")}
    partial = path.with_suffix(".part")
    save_file(state, partial, {"network": kind, "config": json.dumps(asdict(network.config))})  # type: ignore
    partial.replace(path)
    print(f"{path}: {path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder with `mocap` and `humans`")
    parser.add_argument("--cache", type=Path, default=ROOT / "out" / "lifter", help="recordings on bodies")
    parser.add_argument("--bank", type=Path, default=BANK, help="the estimator's measured errors")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "lifter" / "default", help="checkpoint and curve")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="where the weights go")
    parser.add_argument("--network", choices=NETWORKS, default="temporal")
    parser.add_argument("--kernel", type=int, default=3, help="W of the temporal network")
    parser.add_argument("--blocks", type=int, default=3, help="B of the temporal network")
    parser.add_argument("--channels", type=int, default=256, help="C of the temporal network")
    parser.add_argument("--dropout", type=float, default=0.0, help="p of the temporal network")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--frames", type=int, default=96, help="frames of a span")
    parser.add_argument("--spans", type=int, default=42, help="spans of a batch")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export", action="store_true", help="write the weights of the last checkpoint, train nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    options = {n: getattr(arguments, n) for n in ("kernel", "blocks", "channels", "dropout")}
    torch.manual_seed(Plan.seed)
    network = make(arguments.network, options if arguments.network == "temporal" else {})
    print(f"{sum(p.numel() for p in network.parameters())} parameters")
    plan = Plan(arguments.steps, arguments.spans, arguments.frames)
    errors = ErrorModel(Bank.load(arguments.bank))
    looked = load(arguments.data, "validation", BODIES["validation"], arguments.cache)
    batches = held_out(Sampler(looked, errors, Settings()), plan)
    if arguments.export:
        saved = torch.load(arguments.out / "checkpoint.pt", weights_only=True)
        network.load_state_dict(saved["mean"])
        network.eval()
    else:
        bodies = load(arguments.data, "train", BODIES["train"], arguments.cache)
        sampler = Sampler(bodies, errors, Settings(real=0.25, no_depth=0.08))
        network = train(network, sampler, batches, plan, arguments.out)
    print(f"uncertainty across and along times {fit_sigma(network, batches)}")
    print({name: round(value, 3) for name, value in check(network, [tensors(b) for b in batches]).items()})
    save(network, arguments.network, arguments.weights)


if __name__ == "__main__":
    main()
