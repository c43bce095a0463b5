"""The default lifter beside MediaPipe's own 3D, with and without depths, with truth, and both fused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from training.bodies import Moving
from training.estimator_errors import ErrorModel
from training.lift_windows import Sampler, Settings

from animepose_blender.estimate.lifting import LiftedSequence
from animepose_blender.estimate.lifting.convolution import load_network
from animepose_blender.estimate.lifting.encoding import view_axes
from animepose_blender.estimate.lifting.network import NetworkLifter

from .cases import LIMBS, Case, fused, without_depth

Clips = dict[str, list[Case]]
Find = Callable[[Case], np.ndarray | None]
SEED = 11
SPANS, FRAMES = 256, 256
"""Of held-out recordings."""


def own_sigma(bank: Path) -> np.ndarray:
    """(J, 2) how far MediaPipe's own joints are off, across the view (each of two axes) and along it, metres."""
    with np.load(bank, allow_pickle=False) as data:
        miss = data["seen_view_m"].astype(float) - data["truth_view_m"]
    miss = np.clip(miss, -0.6, 0.6) ** 2
    return np.sqrt(np.stack([miss[..., :2].mean(axis=(0, 2)), miss[..., 2].mean(axis=0)], axis=-1)) + 1e-3


def figures(clips: Clips, held_out: Moving, errors: ErrorModel, sigma_m: np.ndarray) -> dict:
    """All figures of the second table and what is said beside it; see `report`."""
    network = load_network()
    plain = NetworkLifter("plain", network, flip=False)
    flipped = NetworkLifter("flipped", network, flip=True)
    lifted: dict[str, LiftedSequence] = {c.name: flipped.lift(c.seen) for own in clips.values() for c in own}
    methods: dict[str, Find] = {
        "MediaPipe's own, raw": lambda c: c.raw_m,
        "MediaPipe's own, turned to the view, true stature": lambda c: c.turned_m * c.size,
        "default": lambda c: lifted[c.name].joints_m * c.size,
        "default without the mirror image": lambda c: plain.lift(c.seen).joints_m * c.size,
        "default, keypoints only": lambda c: flipped.lift(without_depth(c.seen)).joints_m * c.size,
        "default and MediaPipe's own, by uncertainty": lambda c: fused(c, lifted[c.name], sigma_m) * c.size,
        "default, true keypoints": lambda c: (
            None if c.true is None else flipped.lift(without_depth(c.true)).joints_m * c.size
        ),
        "default, true keypoints and depths": lambda c: (
            None if c.true is None else flipped.lift(c.true).joints_m * c.size
        ),
    }
    rows = []
    for name, find in methods.items():
        row: dict = {"method": name}
        for split in ("dev", "test"):
            row[split] = mean_mm(clips[split], find)
        row["views"] = [mean_mm([case], find)[1] for case in clips["views"]]
        rows.append(row)
        print(row, flush=True)
    people = [
        {
            "name": case.name, "frames": len(case.truth_m), "raw": mean_mm([case], methods["MediaPipe's own, raw"])[0],
            "default": mean_mm([case], methods["default"])[0],
        }
        for case in clips["test"]
    ]  # fmt: skip
    about = {"parameters": network.parameters, "field": 2 * network.reach + 1}
    return {
        "network": about, "rows": rows, "people": people, "contact": contact_figures(clips["test"], lifted),
        "within_sigma": calibration(clips["test"], lifted), "simulated": simulated(network, held_out, errors),
    }  # fmt: skip


def mean_mm(cases: list[Case], find: Find) -> tuple[float, float]:
    """Mean error of all joints and of the limbs'; NaN where the method knows nothing."""
    found = [(case, find(case)) for case in cases]
    errors = [case.error_mm(joints_m) for case, joints_m in found if joints_m is not None]
    if not errors:
        return float("nan"), float("nan")
    joined = np.concatenate(errors)
    return float(np.nanmean(joined)), float(np.nanmean(joined[:, LIMBS]))


def contact_figures(cases: list[Case], lifted: dict[str, LiftedSequence]) -> dict[str, float]:
    """Precision and recall of standing heels and toes at a probability of one half."""
    pairs = [(lifted[c.name].contact > 0.5, c.contact) for c in cases if c.contact is not None]
    said, true = (np.concatenate([p[k] for p in pairs]) for k in (0, 1))
    both = float((said & true).sum())
    return {"precision": both / max(said.sum(), 1), "recall": both / max(true.sum(), 1)}


def calibration(cases: list[Case], lifted: dict[str, LiftedSequence]) -> tuple[float, float]:
    """Root mean square error over the stated sigma, across the view and along it; 1 is right."""
    ratios = []
    for case in cases:
        axes = view_axes(case.seen.direction)
        miss = np.clip((case.truth_m / case.size - lifted[case.name].joints_m) @ axes, -0.6, 0.6)[:, 1:]
        spread = lifted[case.name].sigma_m[:, 1:]
        ratios.append(np.stack([np.mean(miss[..., :2] ** 2, axis=-1), miss[..., 2] ** 2], axis=-1) / spread**2)
    joined = np.concatenate(ratios)
    return float(np.sqrt(np.nanmean(joined[..., 0]))), float(np.sqrt(np.nanmean(joined[..., 1])))


def simulated(network, held_out: Moving, errors: ErrorModel) -> dict[str, tuple[float, float]]:
    """Errors on held-out recordings with simulated estimates and with true keypoints: all joints and the limbs'."""
    found = {}
    for name, settings in {
        "estimates": Settings(hidden=False, varied=False),
        "estimates, people hidden": Settings(varied=False),
        "true keypoints": Settings("true", "none", hidden=False, varied=False),
        "true keypoints and depths": Settings("true", "true", hidden=False, varied=False),
    }.items():
        batch = Sampler(held_out, errors, settings).draw(np.random.default_rng(SEED), SPANS, FRAMES)
        joints_m = np.stack([network(inputs)[0] for inputs in batch.inputs])
        apart = 1000 * np.linalg.norm(joints_m - batch.joints_m, axis=-1)[batch.valid]
        found[name] = (float(apart.mean()), float(apart[:, LIMBS].mean()))
        print(name, found[name], flush=True)
    return found
