"""Any of the filters on rotations.

Unit quaternions are points on a sphere in four dimensions, and turning all of them by one rotation, from either side,
turns that sphere. Filters that are linear or judge by lengths do not care how the sphere lies: they can work on the
quaternions as vectors, whose result is put back on the sphere. On a sphere of radius 2 lengths are radians: the chord
between rotations an angle apart is 4 sin(angle / 4), 1 % short at 60 degrees. There are no axes to choose, no angles
that wrap at 180 degrees, and several turns on end are one smooth course, since a full turn leads to the other sign.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .continuity import continuous_quaternions

RADIUS = 2.0


def on_rotations(
    filtered: Callable[[np.ndarray, np.ndarray], np.ndarray], rotations: np.ndarray, time_s: np.ndarray
) -> np.ndarray:
    """A filter used on rotations: it does not depend on signs, nor on the axes, and its amounts are in radians.

    Args:
        filtered: of values (F, ..., 4), the length of whose changes is in radians, and times. Those of this package
            that have `together` need it set, so that the four parts are judged as one.
        rotations: (F, ..., 4) quaternions of any length and sign; NaN or no length = not known.
        time_s: (F,).
    Returns:
        (F, ..., 4) unit quaternions on one side of the sphere, beginning with the sign of the first known one; unknown
        where the filter's result is.
    """
    rotations = np.asarray(rotations, dtype=np.float64)
    length = np.linalg.norm(rotations, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = np.where(length > 1e-9, rotations / length, np.nan)
    course = continuous_quaternions(unit)
    result = filtered(RADIUS * course, time_s)
    length = np.linalg.norm(result, axis=-1, keepdims=True)
    # A filter that averages opposite rotations leaves nothing to go by: then the rotation stays as it was.
    lost = length < 1e-6
    return np.where(lost, course, result / np.where(lost, 1.0, length))
