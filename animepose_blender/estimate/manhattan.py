"""The focal length from the lines of what people built: walls, floors, windows and kerbs run in three directions at
right angles.

Pictures of parallel lines meet in a vanishing point, and directions at right angles have vanishing points that lie so
to each other for one focal length only (Caprile and Torre, "Using vanishing points for camera calibration", 1990).
How well the best frame of such directions explains the segments is the likelihood of the focal length.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from .camera import Focal
from .right_angles import LOG_FOCAL, explained, views_of
from .verticals import Segments

LEAST_GAIN, USUAL_GAIN = 1.0, 1.4
"""How much likelier the frame must make the segments than clutter does, as logarithm, on average; and what walls and
floors reach."""
CAUTION = 2.0
"""Segments of one thing err alike, so that they say less than so many would by themselves; the more so, the less the
frame explains."""
SURPRISE = 4.0
"""Lines that are so unlikely, as logarithm, under what is believed are taken for misleading: roofs, stairs, lawns."""
CLEAR = 2.0
"""By how much wider and narrower views must be less likely, as logarithm."""
LENS_SIGMA = 0.03
"""What the distortion of usual lenses makes of the focal length."""
MOST_SIGMA = 0.25
"""Less certain than this, nothing is said."""
TELLS = 0.9
"""Lines that leave more than this share of the uncertainty are not followed."""


def focal_from_lines(segments: Segments, width: int, height: int) -> tuple[float, float] | None:
    """The focal length in pixels and the standard deviation of its logarithm, from the lines alone.

    Args:
        segments: see `verticals.Lines`.
        width, height: of the picture, pixels.
    Returns:
        None where the lines say little about it, or two focal lengths far from each other are about as likely.
    """
    log_likelihood = _log_likelihood(segments)
    if log_likelihood is None:
        return None
    best = int(np.argmax(log_likelihood))
    # Lines that only tell wide from narrow views say no number; `with_lines` has a use for them.
    if log_likelihood[: best + 1].min() > -CLEAR or log_likelihood[best:].min() > -CLEAR:
        return None
    mean, sigma, _ = _moments(log_likelihood)
    return (float(np.exp(mean) * max(width, height)), sigma) if sigma < MOST_SIGMA else None


def with_lines(focal: Focal, segments: Segments, width: int, height: int) -> Focal:
    """An uncertain focal length together with what the lines say, be it only that the view is not as wide; instead of
    `camera.more_certain` with `focal_from_lines`."""
    log_likelihood = None if focal.sigma == 0 else _log_likelihood(segments)
    if log_likelihood is None:
        return focal
    long_side = max(width, height)
    believed = -0.5 * ((LOG_FOCAL - np.log(focal.focal_px / long_side)) / focal.sigma) ** 2
    mean, sigma, evidence = _moments(log_likelihood, believed)
    if sigma > TELLS * focal.sigma or evidence < -SURPRISE:
        return focal
    return Focal(float(np.exp(mean) * long_side), "estimated", sigma)


def _log_likelihood(segments: Segments) -> np.ndarray | None:
    """(len(LOG_FOCAL),) of the focal lengths, 0 for the best one; None where no frame explains the segments well."""
    views = views_of(segments)
    if views is None:
        return None
    fits = explained(views)
    gain = float(np.mean(fits.max(axis=1) / np.sum(views.length > 0, axis=1)))
    if gain < LEAST_GAIN:
        return None
    # Of the same lines, seen again in every picture, no more is learnt.
    fit = fits.mean(axis=0)
    return (fit - fit.max()) / (CAUTION * max(1.0, USUAL_GAIN / gain) ** 2)


def _moments(log_likelihood: np.ndarray, believed: np.ndarray | float = 0.0) -> tuple[float, float, float]:
    """Mean and standard deviation of the logarithm of the focal length, and the logarithm of the likelihood's mean over
    what is believed, a log density."""
    fine = np.linspace(LOG_FOCAL[0], LOG_FOCAL[-1], 1000)
    likelihood = np.exp(PchipInterpolator(LOG_FOCAL, log_likelihood)(fine))
    prior = np.exp(PchipInterpolator(LOG_FOCAL, believed - np.max(believed) + np.zeros(len(LOG_FOCAL)))(fine))
    weight = likelihood * prior / np.sum(prior)
    total = max(float(np.sum(weight)), np.finfo(float).tiny)
    mean = float(np.sum(fine * weight) / total)
    spread = float(np.sqrt(np.sum((fine - mean) ** 2 * weight) / total))
    return mean, float(np.hypot(spread, LENS_SIGMA)), float(np.log(total))
