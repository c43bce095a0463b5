#!/usr/bin/env python3
"""How near predicted and refilled paths come to the truth: standing still, constant velocity, and our two predictors.

    .venv/bin/python scripts/bench_trajectory.py --mocap ../shared/data/mocap [--clips scripts/benchmark] [--json FILE]

Histories are the truth with noise that is correlated in time (training/cases.py). `validation` and `test` are whole
recordings that training never saw; `dev` and `test clips` are the people of the rendered clips, from their truth.
Everybody is lost once a second, in the short clips twice; the errors are means over these moments.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from training.cases import RATE_HZ, Case, of_clips, of_figures
from training.motions import load_figures, split_of

from animepose_blender.estimate.predict import (
    ConstantVelocity,
    History,
    Prediction,
    Recurrent,
    TrajectoryPredictor,
    refill,
)
from animepose_blender.estimate.predict.body import assemble
from animepose_blender.estimate.predict.past import gather

HORIZONS_S = (0.25, 0.5, 1.0, 1.5, 2.0)
GAPS_S = (0.5, 1.0, 2.0)
SEED = 11
ROOT = Path(__file__).resolve().parent.parent


class Simple:
    """A baseline: everybody keeps their pose and stays, or keeps the mean velocity of the last third of a second."""

    def __init__(self, trust: float) -> None:
        self.trust = trust

    def predict(self, history: History, time_s: np.ndarray) -> Prediction:
        past = gather(history)
        since_s = past.since(time_s)[:, None]
        count = min(10, int(past.known.sum()) - 1)
        velocity = (past.root_m[-1] - past.root_m[-1 - count]) / max(count, 1) * RATE_HZ
        root_m = past.root_m[-1] + self.trust * velocity * since_s
        pose = np.broadcast_to(past.directions[-1], (len(root_m), *past.directions[-1].shape))
        return Prediction(assemble(root_m, pose, past.lengths_m), np.hypot(0.05, 0.5 * since_s) * np.ones(2))


def between_velocities(_: TrajectoryPredictor, before: History, after: History, time_s: np.ndarray) -> Prediction:
    """Fills a gap with a straight line between its ends: the plain way."""
    ends = [gather(before), gather(after.reversed())]
    share = ((time_s - ends[0].end_s) / (-ends[1].end_s - ends[0].end_s))[:, None]
    first, last = (assemble(end.root_m[-1], end.directions[-1], end.lengths_m) for end in ends)
    joints_m = first + share[..., None] * (last - first)
    return Prediction(joints_m, np.full((len(time_s), 2), 0.1))


def forward(predictor: TrajectoryPredictor, cases: list[Case]) -> dict[str, list[float]]:
    """Errors at the horizons, and how often they lie within one and two standard deviations."""
    root, joints, scores = [], [], []
    for case in cases:
        history = case.before()
        start = int(np.searchsorted(case.time_s, -1e-6))
        at = start + np.round(np.array(HORIZONS_S) * RATE_HZ).astype(int)
        inside = at < len(case.time_s)
        found = predictor.predict(history, np.array(HORIZONS_S))
        truth_m = case.joints_m[np.minimum(at, len(case.time_s) - 1)]
        miss_m = np.where(inside[:, None], found.joints_world_m[:, 0] - truth_m[:, 0], np.nan)
        root.append(np.linalg.norm(miss_m, axis=-1))
        pose = (found.joints_world_m - found.joints_world_m[:, :1]) - (truth_m - truth_m[:, :1])
        joints.append(np.where(inside, np.linalg.norm(pose, axis=-1).mean(axis=-1), np.nan))
        ray = gather(history).ray
        side = np.cross(ray, [0.0, 0.0, 1.0])
        side /= np.linalg.norm(side)
        scores.append(np.abs(np.stack([miss_m @ side, miss_m @ ray], axis=-1)) / found.root_sigma_m)
    score = np.array(scores)
    score = score[np.isfinite(score).all(axis=-1)]
    return {
        "root_mm": _mm(root),
        "joints_mm": _mm(joints),
        "within_1_sigma_across_along": np.mean(score < 1, axis=0).round(3).tolist(),
        "within_2_sigma_across_along": np.mean(score < 2, axis=0).round(3).tolist(),
    }


def inside_gaps(
    predictor: TrajectoryPredictor,
    cases: list[Case],
    fill: Callable[[TrajectoryPredictor, History, History, np.ndarray], Prediction],
) -> dict[str, list[float]]:
    """Mean errors inside of gaps."""
    root, joints = [], []
    for gap_s in GAPS_S:
        root_of, joints_of = [], []
        for case in cases:
            after = case.after(gap_s)
            if after is None:
                continue
            chosen = (case.time_s > 1e-6) & (case.time_s < gap_s - 1e-6)
            found_m, truth_m = fill(predictor, case.before(), after, case.time_s[chosen]).joints_world_m, case.joints_m
            miss_m = found_m - truth_m[chosen]
            root_of.append(np.linalg.norm(miss_m[:, 0], axis=-1).mean())
            joints_of.append(np.linalg.norm(miss_m - miss_m[:, :1], axis=-1).mean())
        root.append(1000 * float(np.mean(root_of)) if root_of else float("nan"))
        joints.append(1000 * float(np.mean(joints_of)) if joints_of else float("nan"))
    return {"gap_root_mm": [round(v) for v in root], "gap_joints_mm": [round(v) for v in joints]}


def _mm(values: list[np.ndarray]) -> list[float]:
    return [round(1000 * float(v)) for v in np.nanmean(np.array(values), axis=0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mocap", type=Path, required=True, help="the folder with the recordings cmu_*.npz")
    parser.add_argument("--clips", type=Path, default=ROOT / "scripts" / "benchmark", help="with dev/ and test/")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--weights", type=Path, help="other weights of the network")
    arguments = parser.parse_args()
    figures = load_figures(arguments.mocap)
    sets = {
        "dev": of_clips(arguments.clips / "dev", np.random.default_rng(SEED)),
        "validation": of_figures([f for f in figures if split_of(f.name) == "validation"], np.random.default_rng(SEED)),
        "test clips": of_clips(arguments.clips / "test", np.random.default_rng(SEED)),
        "test": of_figures([f for f in figures if split_of(f.name) == "test"], np.random.default_rng(SEED)),
    }
    predictors: dict[str, TrajectoryPredictor] = {
        "still": Simple(0.0),
        "constant velocity": Simple(1.0),
        "damped velocity": ConstantVelocity(),
        "recurrent": Recurrent(arguments.weights) if arguments.weights else Recurrent(),
    }
    results: dict[str, dict] = {}
    for name, cases in sets.items():
        if not cases:
            continue
        print(f"\n{name}: {len(cases)} moments")
        print(
            f"| predictor | root mm at {HORIZONS_S} s | joints mm | root mm in gaps of {GAPS_S} s | joints mm |", end=""
        )
        print(" within 1 sigma, 2 sigma (across, along) |")
        for title, predictor in predictors.items():
            fill = between_velocities if title == "still" else refill
            row = {**forward(predictor, cases), **inside_gaps(predictor, cases, fill)}
            results.setdefault(name, {})[title] = row
            order = ("root_mm", "joints_mm", "gap_root_mm", "gap_joints_mm")
            cells = [" / ".join(str(v) for v in row[key]) for key in order]
            sigmas = [row["within_1_sigma_across_along"], row["within_2_sigma_across_along"]]
            print("|", " | ".join([title, *cells, str(sigmas)]), "|", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
