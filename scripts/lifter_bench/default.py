"""The default lifter beside MediaPipe's own 3D: whole, in parts, and given the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from training.bodies import Moving
from training.estimator_errors import ErrorModel
from training.lift_windows import Sampler, Settings

from animepose_blender.estimate.lifting import LiftedSequence
from animepose_blender.estimate.lifting.convolution import load_network
from animepose_blender.estimate.lifting.encoding import view_axes
from animepose_blender.estimate.lifting.network import NetworkLifter

from .cases import LIMBS, Case, without_depth

Clips = dict[str, list[Case]]
Find = Callable[[Case], np.ndarray | None]
RAW, DEFAULT = "MediaPipe's own, raw", "**default**: network, fused with MediaPipe's own depths"
SEED = 11
SPANS, FRAMES = 128, 192
"""Of held-out recordings."""


def figures(clips: Clips, held_out: Moving, errors: ErrorModel) -> dict:
    """All figures of the second table and what is said beside it; see `report`."""
    network = load_network()
    whole = NetworkLifter("default", network, flip=True, fuse=True)
    alone = NetworkLifter("not fused", network, flip=True)
    plain = NetworkLifter("not flipped", network, flip=False, fuse=True)
    lifted: dict[str, LiftedSequence] = {c.name: whole.lift(c.seen) for own in clips.values() for c in own}

    def of_truth(case: Case, depth: bool) -> np.ndarray | None:
        if case.true is None:
            return None
        return alone.lift(case.true if depth else without_depth(case.true)).joints_m * case.size

    methods: dict[str, Find] = {
        RAW: lambda c: c.raw_m,
        "MediaPipe's own, turned to the view, true stature": lambda c: c.turned_m * c.size,
        DEFAULT: lambda c: lifted[c.name].joints_m * c.size,
        "network alone, without MediaPipe's own depths in the mean": lambda c: alone.lift(c.seen).joints_m * c.size,
        "default without the mirror image": lambda c: plain.lift(c.seen).joints_m * c.size,
        "network, keypoints only": lambda c: alone.lift(without_depth(c.seen)).joints_m * c.size,
        "network, true keypoints": lambda c: of_truth(c, False),
        "network, true keypoints and depths": lambda c: of_truth(c, True),
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
            "name": case.name, "frames": len(case.truth_m), "raw": mean_mm([case], methods[RAW])[0],
            "default": mean_mm([case], methods[DEFAULT])[0],
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
