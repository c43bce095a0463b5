"""The focal length from how a camera turned: only the right one lets the background turn as a whole.

A turn moves points at the rim farther than those in the middle, by (1 + (x/f)²); the focal length is what makes the
bundle of all views fit best (Hartley, "Self-calibration of stationary cameras", 1997), with square pixels and the
principal point in the middle. A camera that travels tells its focal length the same way, through its bundle.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation

from ..core import cameras
from .background import Tracks
from .bundle import Fit, Scene, Sightings, adjust, at_rest
from .camera_motion import (
    BETTER,
    LEAST_NOISE,
    PARALLAX_PX,
    STILL_SHARE,
    chained,
    key_frames,
    key_sightings,
    resting,
)
from .structure import travelling

STARTS = (0.6, 1.0, 1.8)
"""Focal lengths from which the search starts, in lengths of the longer side: 22, 36 and 65 mm."""
NARROWEST, WIDEST = 8.0, 0.35
"""Focal lengths that are believed at all, in lengths of the longer side."""
LENS_SIGMA = 0.04
"""What the distortion of usual lenses makes of the focal length: a distortion of 1 + k (x/f)² looks like a focal
length wrong by 3 k / 2."""
TRAVEL_SIGMA = 0.2
"""The same for a camera that travels, where distances and the focal length can stand in for each other: on a real clip
of a runner, solutions that fit alike lie between 1,860 and 2,730 pixels."""
LEAST_TURN_RAD = np.radians(2.0)
CAUTION = 3.0
"""Errors of one point are alike from frame to frame, so that the solution is worse than so many sightings promise."""
TOO_UNSURE = 0.3
"""Relative standard deviation beyond which nothing is said."""


def focal_from_rotation(tracks: Tracks, width: int, height: int) -> tuple[float, float] | None:
    """The focal length in pixels and the standard deviation of its logarithm; None where the turn is too small, or
    the background does not follow any camera.

    Args:
        tracks: see `background.Background`; the longest shot is used.
        width, height: of the picture, pixels.
    """
    start, stop = max(pairwise([0, *tracks.cuts, tracks.frame_count]), key=lambda shot: shot[1] - shot[0])
    shot = tracks.between(start, stop)
    if len(shot.frame) == 0 or resting(shot)[0] >= STILL_SHARE:
        return None
    keys = key_frames(shot)
    long_side = max(width, height)
    intrinsics = np.tile(cameras.intrinsics_of(long_side, width, height), (len(keys), 1, 1))
    views = key_sightings(shot, np.tile(intrinsics[0], (shot.frame_count, 1, 1)), keys)
    if views is None:
        return None
    pixel = shot.pixel
    least_px = LEAST_NOISE * pixel
    tried = [_turning(views, share, least_px, pixel) for share in STARTS]
    scene, fit = min(tried, key=lambda item: item[1].noise_px)
    scene, fit = adjust(scene, views, moving=False, zoom=True, least_noise_px=least_px)
    moving = False
    if fit.noise_px > PARALLAX_PX * pixel:
        travelled = _travelling(scene, views, least_px)
        if travelled is None or travelled[1].noise_px > BETTER * fit.noise_px:
            return None
        (scene, fit), moving = travelled, True
    # What moves by itself would rather have another focal length.
    resting_views = views.only(at_rest(views, fit, least_px)[views.point])
    scene, fit = adjust(scene, resting_views, moving=moving, zoom=True, least_noise_px=least_px, rounds=40)
    share = float(np.exp(scene.log_zoom))
    lens_sigma = TRAVEL_SIGMA if moving else LENS_SIGMA
    sigma = float(np.hypot(CAUTION * np.sqrt(max(fit.covariance[-1, -1], 0.0)), lens_sigma))
    turned = np.linalg.norm(Rotation.from_matrix(scene.rotation).as_rotvec(), axis=1).max()
    if not WIDEST < share < NARROWEST or sigma > TOO_UNSURE or turned < LEAST_TURN_RAD:
        return None
    return share * long_side, sigma


def _turning(views: Sightings, share: float, least_px: float, pixel: float) -> tuple[Scene, Fit]:
    """A rough solution from one focal length."""
    scaled = replace(views, intrinsics=views.intrinsics * np.array([[share], [share], [1.0]]))
    scaled.intrinsics[:, :2, 2] = views.intrinsics[:, :2, 2]
    scene = replace(chained(scaled, pixel), log_zoom=float(np.log(share)))
    return adjust(scene, views, moving=False, zoom=True, least_noise_px=least_px, stages=1)


def _travelling(turning: Scene, views: Sightings, least_px: float) -> tuple[Scene, Fit] | None:
    """A travelling camera's solution with its focal length, from a usual one on."""
    usual = views.intrinsics.copy()
    focal = float(np.exp(np.clip(turning.log_zoom, np.log(STARTS[0]), np.log(STARTS[-1]))))
    usual[:, (0, 1), (0, 1)] *= focal
    found = travelling(replace(turning, log_zoom=0.0), replace(views, intrinsics=usual), least_px)
    if found is None:
        return None
    scene = replace(found[0], log_zoom=float(np.log(focal)))
    return adjust(scene, views, moving=True, zoom=True, least_noise_px=least_px, rounds=40)
