"""How far solved joints lie, in the picture, from the keypoints they were solved from and from where they truly are."""

from __future__ import annotations

import numpy as np

from ...core import cameras
from ...take import State, Take
from .motion import mean_of

SURE = 0.5
"""Confidence from which on a keypoint counts as seen."""


def reprojection_figures(take: Take) -> dict[str, float | None]:
    """Distance of the joints' projections from confident keypoints, over the height of the person's box, percent.

    Args:
        take: any take; only observed frames count.
    Returns:
        `reprojection_median_percent`, `reprojection_mean_percent`, over all such keypoints; None without any.
    """
    joints_m = cameras.transform(cameras.invert(take.camera_to_world), take.joints_world_m.astype(np.float64))
    distance_px = np.linalg.norm(cameras.project(joints_m, take.intrinsics) - take.keypoints_px, axis=-1)
    height_px = take.box_px[..., 3] - take.box_px[..., 1]
    share = distance_px / np.where(height_px > 0, height_px, np.nan)[..., None]
    sure = (take.keypoint_confidence > SURE) & np.isfinite(share) & (take.state == State.OBSERVED)[..., None]
    if not sure.any():
        return {"reprojection_median_percent": None, "reprojection_mean_percent": None}
    return {
        "reprojection_median_percent": float(100.0 * np.median(share[sure])),
        "reprojection_mean_percent": float(100.0 * share[sure].mean()),
    }


def picture_error_percent(predicted_px: np.ndarray, true_px: np.ndarray) -> float | None:
    """Mean distance of joints from the true ones in the picture, over the height of the true person, percent.

    Unlike the reprojection it does not reward a solve that follows the noise of its keypoints.

    Args:
        predicted_px, true_px: (..., J, 2); NaN where unknown.
    """
    known = np.isfinite(true_px).all(-1)
    height_px = np.where(known, true_px[..., 1], -np.inf).max(-1) - np.where(known, true_px[..., 1], np.inf).min(-1)
    share = np.linalg.norm(predicted_px - true_px, axis=-1) / np.where(height_px > 0, height_px, np.nan)[..., None]
    mean = mean_of(share)
    return None if mean is None else 100.0 * mean
