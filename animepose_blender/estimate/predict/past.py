"""A history at 30 Hz without holes, as the predictors look at it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import bones_of, left_of, rest_directions, unit
from .protocol import History

RATE_HZ = 30.0
LENGTH = 61
"""Samples: the last two seconds."""
BRIDGE_S = 0.25
"""Between known moments further apart than this nothing is taken for known."""


@dataclass(frozen=True, eq=False)
class Past:
    """The last two seconds before somebody was lost, H = `LENGTH` samples, the last one at `end_s`."""

    end_s: float
    root_m: np.ndarray
    """(H, 3); before the first known moment that moment's."""
    directions: np.ndarray
    """(H, J, 3) of the bones, world axes; the same."""
    known: np.ndarray
    """(H,) bool."""
    lengths_m: np.ndarray
    """(J,)."""
    others_m: np.ndarray
    """(O, H, 3) roots; NaN where absent."""
    camera_m: np.ndarray
    """(3,) at the end."""
    start_sigma_m: np.ndarray | None
    """(2,) of the history."""

    @property
    def ray(self) -> np.ndarray:
        """(3,) unit vector from the camera to the person at the end."""
        toward = self.root_m[-1] - self.camera_m
        return unit(toward, np.array([0.0, 1.0, 0.0]))

    def since(self, time_s: np.ndarray) -> np.ndarray:
        """(n,) seconds after the end.

        Raises:
            ValueError: if a time is not after it.
        """
        since_s = np.asarray(time_s, float) - self.end_s
        if (since_s <= 0).any():
            raise ValueError(f"times must be after {self.end_s} s, where the person was last known; got {time_s}")
        return since_s


def gather(history: History) -> Past:
    """Resample a history.

    Raises:
        ValueError: if no pelvis is known.
    """
    seen = np.isfinite(history.joints_world_m[:, 0]).all(axis=-1)
    if not seen.any():
        raise ValueError("a history must know the person's pelvis at one time at least")
    times, joints_m = np.asarray(history.time_s, float)[seen], history.joints_world_m[seen].astype(float)
    root_m, directions, lengths_m = bones_of(joints_m)
    grid_s = times[-1] - np.arange(LENGTH - 1, -1, -1) / RATE_HZ
    others_m = history.others_world_m[..., 0, :] if history.others_world_m.ndim == 4 else history.others_world_m
    around = np.moveaxis(np.asarray(others_m, float), 0, 1)
    around, around_known = _interpolate(np.asarray(history.time_s, float), around, grid_s)
    around = np.where(around_known[:, None, None], around, np.nan)
    root_m, known = _interpolate(times, root_m, grid_s)
    turned, _ = _interpolate(times, _without_holes(times, directions), grid_s)
    camera_m = np.asarray(history.camera_m, float)
    return Past(
        end_s=float(times[-1]),
        root_m=root_m,
        directions=unit(turned, turned),
        known=known,
        lengths_m=lengths_m,
        others_m=np.moveaxis(around, 1, 0),
        camera_m=camera_m if camera_m.ndim == 1 else camera_m[seen][-1],
        start_sigma_m=history.root_sigma_m,
    )


def _interpolate(times: np.ndarray, values: np.ndarray, grid_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values (h, ...) at other times, held before the first, and whether these lie between near samples."""
    after = np.clip(np.searchsorted(times, grid_s - 1e-6), 0, len(times) - 1)
    before = np.maximum(after - 1, 0)
    apart = times[after] - times[before]
    share = np.clip((grid_s - times[before]) / np.maximum(apart, 1e-9), 0.0, 1.0)
    exact = np.abs(grid_s - times[after]) < 1e-6
    share = np.where(exact | (after == before), 1.0, share).reshape(-1, *[1] * (values.ndim - 1))
    # A sample at a known time must not take NaN from its neighbour by 0 * NaN.
    mixed = np.where(share < 1.0, (1 - share) * values[before] + share * values[after], values[after])
    return mixed, exact | ((apart <= BRIDGE_S) & (grid_s >= times[0] - 1e-6))


def _without_holes(times: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Directions (h, J, 3) with what is not known interpolated in time, or taken from the rest pose."""
    holes = ~np.isfinite(directions).all(axis=-1)
    if not holes.any():
        return directions
    left = np.nan_to_num(left_of(directions)).sum(axis=0)
    rest = rest_directions(np.arctan2(-left[0], left[1]))
    filled = directions.copy()
    for joint in np.flatnonzero(holes.any(axis=0)):
        good = ~holes[:, joint]
        if not good.any():
            filled[:, joint] = rest[joint]
            continue
        for axis in range(3):
            filled[~good, joint, axis] = np.interp(times[~good], times[good], directions[good, joint, axis])
    return unit(filled, rest)
