"""The body steadied by the points that stand on the ground."""

from __future__ import annotations

import numpy as np

from ..retarget.easing import bounds, ease, smooth_step
from .series import checked, positive, step_s

FASTEST_M_S = 0.2
"""Speed with which a correction goes on at most when its point lifts: a lifting foot is fast, the body's error slow."""

STANDS_M_S = 0.6
"""A point that goes faster than this over a tenth of a second stands nowhere, whatever is said of it: contacts told
from heights often end late, and the body must not be dragged back by a foot that has gone."""
SPEED_OVER_S = 0.1
LEAST_STEADY = 1e-3
"""Weight of a point that flies, against one at rest."""


def stabilise(
    root_m: np.ndarray,
    points_m: np.ndarray,
    holds: np.ndarray,
    time_s: np.ndarray,
    blend_s: float = 0.15,
    half_life_s: float = 0.15,
    axes: tuple[bool, bool, bool] = (True, True, True),
) -> np.ndarray:
    """Move the root so that each point stands still while it holds: what drifts or trembles there is the body's error.

    A point stands at the mean of its span, in which the frames near both ends count less. Points that hold at a time
    share the correction; each comes and goes over `blend_s`, so that nothing leaps when a foot lands or lifts. Between
    spans, while nothing holds, the correction fades out and in. A point faster than 0.6 m/s does not count as holding.

    Args:
        root_m: (F, ..., 3) world positions.
        points_m: (F, ..., L, 3) world positions of the points that may hold, such as heels and toes, which follow the
            root; NaN = not holding.
        holds: (F, ..., L) bool.
        time_s: (F,).
        blend_s: time in which a point takes its part in full, or gives it up.
        half_life_s: of the correction's fading while nothing holds.
        axes: which of x, y, z may be moved.
    Returns:
        (F, ..., 3). Everything that hangs on the root moves by the difference. Unknown where `root_m` is.
    Raises:
        ValueError: for times that are not above 0, or do not increase, or shapes that do not fit.
    """
    positive(blend_s=blend_s, half_life_s=half_life_s)
    root_m, time_s = checked(root_m, time_s)
    points_m = np.asarray(points_m, dtype=np.float64)
    expected = (*root_m.shape[:-1], points_m.shape[-2], 3)
    if points_m.shape != expected or np.shape(holds) != expected[:-1]:
        raise ValueError(f"points {points_m.shape} and holds {np.shape(holds)} do not fit a root {root_m.shape}")
    known = np.isfinite(points_m).all(axis=-1)
    holds = np.asarray(holds, dtype=bool) & known
    if len(root_m) < 2 or not holds.any():
        return root_m
    points_m = np.where(known[..., None], points_m, 0.0)
    steady = (1 - np.minimum(_speed_m_s(points_m, time_s) / STANDS_M_S, 1)) ** 2
    holds &= steady > 0
    stands_m = _weighted_means(points_m, np.where(holds, steady * _inside(holds, time_s, blend_s), 0.0), *bounds(holds))
    correction_m = ease(stands_m - points_m, holds, time_s, half_life_s, fastest=FASTEST_M_S)
    shared_m = (_parts(holds, steady, time_s, blend_s)[..., None] * correction_m).sum(axis=-2)
    return root_m + shared_m * np.array(axes, dtype=np.float64)


def _speed_m_s(points_m: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F, ..., L) of points (F, ..., L, 3), from a twentieth of a second before to one behind."""
    reach = max(1, round(SPEED_OVER_S / 2 / step_s(time_s)))
    frames = np.arange(len(time_s))
    before, behind = (frames - reach).clip(0), (frames + reach).clip(max=len(frames) - 1)
    span_s = (time_s[behind] - time_s[before]).reshape(-1, *(1,) * (points_m.ndim - 2))
    return np.linalg.norm(points_m[behind] - points_m[before], axis=-1) / span_s


def _inside(holds: np.ndarray, time_s: np.ndarray, blend_s: float) -> np.ndarray:
    """(F, ..., L) 0 to 1: how far inside its span each frame lies; what goes on beyond the clip has no end there."""
    first, last = bounds(holds)
    tall = time_s.reshape(-1, *(1,) * (holds.ndim - 1))
    since_s = np.where(first == 0, np.inf, tall - time_s[first] + step_s(time_s))
    until_s = np.where(last == len(holds) - 1, np.inf, time_s[last] - tall + step_s(time_s))
    return smooth_step(np.minimum(since_s, until_s) / blend_s)


def _parts(holds: np.ndarray, steady: np.ndarray, time_s: np.ndarray, blend_s: float) -> np.ndarray:
    """(F, ..., L) each point's part in the correction, 1 together; 0 if none ever holds.

    A point weighs 1 - exp(-d) / 2 at a distance d inside its span and exp(-d) / 2 outside, d in thirds of `blend_s`:
    the edges are without a kink, and the point nearest in time has the say where none holds.
    A point that rolls along has less of a say than one that rests.
    """
    distance = np.where(holds, _since_other(~holds, time_s), _since_other(holds, time_s)) * 3 / blend_s
    # As logarithms, since after many seconds the weights themselves are too small for numbers.
    with np.errstate(divide="ignore"):
        weight = np.where(holds, np.log1p(-0.5 * np.exp(-distance)), np.log(0.5) - distance)
    weight += np.log(np.maximum(steady, LEAST_STEADY))
    greatest = weight.max(axis=-1, keepdims=True)
    never = np.isneginf(greatest)
    parts = np.where(never, 0.0, np.exp(weight - np.where(never, 0.0, greatest)))
    return parts / np.where(never, 1.0, parts.sum(axis=-1, keepdims=True))


def _since_other(mask: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F, ...) seconds to the nearest frame in which `mask` holds, less half a step; infinite if there is none."""
    count = len(mask)
    frames = np.arange(count).reshape(-1, *(1,) * (mask.ndim - 1))
    before = np.maximum.accumulate(np.where(mask, frames, -1), axis=0)
    after = np.minimum.accumulate(np.where(mask, frames, count)[::-1], axis=0)[::-1]
    tall = time_s.reshape(frames.shape)
    since = np.where(before >= 0, tall - time_s[before.clip(0)], np.inf)
    until = np.where(after < count, time_s[after.clip(max=count - 1)] - tall, np.inf)
    return np.maximum(np.minimum(since, until) - step_s(time_s) / 2, 0.0)


def _weighted_means(points_m: np.ndarray, weight: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """(F, ..., L, 3) the mean over the span of each frame; where nothing weighs, the point itself."""
    sums = np.cumsum(np.concatenate([np.zeros_like(points_m[:1]), weight[..., None] * points_m]), axis=0)
    weights = np.cumsum(np.concatenate([np.zeros_like(weight[:1]), weight]), axis=0)
    total = np.take_along_axis(weights, last + 1, axis=0) - np.take_along_axis(weights, first, axis=0)
    summed = np.take_along_axis(sums, (last + 1)[..., None], axis=0) - np.take_along_axis(
        sums, first[..., None], axis=0
    )
    weighs = (total > 1e-9)[..., None]
    return np.where(weighs, summed / np.where(weighs, total[..., None], 1.0), points_m)
