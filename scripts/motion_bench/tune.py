"""Parameters of the baselines' filters, found on `dev`: of those that shake no more than allowed, the most accurate."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from animepose_blender.core import cameras
from animepose_blender.estimate.metrics import motion, pose
from animepose_blender.estimate.metrics.pairing import pair
from animepose_blender.estimate.metrics.truth import Truth
from animepose_blender.take import Take

from .filters import Filter, by_runs, one_euro, savitzky_golay

CALM = 1.5
"""Jitter that is allowed, in times of the truth's own: the aim of the benchmark."""
EURO_GRID = {
    "min_cutoff_hz": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0),
    "beta": (0.0, 0.1, 0.2, 0.5, 1.0, 2.0),
}
GOLAY_GRID = {"window_s": (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.6), "order": (1, 2, 3)}


@dataclass(frozen=True, eq=False)
class Series:
    """One raw person beside the true one that it stands for, world axes of the take; NaN where not compared."""

    time_s: np.ndarray
    """(F,)"""
    points_m: np.ndarray
    """(F, N, 3)"""
    true_m: np.ndarray
    """(F, N, 3)"""


def series_of(raw: Take, truth: Truth) -> tuple[list[Series], list[Series]]:
    """Joints about the pelvis, and pelvises, of every person of a raw take that stands for a true one."""
    pairs = pair(raw, truth)
    true_world_m = cameras.transform(pairs.predicted_to_world, pairs.true_camera_m)
    ours_px = cameras.project(pairs.predicted_camera_m, pairs.predicted_intrinsics)
    true_px = cameras.project(pairs.true_camera_m, pairs.true_intrinsics)
    matches = pose.match_people(pose.match_cost(ours_px, true_px))
    time_s = truth.frame_time_s[pairs.truth_frame]
    joints, roots = [], []
    for number, points_m in enumerate(pairs.predicted_world_m):
        frames, people = np.nonzero(matches == number)
        true_m = np.full_like(points_m, np.nan)
        true_m[frames] = true_world_m[people, frames]
        joints.append(Series(time_s, pose.root_relative(points_m), pose.root_relative(true_m)))
        roots.append(Series(time_s, points_m[:, :1], true_m[:, :1]))
    return joints, roots


def best(series: list[Series], kind: Any, grid: dict[str, Iterable[float]]) -> dict[str, float]:
    """The parameters of a filter with the least error among those with the jitter that is allowed."""
    own = [motion.jitter_10m_s3(one.true_m, one.time_s) for one in series]
    allowed = CALM * float(np.mean([jitter for jitter in own if jitter is not None]))
    tried = []
    for values in itertools.product(*grid.values()):
        parameters = dict(zip(grid, values, strict=True))
        tried.append((*_score(series, partial(kind, **parameters)), parameters))
    return min((t for t in tried if t[1] <= allowed), key=lambda t: t[0])[2]


def tune(raws: list[tuple[Take, Truth]]) -> dict[str, dict[str, float]]:
    """Parameters for joints and roots of both filters, from raw takes and their truths."""
    joints, roots = [], []
    for raw, truth in raws:
        of_joints, of_roots = series_of(raw, truth)
        joints += of_joints
        roots += of_roots
    return {
        "ONE_EURO_JOINTS": best(joints, one_euro, EURO_GRID),
        "ONE_EURO_ROOT": best(roots, one_euro, EURO_GRID),
        "GOLAY_JOINTS": best(joints, savitzky_golay, GOLAY_GRID),
        "GOLAY_ROOT": best(roots, savitzky_golay, GOLAY_GRID),
    }


def _score(series: list[Series], run_filter: Filter) -> tuple[float, float]:
    """Mean error and mean jitter of everybody."""
    errors, jitters = [], []
    for one in series:
        moved_m = by_runs(one.points_m, one.time_s, run_filter)
        errors.append(motion.mean_of(pose.errors_m(moved_m, one.true_m)))
        jitters.append(motion.jitter_10m_s3(moved_m, one.time_s))
    known = [(e, j) for e, j in zip(errors, jitters, strict=True) if e is not None and j is not None]
    return float(np.mean([e for e, _ in known])), float(np.mean([j for _, j in known]))
