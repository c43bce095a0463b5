"""The gap between losing somebody and finding them again, filled so that it meets both ends.

The person is carried on from before, f(t), and backwards from after, b(t). Each is bent so that it arrives where the
other begins, with its velocity, by the curve of least acceleration, a cubic; then both are mixed by inverse variance.
With T the length of the gap, s = t / T and e, e' what f misses at T in place and velocity:

    f(t) + (3 s^2 - 2 s^3) e + (s^3 - s^2) T e'

Both ends and both velocities are met by either curve, so by every mixture of them. OC-SORT (Cao et al., 2023) refills
along a straight virtual path instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import above_floor, assemble, bones_of, unit
from .past import gather
from .protocol import History, Prediction, TrajectoryPredictor

STEP_S = 0.02
"""Over which the velocities at both ends are measured."""
LEAST_GROWTH_M_S = 0.05
"""Uncertainty that a prediction gains per second at least, so that the mixture is steady near the ends."""


def refill(predictor: TrajectoryPredictor, before: History, after: History | None, time_s: np.ndarray) -> Prediction:
    """Fill a gap.

    Args:
        predictor: carries people on.
        before: what was known up to the gap.
        after: what is known from its end on; None = the person does not return.
        time_s: (n,) between the last known moment before and the first one after.
    Returns:
        n predictions. With `after`, root and pose leave the last known ones and arrive at the first ones without a
        jump, the root with steady velocity.
    Raises:
        ValueError: if a time does not lie in the gap, or a history knows nobody.
    """
    time_s = np.asarray(time_s, float)
    if after is None:
        return predictor.predict(before, time_s)
    back = after.reversed()
    first, last = _End.of(before), _End.of(back)
    span_s = -last.time_s - first.time_s
    forth = _carry(predictor, before, first, time_s, span_s)
    prior = _carry(predictor, back, last, -time_s, span_s)

    share = (time_s - first.time_s) / span_s
    mix = forth.growth / (forth.growth + prior.growth)
    ahead_m = _bent(forth, share, span_s, last.joints_m[0], -prior.start_velocity_m_s)
    behind_m = _bent(prior, 1 - share, span_s, first.joints_m[0], -forth.start_velocity_m_s)
    root_m = ahead_m + mix[:, None] * (behind_m - ahead_m)

    directions = unit(forth.directions + mix[:, None, None] * (prior.directions - forth.directions), forth.directions)
    lengths_m = first.lengths_m + share[:, None] * (last.lengths_m - first.lengths_m)
    relative_m = assemble(np.zeros_like(root_m), directions, lengths_m)
    near_s = np.minimum(time_s - first.time_s, span_s + first.time_s - time_s)
    depth_m = max(0.0, -float(min(first.joints_m[:, 2].min(), last.joints_m[:, 2].min())))
    root_m = above_floor(root_m, relative_m, near_s, depth_m)
    sigma_m = np.sqrt(1 / (1 / forth.sigma_m**2 + 1 / prior.sigma_m**2))
    return Prediction(root_m[:, None] + relative_m, sigma_m)


@dataclass(frozen=True, eq=False)
class _End:
    """The last moment of a history at which the person is known."""

    time_s: float
    joints_m: np.ndarray
    lengths_m: np.ndarray

    @classmethod
    def of(cls, history: History) -> _End:
        past = gather(history)
        return cls(past.end_s, assemble(past.root_m[-1], past.directions[-1], past.lengths_m), past.lengths_m)


@dataclass(frozen=True, eq=False)
class _Carried:
    """A prediction over the gap, and what bends it to the other end. Velocities in the history's own sense of time."""

    root_m: np.ndarray
    """(n, 3)."""
    directions: np.ndarray
    """(n, J, 3)."""
    sigma_m: np.ndarray
    """(n, 2)."""
    growth: np.ndarray
    """(n,) variance gained since the person was lost, m^2."""
    start_velocity_m_s: np.ndarray
    end_m: np.ndarray
    end_velocity_m_s: np.ndarray


def _carry(predictor: TrajectoryPredictor, history: History, end: _End, time_s: np.ndarray, span_s: float) -> _Carried:
    step_s = min(STEP_S, span_s / 4)
    further_s = end.time_s + np.array([step_s, span_s - step_s, span_s])
    prediction = predictor.predict(history, np.concatenate([time_s, further_s]))
    root_m = prediction.joints_world_m[:, 0]
    variance = (prediction.root_sigma_m**2).sum(axis=-1)
    gained = np.maximum(variance[:-3] - variance[-3], 0.0) + (LEAST_GROWTH_M_S * (time_s - end.time_s)) ** 2
    return _Carried(
        root_m=root_m[:-3],
        directions=bones_of(prediction.joints_world_m[:-3])[1],
        sigma_m=prediction.root_sigma_m[:-3],
        growth=gained,
        start_velocity_m_s=(root_m[-3] - end.joints_m[0]) / step_s,
        end_m=root_m[-1],
        end_velocity_m_s=(root_m[-1] - root_m[-2]) / step_s,
    )


def _bent(
    carried: _Carried, share: np.ndarray, span_s: float, goal_m: np.ndarray, goal_velocity_m_s: np.ndarray
) -> np.ndarray:
    """(n, 3) the path that arrives at a goal with its velocity; `share` is the time since the start over the gap's."""
    s = share[:, None]
    place = (3 - 2 * s) * s**2 * (goal_m - carried.end_m)
    return carried.root_m + place + (s - 1) * s**2 * span_s * (goal_velocity_m_s - carried.end_velocity_m_s)
