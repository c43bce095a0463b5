"""How far the camera of a take is from the true one, and its floor from the true floor."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from .alignment import fit_similarity
from .motion import mean_of

STILL_M = 1e-3
STILL_DEG = 0.01
"""A true camera that moves and turns less than this over the clip stands still."""

MIN_SPREAD_M = 0.05
"""A true camera that moves less gives a similarity nothing to hold on to."""


def camera_figures(
    predicted_to_world: np.ndarray, true_to_world: np.ndarray, predicted_k: np.ndarray, true_k: np.ndarray
) -> dict[str, float | None]:
    """Camera figures of a clip; motion is told from the first frame on, so that the worlds' origins do not matter.

    Args:
        predicted_to_world, true_to_world: (N, 4, 4) from camera axes to world axes, the same N frames.
        predicted_k, true_k: (N, 3, 3) pinhole matrices, pixels.
    Returns:
        - `camera_rotation_deg`, `camera_rotation_mean_deg`: the largest and the mean angle between how far either has
          turned since the first frame.
        - `camera_translation_m`, `camera_translation_max_m`: mean and largest distance of the two paths, both in the
          axes of their first frame, in metres as they are.
        - `camera_translation_aligned_m`: root of the mean squared distance after turning, shifting and scaling the
          path onto the true one (absolute trajectory error); None where the true camera hardly moves.
        - `focal_error_percent`: mean of |focal length / true one - 1|.
        - `floor_tilt_deg`: angle between the two up directions in the camera axes of the first frame.
        - `still_camera_error_m`, `still_camera_error_deg`: how far the take's camera ever gets from its first frame
          while the true one stands still; None where that moves.
    References: Sturm et al., A benchmark for the evaluation of RGB-D SLAM systems (2012), for the aligned path.
    """
    turned, moved_m = _since_first(predicted_to_world)
    true_turned, true_moved_m = _since_first(true_to_world)
    angle_deg = np.degrees((turned.inv() * true_turned).magnitude())
    off_m = np.linalg.norm(moved_m - true_moved_m, axis=-1)

    true_reach_m = float(np.linalg.norm(true_moved_m, axis=-1).max())
    aligned_m = None
    if true_reach_m >= MIN_SPREAD_M:
        left_m = fit_similarity(moved_m, true_moved_m, scale=True).apply(moved_m) - true_moved_m
        aligned_m = float(np.sqrt((left_m**2).sum(-1).mean()))
        if not np.isfinite(aligned_m):  # the take's camera stands still: the best it can be is the mean of the path
            aligned_m = float(np.sqrt(((true_moved_m - true_moved_m.mean(0)) ** 2).sum(-1).mean()))

    still = true_reach_m < STILL_M and float(np.degrees(true_turned.magnitude()).max()) < STILL_DEG
    focal, true_focal = (k[:, [0, 1], [0, 1]].mean(-1) for k in (predicted_k, true_k))
    return {
        "camera_rotation_deg": float(angle_deg.max()),
        "camera_rotation_mean_deg": float(angle_deg.mean()),
        "camera_translation_m": float(off_m.mean()),
        "camera_translation_max_m": float(off_m.max()),
        "camera_translation_aligned_m": aligned_m,
        "focal_error_percent": float(100.0 * np.abs(focal / true_focal - 1).mean()),
        "floor_tilt_deg": _angle_deg(predicted_to_world[0, 2, :3], true_to_world[0, 2, :3]),
        "still_camera_error_m": float(np.linalg.norm(moved_m, axis=-1).max()) if still else None,
        "still_camera_error_deg": float(np.degrees(turned.magnitude()).max()) if still else None,
    }


def floor_gap_figures(feet_m: np.ndarray, true_feet_m: np.ndarray, contact: np.ndarray) -> dict[str, float | None]:
    """How far feet that stand on the floor are off it, each against the height of the same joint in truth.

    Args:
        feet_m: (..., 4, 3) foot joints of the take in its world axes; NaN where unknown.
        true_feet_m: (..., 4, 3) the same joints in truth, in its own world axes; the floor is z = 0 in both.
        contact: (..., 4) bool: the true joint stands on the floor.
    Returns:
        `floor_gap_mm` the largest, `floor_gap_p95_mm` the 95th percentile and `floor_gap_mean_mm` the mean of the
        absolute differences; None where no known foot stands.
    """
    gap_mm = np.where(contact, np.abs(feet_m[..., 2] - true_feet_m[..., 2]) * 1000.0, np.nan)
    known = gap_mm[np.isfinite(gap_mm)]
    return {
        "floor_gap_mm": float(known.max()) if known.size else None,
        "floor_gap_p95_mm": float(np.percentile(known, 95)) if known.size else None,
        "floor_gap_mean_mm": mean_of(gap_mm),
    }


def _since_first(to_world: np.ndarray) -> tuple[Rotation, np.ndarray]:
    """Rotation and (N, 3) shift of each frame's camera in the camera axes of the first."""
    first = to_world[0, :3, :3]
    turned = Rotation.from_matrix(first.T @ to_world[:, :3, :3])
    return turned, (to_world[:, :3, 3] - to_world[0, :3, 3]) @ first


def _angle_deg(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))
