"""A Bezier segment between two keys, cut in two without a change of its shape."""

from __future__ import annotations

import numpy as np

_HALVINGS = 50


def cut(
    start: np.ndarray, handle: np.ndarray, handle_end: np.ndarray, end: np.ndarray, frame: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The four handles of the two parts.

    Args:
        start, handle, handle_end, end: (2,) frame and value of the keys and of the handles between them.
        frame: between the keys.
    Returns:
        The handle after `start`, those before and after the cut, and that before `end`; (2,) each.
    Reference: de Casteljau; handles that reach beyond the other key are first shortened as Blender does for drawing
        (`BKE_fcurve_correct_bezpart`).
    """
    length = end[0] - start[0]
    out, back = handle - start, handle_end - end
    a = start + out * (length / max(abs(out[0]), length))
    b = end + back * (length / max(abs(back[0]), length))
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        t = (low + high) / 2
        at = (1 - t) ** 3 * start[0] + 3 * t * (1 - t) ** 2 * a[0] + 3 * t * t * (1 - t) * b[0] + t**3 * end[0]
        low, high = (t, high) if at < frame else (low, t)
    t = (low + high) / 2
    first, middle, last = (p + t * (q - p) for p, q in ((start, a), (a, b), (b, end)))
    return first, first + t * (middle - first), middle + t * (last - middle), last
