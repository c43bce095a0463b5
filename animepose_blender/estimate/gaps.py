"""Frames in which somebody is not seen: which of them are filled in, and with what."""

from __future__ import annotations

import numpy as np

from ..skeleton import JOINT_COUNT
from ..take import State
from .predict import History, TrajectoryPredictor, refill
from .view import View

MAX_FILL_S = 4.0
"""Longest absence that is filled whole when the person returns."""
CARRY_ON_S = 1.0
"""Time for which somebody is carried on who does not return, or not for long."""
HISTORY_S = 2.0
"""How much of what was seen before or after a gap is looked at."""


def states(frames: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F,) `State` of somebody seen in the given frames (n,)."""
    state = np.full(len(time_s), State.ABSENT, dtype=np.uint8)
    following = np.append(frames[1:], len(time_s))
    for last, first in zip(frames, following, strict=True):
        if first == last + 1:
            continue
        returns = first < len(time_s) and time_s[first] - time_s[last] <= MAX_FILL_S
        until = first if returns else np.searchsorted(time_s, time_s[last] + CARRY_ON_S, side="right")
        state[last + 1 : min(until, first)] = State.PREDICTED
    state[frames] = State.OBSERVED
    return state


def fill_gaps(
    state: np.ndarray,
    joints_world_m: np.ndarray,
    sigma_m: np.ndarray,
    others_m: np.ndarray,
    view: View,
    predictor: TrajectoryPredictor,
) -> tuple[np.ndarray, np.ndarray]:
    """Joints and uncertainty for every predicted frame of one person.

    Args:
        state: (F,) from `states`.
        joints_world_m: (F, J, 3) as solved where observed.
        sigma_m: (F, 2) the root's uncertainty there, across the ray and along it.
        others_m: (O, F, 3) the other people's roots; NaN where absent.
        view: times and camera.
        predictor: carries people on.
    Returns:
        (F, J, 3) and (F, 2); NaN in all other frames.
    """
    filled_m = np.full((len(state), JOINT_COUNT, 3), np.nan)
    filled_sigma_m = np.full((len(state), 2), np.nan)
    seen = np.flatnonzero(state == State.OBSERVED)
    for gap in runs(state == State.PREDICTED):
        before = _history(seen[seen < gap[0]], joints_world_m, sigma_m, others_m, view, last=True)
        returns = gap[-1] + 1 < len(state) and state[gap[-1] + 1] == State.OBSERVED
        after = _history(seen[seen > gap[-1]], joints_world_m, sigma_m, others_m, view, last=False) if returns else None
        prediction = refill(predictor, before, after, view.time_s[gap])
        filled_m[gap], filled_sigma_m[gap] = prediction.joints_world_m, prediction.root_sigma_m
    return filled_m, filled_sigma_m


def runs(present: np.ndarray) -> list[np.ndarray]:
    """Index ranges of consecutive True values."""
    indices = np.flatnonzero(present)
    return [run for run in np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1) if len(run)]


def _history(
    seen: np.ndarray, joints_world_m: np.ndarray, sigma_m: np.ndarray, others_m: np.ndarray, view: View, *, last: bool
) -> History:
    times = view.time_s[seen]
    near = seen[times >= times[-1] - HISTORY_S] if last else seen[times <= times[0] + HISTORY_S]
    end = near[-1 if last else 0]
    return History(view.time_s[near], joints_world_m[near], others_m[:, near], view.centre_m[near], sigma_m[end])
