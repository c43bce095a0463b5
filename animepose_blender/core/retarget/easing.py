"""What holds for spans of time and comes and goes softly around them; vectorised over frames, numpy alone."""

from __future__ import annotations

import numpy as np

from .. import quaternions as quat


def step_s(time_s: np.ndarray) -> float:
    """The usual time from frame to frame; 1/30 s of a single frame."""
    return float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1 / 30


def bounds(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last frame of the run of equal values that each frame lies in.

    Args:
        mask: (F, ...) bool.
    Returns:
        Two (F, ...) int arrays.
    """
    frames = np.arange(len(mask)).reshape(-1, *(1,) * (mask.ndim - 1))
    changes = mask[1:] != mask[:-1]
    edge = np.ones((1, *mask.shape[1:]), dtype=bool)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, changes]), frames, 0), axis=0)
    last = np.where(np.concatenate([changes, edge]), frames, len(mask) - 1)
    return first, np.minimum.accumulate(last[::-1], axis=0)[::-1]


def spans(
    probability: np.ndarray, time_s: np.ndarray, begins: float, ends: float, shortest_s: float, gap_s: float
) -> np.ndarray:
    """Where something holds: with hysteresis, without very short gaps and very short spans.

    Args:
        probability: (F, ...) 0 to 1; NaN = 0.
        time_s: (F,).
        begins, ends: it holds from above the one until below the other.
        shortest_s: what goes on beyond the clip is not short.
        gap_s: shorter gaps between two spans are closed.
    Returns:
        (F, ...) bool.
    """
    probability = np.nan_to_num(probability)
    frames = np.arange(len(probability)).reshape(-1, *(1,) * (probability.ndim - 1))
    told = np.maximum.accumulate(np.where((probability > begins) | (probability < ends), frames, -1), axis=0)
    at_last = np.take_along_axis(probability, told.clip(0), axis=0)
    holds = np.where(told < 0, probability > (begins + ends) / 2, at_last > begins)
    for value, least_s in ((False, gap_s), (True, shortest_s)):
        first, last = bounds(holds)
        lasts = time_s[last] - time_s[first] + step_s(time_s)
        inside = (first > 0) & (last < len(holds) - 1)
        holds = holds ^ ((holds == value) & inside & (lasts < least_s * (1 - 1e-6)))
    return holds


def ease(
    value: np.ndarray, known: np.ndarray, time_s: np.ndarray, half_life_s: float, fastest: float = np.inf
) -> np.ndarray:
    """Values that are known in spans, carried on around them: with their speed at the spans' ends, then fading to 0.

    From a span's end the value goes on as a critically damped spring does, x(t) = (x0 + (v0 + y x0) t) exp(-y t), and
    towards the next span's beginning likewise, backwards in time. Between two spans each of them is faded out, so that
    nothing of it is left where the other begins.

    Args:
        value: (F, ..., C); what it is elsewhere does not count.
        known: (F, ...) bool.
        time_s: (F,).
        half_life_s: time in which about half is gone.
        fastest: speed with which a value goes on at most, its unit a second.
    Returns:
        (F, ..., C), as `value` where it is known; 0 if that is nowhere. It has no jumps, nor has its speed, up to
        `fastest`.
    """
    count = len(known)
    frames = np.arange(count).reshape(-1, *(1,) * (known.ndim - 1))
    before = np.maximum.accumulate(np.where(known, frames, -1), axis=0)
    after = np.minimum.accumulate(np.where(known, frames, count)[::-1], axis=0)[::-1]
    damping = 2 * np.log(2.0) / half_life_s
    result = np.zeros_like(value)
    sure = np.where(known[..., None], value, 0.0)
    for end, inwards, there in ((before, -1, before >= 0), (after, 1, after < count)):
        end = np.clip(end, 0, count - 1)
        inner = np.clip(end + inwards, 0, count - 1)
        at_end, at_inner = (np.take_along_axis(sure, index[..., None], axis=0) for index in (end, inner))
        moving = np.take_along_axis(known, inner, axis=0) & (inner != end)
        away_s = np.abs(time_s[end] - time_s.reshape(frames.shape))[..., None]
        apart_s = np.abs(time_s[end] - time_s[inner])[..., None]
        speed = np.where(moving[..., None], (at_end - at_inner) / np.where(apart_s > 0, apart_s, 1.0), 0.0)
        if np.isfinite(fastest):
            speed = speed * (fastest / np.maximum(np.linalg.norm(speed, axis=-1, keepdims=True), fastest))
        spring = (at_end + (speed + damping * at_end) * away_s) * np.exp(-damping * away_s)
        gap_s = np.where((before >= 0) & (after < count), time_s[after.clip(max=count - 1)] - time_s[before], np.inf)
        share = away_s[..., 0] / np.where(gap_s > 0, gap_s, 1.0)
        result += np.where(there & ~known, 1 - smooth_step(share), 0.0)[..., None] * spring
    return result + sure


def smooth_step(share: np.ndarray) -> np.ndarray:
    """0 to 1, level at both ends."""
    share = np.clip(share, 0.0, 1.0)
    return share * share * (3 - 2 * share)


def radius(sigma_s: float, time_s: np.ndarray) -> int:
    """Frames that `gaussian` looks to either side."""
    return max(1, min(round(3 * sigma_s / step_s(time_s)), len(time_s)))


def gaussian(value: np.ndarray, time_s: np.ndarray, sigma_s: float) -> np.ndarray:
    """(F, ...) a smooth course, without delay; the ends go on as they are."""
    reach = radius(sigma_s, time_s)
    kernel = np.exp(-0.5 * (3 * np.arange(-reach, reach + 1) / reach) ** 2)
    padded = np.pad(value, ((reach, reach), *((0, 0),) * (value.ndim - 1)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)
    return windows @ (kernel / kernel.sum())


def above(value: np.ndarray, time_s: np.ndarray, sigma_s: float) -> np.ndarray:
    """(F, ...) a smooth course that is nowhere below `value`: the greatest value around each frame, smoothed."""
    reach = radius(sigma_s, time_s)
    padded = np.pad(value, ((reach, reach), *((0, 0),) * (value.ndim - 1)), mode="edge")
    return gaussian(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0).max(-1), time_s, sigma_s)


def to_vector(q: np.ndarray) -> np.ndarray:
    """(..., 3) rotation vectors, radians, of rotations (..., 4) of at most half a turn."""
    q = np.where(q[..., :1] < 0, -q, q)
    size = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(size, q[..., :1])
    return q[..., 1:] * np.where(size > 1e-12, angle / np.where(size > 1e-12, size, 1.0), 2.0)


def from_vector(vector: np.ndarray) -> np.ndarray:
    """(..., 4) of rotation vectors (..., 3), radians."""
    angle = np.linalg.norm(vector, axis=-1, keepdims=True)
    # sin(x/2)/x = sinc(x / 2 pi) / 2 with numpy's sinc(t) = sin(pi t) / (pi t).
    return quat.normalize(np.concatenate([np.cos(angle / 2), vector * np.sinc(angle / (2 * np.pi)) / 2], axis=-1))
