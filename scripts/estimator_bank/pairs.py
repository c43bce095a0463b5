"""Pairs of what the estimator found and what is true, person-frame by person-frame, at the lifters' rate.

Both are in the *view axes* of the true person (z through the true middle, see `lifting.encoding`), so that errors can
be taken as differences, and in metres of a person of standard size, except for the estimator's own joints in space:
it gives these in metres of its own making, and they are kept as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import numpy as np
from scene_bench.oracle import Oracle

from animepose_blender.core import cameras
from animepose_blender.estimate.detections import Seen, gather
from animepose_blender.estimate.lift import lift_blazepose
from animepose_blender.estimate.lifting.encoding import RATE_HZ, in_view, middle, view_axes
from animepose_blender.estimate.observe import Observed
from animepose_blender.skeleton import J

SHORTEST_S = 0.3
"""A track that is broken off sooner tells nothing about time."""
METRE_STEPS, CONFIDENCE_STEPS = 1024, 256
"""Steps in which lengths and confidences are stored: powers of two, so that float16 holds them and packs well."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """M rows of T tracks; a track is one person, followed without a break."""

    track: np.ndarray
    """(M,) int32 index into `recording`."""
    time_s: np.ndarray
    """(M,) since the start of the clip, in steps of 1 / RATE_HZ."""
    truth_view_m: np.ndarray
    """(M, J, 3) true joints relative to the pelvis, standard size."""
    plane_true: np.ndarray
    """(M, J, 2) rays of the true joints, times `distance`: metres in the plane through the root."""
    plane_seen: np.ndarray
    """(M, J, 2) the keypoints found, likewise; NaN where the estimator has no such point."""
    confidence: np.ndarray
    """(M, J) of the keypoints, as `lift.lift_blazepose` gives them."""
    seen_view_m: np.ndarray
    """(M, J, 3) the estimator's joints relative to the pelvis, in its own metres."""
    visible: np.ndarray
    """(M, J) bool: whether the joint could be seen."""
    distance: np.ndarray
    """(M,) of the root along z, over the person's size, metres."""
    pitch_rad: np.ndarray
    """(M,) how far the camera looks down."""
    recording: np.ndarray
    """(T,) name of the recording that the person played."""

    def __len__(self) -> int:
        return len(self.track)

    def errors(self) -> tuple[np.ndarray, np.ndarray]:
        """(M, J, 2) of the keypoints in the plane, and (M, J, 3) of the joints in space, metres."""
        return self.plane_seen - self.plane_true, self.seen_view_m - self.truth_view_m

    def spans(self) -> list[slice]:
        """The rows of each track."""
        edges = [0, *(np.flatnonzero(np.diff(self.track)) + 1).tolist(), len(self)]
        return [slice(a, b) for a, b in pairwise(edges)]


_ROWS = tuple(f.name for f in fields(Pairs) if f.name not in ("track", "recording", "time_s"))


def pairs_of(observed: Observed, oracle: Oracle, size: np.ndarray, recordings: list[str]) -> Pairs:
    """All pairs of one clip.

    Args:
        observed: what was seen of it.
        oracle: what is true of it.
        size: (P,) stature of each true person over the standard one.
        recordings: (P,) what each plays.
    """
    seen = gather(observed.tracklets)
    person = oracle.people_of(seen)
    seen, person = seen.where(person >= 0), person[person >= 0]
    rows = _rows(seen, person, oracle, size)
    parts: list[dict[str, np.ndarray]] = []
    names: list[str] = []
    # Rows of one tracklet and person, in order of time.
    order = np.lexsort((seen.frame, person, seen.tracklet))
    new = (np.diff(seen.tracklet[order]) != 0) | (np.diff(person[order]) != 0) | (np.diff(seen.frame[order]) != 1)
    for chosen in np.split(order, np.flatnonzero(new) + 1):
        if len(chosen) < 2:
            continue
        time_s = observed.time_s[seen.frame[chosen]]
        if time_s[-1] - time_s[0] < SHORTEST_S:
            continue
        part = resampled(time_s, {name: rows[name][chosen] for name in _ROWS})
        parts.append(part | {"track": np.full(len(part["time_s"]), len(names), np.int32)})
        names.append(recordings[person[chosen[0]]])
    return _joined(parts, names)


