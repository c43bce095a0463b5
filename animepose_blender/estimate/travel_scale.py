"""How long the units of a camera's travel are, from feet that stand and from the floor."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .camera_motion import CameraMotion
from .robust import weighted_median

SPANS_S = (0.1, 0.3, 1.0, 3.0)
"""Times over which feet are compared: a step stands for a third of a second, someone who waits for many."""
ALONG_SHARE = 1 / 3
"""How much a difference along the view counts: a foot's distance wavers three times as much as its direction."""
LEAST_SPREAD_M = 0.02
"""Feet are not believed to stand better than this."""
SLIDE_M_S = 0.05
"""Standing feet seem to slide with the walker: a step counts as standing a little too early and too late."""
BELOW_HORIZON = np.sin(np.radians(5.0))
LEVEL_SHARE = 0.06
"""Points of the floor lie within this share of the camera's height of each other."""
LEAST_ON_FLOOR = 12
DEEPER_SHARE = 0.1
"""Share of the points that may seem to lie below the floor."""


def translation_scale(
    motion: CameraMotion, feet_camera_m: np.ndarray, standing_weight: np.ndarray, time_s: np.ndarray
) -> tuple[float, float] | None:
    """Metres in a unit of the camera's travel, so that feet that stand stay where they are.

    For one foot at p in frame f and at q in frame g it stays if (R_g q - R_f p) + s (c_g - c_f) = 0, linear in s: least
    squares over all pairs in which it stands throughout, with Cauchy's loss for those that do not after all.

    Args:
        motion: of a moving camera.
        feet_camera_m: (P, F, 4, 3) heels and toes; NaN where absent.
        standing_weight: (P, F, 4) 0 to 1; a foot that may be lifted, or a person who sways, counts for less.
        time_s: (F,).
    Returns:
        The scale and its standard deviation; None where nobody stands, or the camera does not travel meanwhile.
    """
    matrix = motion.camera_to_start
    known = np.isfinite(feet_camera_m).all(axis=-1)
    weight = np.where(known, np.nan_to_num(standing_weight), 0.0)
    feet = np.where(known[..., None], feet_camera_m, 0.0)
    turned = np.einsum("fij,pfnj->pfni", matrix[:, :3, :3], feet)
    ray = turned / (np.linalg.norm(turned, axis=-1, keepdims=True) + 1e-9)
    frame_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0
    foot, camera, sure, lasting, independent = [], [], [], [], 0.0
    for span in sorted({max(1, round(span_s / frame_s)) for span_s in SPANS_S}):
        if span >= len(time_s):
            break
        # The least weight over the frames from the first of the pair to the second.
        held = sliding_window_view(weight, span + 1, axis=1).min(axis=-1)
        apart = turned[:, span:] - turned[:, :-span]
        travel = (matrix[span:, :3, 3] - matrix[:-span, :3, 3])[None, :, None] * np.ones_like(apart)
        chosen = held > 1e-3
        view = ray[:, :-span][chosen]
        foot.append(_less_along(apart[chosen], view))
        camera.append(_less_along(travel[chosen], view))
        sure.append(held[chosen] / span)
        lasting.append(np.full(int(chosen.sum()), span * frame_s))
        independent += float(held.sum()) / span
    if not foot or independent < 1:
        return None
    a, b, weights = np.concatenate(foot), np.concatenate(camera), np.concatenate(sure)
    scale, spread = 0.0, np.inf
    for number in range(12):
        rest = np.linalg.norm(a + scale * b, axis=1)
        if number:
            spread = max(LEAST_SPREAD_M, float(weighted_median(rest[:, None], weights[:, None])[0]))
        held = weights / (1 + (rest / spread) ** 2)
        power = float((held * (b**2).sum(axis=1)).sum())
        if power < 1e-12:
            return None
        scale = -float((held * (a * b).sum(axis=1)).sum()) / power
    # The weights add up to the number of independent pairs; sliding is common to all, and matters less the faster the
    # camera is.
    square_speed = power / float((held * np.concatenate(lasting) ** 2).sum())
    sigma = float(np.sqrt(spread**2 / power + SLIDE_M_S**2 / square_speed))
    return (scale, sigma) if scale > 0 else None


def scale_from_floor(motion: CameraMotion, up_start: np.ndarray, camera_height_m: float) -> tuple[float, float] | None:
    """Metres in a unit of travel, from points of the background that lie on the floor.

    The floor is the deepest level at which many points lie; how far it is below the camera is known in metres.

    Args:
        motion: of a moving camera.
        up_start: (3,) the way up, axes of the start.
        camera_height_m: height of the camera over the floor at the start.
    Returns:
        The scale and its standard deviation; None where no such level stands out.
    """
    w = motion.points_start[:, 3]
    near = w > 1e-3
    point = motion.points_start[near, :3] / w[near, None]
    depth = -point @ up_start
    depth = np.sort(depth[depth > BELOW_HORIZON * np.linalg.norm(point, axis=1)])
    if len(depth) < LEAST_ON_FLOOR:
        return None
    # For each point, how many lie within the share of its depth.
    stop = np.searchsorted(depth, depth * (1 + LEVEL_SHARE), side="right")
    inside = stop - np.searchsorted(depth, depth * (1 - LEVEL_SHARE))
    deeper = len(depth) - stop
    fits = (inside >= LEAST_ON_FLOOR) & (deeper <= DEEPER_SHARE * len(depth))
    if not fits.any():
        return None
    best = depth[np.argmax(np.where(fits, inside, 0))]
    level = depth[np.abs(depth - best) <= LEVEL_SHARE * best]
    spread = float(np.std(level) / level.mean())
    scale = camera_height_m / float(np.median(level))
    return scale, scale * float(np.hypot(0.03, 2 * spread / np.sqrt(len(level))))


def _less_along(difference: np.ndarray, ray: np.ndarray) -> np.ndarray:
    """(n, 3) differences of which the part along the ray is made smaller."""
    along = np.sum(difference * ray, axis=1, keepdims=True)
    return difference - (1 - ALONG_SHARE) * along * ray
