"""Our take and the baselines on the same person-frames of the same estimator, with the same camera and floor."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from scene_bench.baselines import take_of as raw_take

from animepose_blender.estimate.detections import Seen, gather
from animepose_blender.estimate.observe import Observed
from animepose_blender.estimate.reconstruct import Reconstruction
from animepose_blender.take import State, Take

from .filters import Filter, by_runs, one_euro, savitzky_golay

OURS, BEFORE, RAW = "ours", "before", "raw MediaPipe"
EURO, GOLAY = "raw + One-Euro", "raw + Savitzky-Golay"
BASELINES = (RAW, EURO, GOLAY)

ONE_EURO_JOINTS = {"min_cutoff_hz": 1.2, "beta": 0.0}
ONE_EURO_ROOT = {"min_cutoff_hz": 0.7, "beta": 0.0}
GOLAY_JOINTS = {"window_s": 0.3, "order": 1}
GOLAY_ROOT = {"window_s": 0.8, "order": 1}
"""Of joints about the pelvis and of the pelvis, as `--tune` finds them on `dev`."""


def filtered(raw: Take, joints: Filter, root: Filter) -> Take:
    """The same people with their joints about the pelvis and their pelvis filtered, in axes that stand still."""
    world_m = raw.joints_world_m.astype(float)
    roots_m, relative_m = world_m[:, :, :1], world_m - world_m[:, :, :1]
    moved = [
        by_runs(relative, raw.frame_time_s, joints) + by_runs(own, raw.frame_time_s, root)
        for relative, own in zip(relative_m, roots_m, strict=True)
    ]
    joints_world_m = np.stack(moved) if moved else world_m
    return replace(raw, joints_world_m=joints_world_m, root_world_m=joints_world_m[:, :, 0])


def baselines(ours: Take, solved: Reconstruction, observed: Observed) -> dict[str, Take]:
    """MediaPipe's joints as they come for our people in the frames that we saw them in, bare and filtered."""
    seen = gather(observed.tracklets)
    raw = raw_take(seen, same_people(seen, solved), ours, ours.intrinsics, size_root=False)
    return {
        RAW: raw,
        EURO: filtered(raw, partial(one_euro, **ONE_EURO_JOINTS), partial(one_euro, **ONE_EURO_ROOT)),
        GOLAY: filtered(raw, partial(savitzky_golay, **GOLAY_JOINTS), partial(savitzky_golay, **GOLAY_ROOT)),
    }


def same_people(seen: Seen, solved: Reconstruction) -> np.ndarray:
    """(N,) which of our people each of the estimator's person-frames is, -1 for none; told by frame and box."""
    label = np.full(len(seen), -1)
    for number, person in enumerate(solved.people):
        at = np.flatnonzero(np.isin(seen.frame, person.evidence.frames))
        row = np.searchsorted(person.evidence.frames, seen.frame[at])
        label[at[(seen.box_px[at] == person.evidence.box_px[row]).all(axis=-1)]] = number
    return label


def only(take: Take, state: State) -> Take:
    """The take with everybody absent in all frames of another state."""
    keep = take.state == state
    return replace(
        take,
        state=np.where(keep, take.state, State.ABSENT),
        joints_world_m=np.where(keep[..., None, None], take.joints_world_m, np.nan),
        contact=np.where(keep[..., None], take.contact, 0.0),
    )
