"""Keypoints as a lifting network reads them: seen along the ray through the person's middle, in metres.

Rays instead of pixels make the focal length irrelevant; turned so that z runs through the person's middle (the *view
axes*) they no longer depend on where in the picture somebody is; divided by a running scale they do not depend on the
distance either, but for the perspective, which the scale's logarithm tells.

    view ray = A^T ray          A = the smallest turn from the camera's z onto the smoothed direction of the middle
    plane = (x/z, y/z) / s      s^2 = sum w d^2 / sum w r^2 over all keypoints and some 1.3 s before and after

with d the keypoints' distances from the middle and r what these usually are of a person of standard size, so that s is
about one over the distance and the plane in metres, whichever keypoints are seen.

Everything here is batched on leading axes; time is the last but the stated ones. All of it is shared by training and
inference. Joints and keypoints have one order, that of `skeleton.JOINTS`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core import quaternions as quat
from ...skeleton import JOINT_COUNT, JOINTS, MIRROR, J

RATE_HZ = 30.0
"""Frames a second of the network."""
PER_JOINT = 5
"""u, v, confidence (0 = not seen), depth, whether there is a depth."""
FEATURES = PER_JOINT * JOINT_COUNT + 3
"""Joint after joint, then log s and how fast the direction turns, across and down."""
AXIS_SIGMA_S = 0.1
"""Smoothing of the direction: its noise would turn the whole pose."""
SCALE_SIGMA_S = 0.7
"""Smoothing of the scale: crouching must not zoom."""
USUAL_LOG_SCALE = -1.5
"""Somebody 4.5 m away."""
MOST_M = 3.0
"""No keypoint lies farther from the middle, no joint deeper."""
TURN_UNIT = 3.0
"""Metres a second across the view that count as one."""
_FLOOR_CONFIDENCE = 0.05
"""A keypoint of no confidence still counts a little where there is nothing else."""

USUAL_M = np.array(
    [
        {
            "pelvis": 0.22, "spine": 0.08, "chest": 0.105, "neck": 0.27, "head_top": 0.54, "nose": 0.40, "ear": 0.41,
            "shoulder": 0.27, "elbow": 0.255, "wrist": 0.36, "index_knuckle": 0.42, "pinky_knuckle": 0.42,
            "hip": 0.24, "knee": 0.58, "ankle": 0.905, "heel": 0.96, "toe": 0.97,
        }[name.removeprefix("left_").removeprefix("right_")]
        for name in JOINTS
    ]
)  # fmt: skip
"""(J,) root mean square distance from the middle across the view, people of standard size."""
_MIDDLE = np.array([J[name] for name in ("left_hip", "right_hip", "left_shoulder", "right_shoulder")])


@dataclass(frozen=True, eq=False)
class Encoded:
    """What the network reads, and how to take its answer back."""

    inputs: np.ndarray
    """(..., T, C) float32."""
    axes: np.ndarray
    """(..., T, 3, 3) columns are the view axes in camera axes: camera = axes @ view."""
    log_scale: np.ndarray
    """(..., T)."""


def middle(rays: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """(..., 3) unit direction to the middle of a person: the mean of the unit rays of hips and shoulders, weighted by
    their confidence, or of all keypoints where none of those is seen; NaN where nothing is.

    Args:
        rays: (..., K, 2) x/z and y/z; NaN = not seen.
        confidence: (..., K).
    """
    seen = np.isfinite(rays).all(axis=-1)
    unit = np.concatenate([np.where(seen[..., None], rays, 0.0), np.ones((*rays.shape[:-1], 1))], axis=-1)
    unit /= np.linalg.norm(unit, axis=-1, keepdims=True)
    weight = np.where(seen, np.maximum(confidence, _FLOOR_CONFIDENCE), 0.0)
    trunk = np.zeros(rays.shape[-2])
    trunk[_MIDDLE] = 1.0
    of_trunk = weight * trunk
    weight = np.where(of_trunk.sum(axis=-1, keepdims=True) > 0, of_trunk, weight)
    mean = (weight[..., None] * unit).sum(axis=-2)
    length = np.linalg.norm(mean, axis=-1, keepdims=True)
    return np.where(length > 0, mean / np.where(length > 0, length, 1.0), np.nan)


def view_axes(direction: np.ndarray) -> np.ndarray:
    """(..., 3, 3) columns are the view axes in camera axes, for unit directions (..., 3)."""
    straight = np.broadcast_to(np.array([0.0, 0.0, 1.0]), direction.shape)
    return quat.to_matrix(quat.between(straight, direction))


def in_view(rays: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """(..., K, 2) x/z and y/z in view axes of rays (..., K, 2) in camera axes; NaN where they point backwards."""
    full = np.concatenate([rays, np.ones((*rays.shape[:-1], 1))], axis=-1) @ axes
    z = full[..., 2:]
    return full[..., :2] / np.where(z > 0.05, z, np.nan)


def smoothed(values: np.ndarray, weight: np.ndarray, sigma_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Weighted Gaussian sums over time.

    Args:
        values: (..., T, n), finite.
        weight: (..., T).
    Returns:
        The sums of weight times values (..., T, n) and of the weights (..., T).
    """
    steps = values.shape[-2]
    reach = min(round(2 * sigma_s * RATE_HZ), steps - 1)
    kernel = np.exp(-0.5 * (np.arange(reach + 1) / (sigma_s * RATE_HZ)) ** 2)
    part = np.concatenate([values * weight[..., None], weight[..., None]], axis=-1)
    total = kernel[0] * part
    for lag in range(1, reach + 1):
        total[..., lag:, :] += kernel[lag] * part[..., :-lag, :]
        total[..., :-lag, :] += kernel[lag] * part[..., lag:, :]
    return total[..., :-1], total[..., -1]