def _rows(seen: Seen, person: np.ndarray, oracle: Oracle, size: np.ndarray) -> dict[str, np.ndarray]:
    """The fields at the clip's own frames."""
    intrinsics = oracle.intrinsics[seen.frame]
    lifted = lift_blazepose(seen.landmarks_px, seen.confidence, seen.landmarks_m, seen.region, intrinsics)
    joints_m = oracle.joints_camera_m[person, seen.frame]
    true_rays = cameras.rays(cameras.project(joints_m, intrinsics), intrinsics)
    axes = view_axes(middle(true_rays, np.ones(true_rays.shape[:-1])))
    own = size[person]
    in_axes_m = joints_m @ axes / own[:, None, None]
    distance = in_axes_m[:, J["pelvis"], 2]

    def plane(rays: np.ndarray) -> np.ndarray:
        return in_view(rays, axes) * distance[:, None, None]

    return {
        "truth_view_m": in_axes_m - in_axes_m[:, [J["pelvis"]]],
        "plane_true": plane(true_rays),
        "plane_seen": plane(cameras.rays(lifted.keypoints_px, intrinsics)),
        "confidence": lifted.keypoint_confidence,
        "seen_view_m": lifted.joints_m @ axes,
        "visible": oracle.joint_visible[person, seen.frame],
        "distance": distance,
        "pitch_rad": np.arcsin(np.clip(-oracle.camera_to_world[seen.frame, 2, 2], -1.0, 1.0)),
    }


def resampled(time_s: np.ndarray, rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rows (n, ...) at times (n,), along straight lines at multiples of 1 / RATE_HZ between the first and the last.

    Truth values (bool) are taken from the nearest row. The times are given back as `time_s`.
    """
    first, last = np.ceil(time_s[0] * RATE_HZ - 1e-6), np.floor(time_s[-1] * RATE_HZ + 1e-6)
    at = np.arange(first, last + 1) / RATE_HZ
    right = np.clip(np.searchsorted(time_s, at - 1e-9), 1, len(time_s) - 1)
    left = right - 1
    share = np.clip((at - time_s[left]) / (time_s[right] - time_s[left]), 0.0, 1.0)
    made = {"time_s": at}
    for name, values in rows.items():
        if values.dtype == bool:
            made[name] = values[np.where(share < 0.5, left, right)]
            continue
        mix = share.reshape(-1, *(1,) * (values.ndim - 1))
        # A row that is met exactly is not mixed with an unknown neighbour.
        mixed = np.where(mix == 0, 0, (mix * values[right])) + np.where(mix == 1, 0, (1 - mix) * values[left])
        made[name] = mixed
    return made


def _joined(parts: list[dict[str, np.ndarray]], names: list[str]) -> Pairs:
    if not parts:
        raise ValueError("nobody was followed")
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Pairs(**whole, recording=np.array(names, dtype=np.str_))


def merged(banks: list[Pairs]) -> Pairs:
    """Tracks of several clips."""
    shift = np.cumsum([0, *(len(bank.recording) for bank in banks[:-1])])
    whole = {f.name: np.concatenate([getattr(bank, f.name) for bank in banks]) for f in fields(Pairs)}
    whole["track"] = np.concatenate([bank.track + k for bank, k in zip(banks, shift, strict=True)]).astype(np.int32)
    return Pairs(**whole)


def save(pairs: Pairs, path: Path) -> None:
    """Write a bank in half precision, to a temporary name first."""
    arrays: dict[str, np.ndarray] = {}
    for f in fields(Pairs):
        value = getattr(pairs, f.name)
        if f.name == "time_s":
            value = value.astype(np.float32)
        elif value.dtype.kind == "f":
            steps = CONFIDENCE_STEPS if f.name == "confidence" else METRE_STEPS
            value = (np.round(value * steps) / steps).astype(np.float16)
        arrays[f.name] = value
    part = path.with_name(path.name + ".part.npz")
    np.savez_compressed(part, **arrays)  # type: ignore[arg-type]
    part.replace(path)


def load(path: Path) -> Pairs:
    """Read a bank, in double precision."""
    with np.load(path, allow_pickle=False) as data:
        arrays = {f.name: data[f.name] for f in fields(Pairs)}
    return Pairs(**{name: v.astype(np.float64) if v.dtype.kind == "f" else v for name, v in arrays.items()})