def encode(rays: np.ndarray, confidence: np.ndarray, depth_m: np.ndarray | None, direction: np.ndarray) -> Encoded:
    """Features at `RATE_HZ`.

    A missing value is what lies between those before and after it, or 0 if there are none, and its flag is 0.

    Args:
        rays: (..., T, K, 2) camera axes; NaN = not seen.
        confidence: (..., T, K).
        depth_m: (..., T, J) as in `Sequence`; NaN = none; None = none at all.
        direction: (..., T, 3) from `middle`; NaN = nothing seen, but in at least one frame.
    """
    known = np.isfinite(direction).all(axis=-1)
    axis, _ = smoothed(np.where(known[..., None], direction, 0.0), known.astype(float), AXIS_SIGMA_S)
    axis = _filled(axis, known)
    length = np.linalg.norm(axis, axis=-1, keepdims=True)
    axis = np.where(length > 0, axis / np.where(length > 0, length, 1.0), [0.0, 0.0, 1.0])
    axes = view_axes(axis)
    plane = in_view(rays, axes)
    seen = np.isfinite(plane).all(axis=-1)
    plane = np.where(seen[..., None], plane, 0.0)
    sure = np.where(seen, np.maximum(np.nan_to_num(confidence), _FLOOR_CONFIDENCE), 0.0)
    log_scale = _log_scale(plane, sure)
    with_scale = np.clip(plane / np.exp(log_scale)[..., None, None], -MOST_M, MOST_M)
    features = np.zeros((*seen.shape, PER_JOINT), np.float32)
    features[..., :2] = _between(with_scale, seen)
    features[..., 2] = sure
    if depth_m is not None:
        deep = np.isfinite(depth_m)
        clipped = np.clip(np.where(deep, depth_m, 0.0), -MOST_M, MOST_M)
        features[..., 3] = _between(clipped[..., None], deep)[..., 0]
        features[..., 4] = deep
    turn = np.zeros_like(axis)
    turn[..., :-1, :] = np.diff(axis, axis=-2) * RATE_HZ
    turn = np.einsum("...ij,...i->...j", axes, turn)[..., :2] / np.exp(log_scale)[..., None] / TURN_UNIT
    rest = np.concatenate([(log_scale - USUAL_LOG_SCALE)[..., None], np.clip(turn, -1.0, 1.0)], axis=-1)
    flat = features.reshape(*features.shape[:-2], PER_JOINT * JOINT_COUNT)
    return Encoded(np.concatenate([flat, rest.astype(np.float32)], axis=-1), axes, log_scale)


def mirrored(inputs: np.ndarray) -> np.ndarray:
    """Features (..., T, C) of the same person in a mirror: left is right, and the other way round."""
    joints = inputs[..., : PER_JOINT * JOINT_COUNT].reshape(*inputs.shape[:-1], JOINT_COUNT, PER_JOINT)
    joints = joints[..., MIRROR, :] * np.array([-1, 1, 1, 1, 1], np.float32)
    rest = inputs[..., PER_JOINT * JOINT_COUNT :] * np.array([1, -1, 1], np.float32)
    return np.concatenate([joints.reshape(*inputs.shape[:-1], PER_JOINT * JOINT_COUNT), rest], axis=-1)


def _log_scale(plane: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """(..., T) logarithm of s."""
    found = (sure * (plane**2).sum(axis=-1)).sum(axis=-1)
    usual = (sure * USUAL_M**2).sum(axis=-1)
    sums, _ = smoothed(np.stack([found, usual], axis=-1), np.ones(found.shape), SCALE_SIGMA_S)
    known = (sums > 1e-12).all(axis=-1)
    ratio = np.where(known, sums[..., 0], 1.0) / np.where(known, sums[..., 1], 1.0)
    return _filled(0.5 * np.log(ratio)[..., None], known)[..., 0]


def _between(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(..., T, K, n) values of which (..., T, K) are known, straight lines in time between them, level before the first
    and after the last; as they are where none is."""
    if known.all():
        return values
    steps = known.shape[-2]
    index = np.arange(steps)[:, None]
    before = np.maximum.accumulate(np.where(known, index, -1), axis=-2)
    after = np.flip(np.minimum.accumulate(np.flip(np.where(known, index, steps), axis=-2), axis=-2), axis=-2)
    low, high = np.where(before >= 0, before, after), np.where(after < steps, after, before)
    none = (before < 0) & (after >= steps)
    low, high = np.where(none, index, low), np.where(none, index, high)
    share = ((index - low) / np.maximum(high - low, 1))[..., None]
    below, above = (np.take_along_axis(values, at[..., None], axis=-3) for at in (low, high))
    return (1 - share) * below + share * above


def _filled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(..., T, n) with the last known value, or the first, where (..., T) is not known."""
    if known.all():
        return values.copy()
    index = np.arange(known.shape[-1])
    last = np.maximum.accumulate(np.where(known, index, -1), axis=-1)
    first = np.argmax(known, axis=-1)[..., None]
    return np.take_along_axis(values, np.where(last >= 0, last, first)[..., None], axis=-2)
