"""What somebody looks like, in a few numbers: the mean colours of parts of the body.

Colours are sampled along the limbs in the crop that the pose was estimated in, where the mask says that the pixel is
the person's own. Two people in unlike clothes are told apart at once, after any time and from any side; two in the
same clothes are not, and then place and pose decide (see `track`).
"""

from __future__ import annotations

import cv2
import numpy as np

ZONES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("head", (("left_ear", "right_ear"), ("nose", "left_ear"), ("nose", "right_ear"))),
    ("upper trunk", (("left_shoulder", "right_shoulder"), ("left_shoulder", "mid"), ("right_shoulder", "mid"))),
    ("lower trunk", (("left_hip", "right_hip"), ("left_hip", "mid"), ("right_hip", "mid"))),
    ("upper arms", (("left_shoulder", "left_elbow"), ("right_shoulder", "right_elbow"))),
    ("thighs", (("left_hip", "left_knee"), ("right_hip", "right_knee"))),
    ("shins", (("left_knee", "left_ankle"), ("right_knee", "right_ankle"))),
)
"""Parts of the body, and the lines between landmarks that run over each; `mid` is the middle of the trunk."""

SAMPLES = np.linspace(0.15, 0.85, 8)
"""Where on each line colours are taken."""
SIGMA = 9.0
"""Usual distance of one person's colour in one zone between two frames, CIELAB units: light, folds, other sides."""
LIGHTNESS_WEIGHT = 0.5
"""Lightness changes with the light more than hue does."""
_MIN_SAMPLES = 4


def zone_colours(crop_rgb: np.ndarray, landmarks_px: dict[str, np.ndarray], mask: np.ndarray) -> np.ndarray:
    """Mean colour of each zone.

    Args:
        crop_rgb: (S, S, 3) uint8.
        landmarks_px: the landmarks that the zones name, each (2,), pixels of the crop; NaN = not seen.
        mask: (S, S) uint8, 255 = the person.
    Returns:
        (Z, 3) CIELAB, L 0 to 100; NaN where a zone is not seen.
    """
    corners = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    points = landmarks_px | {"mid": np.mean([landmarks_px[name] for name in corners], axis=0)}
    ends = np.array([(points[a], points[b]) for _, lines in ZONES for a, b in lines])
    zone = np.repeat(np.arange(len(ZONES)), [len(lines) for _, lines in ZONES])
    at = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * SAMPLES[:, None]
    index = np.floor(np.nan_to_num(at, nan=-1.0)).astype(int)
    size = np.array([mask.shape[1], mask.shape[0]])
    inside = ((index >= 0) & (index < size)).all(axis=-1)
    column, row = np.moveaxis(index.clip(0, size - 1), -1, 0)
    own = inside & (mask[row, column] > 127)
    lab = cv2.cvtColor(crop_rgb[row, column].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    weights = (zone == np.arange(len(ZONES))[:, None])[..., None] * own
    count = weights.sum(axis=(1, 2))
    total = np.einsum("zls,lsc->zc", weights.astype(float), lab)
    return np.where((count >= _MIN_SAMPLES)[:, None], total / np.maximum(count, 1)[:, None], np.nan)


def usual_colours(colours: np.ndarray, least_share: float = 0.0) -> np.ndarray:
    """(Z, 3) medians over (n, Z, 3) colours; NaN for zones that are seen in no more than a share of them."""
    known = (np.isfinite(colours).all(axis=-1).mean(axis=0) > least_share)[:, None]
    return np.where(known, np.nanmedian(np.where(known, colours, 0.0), axis=0), np.nan)


def colour_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How unlike people look, in standard deviations of one person's own change: the mean over the zones both show.

    Args:
        a, b: (..., Z, 3) colours; broadcast.
    Returns:
        (...) 0 for the same looks; 1, which tells nothing, where no zone is seen of both.
    """
    difference = (a - b) * np.array([LIGHTNESS_WEIGHT, 1.0, 1.0]) / SIGMA
    square = np.sum(difference**2, axis=-1)
    known = np.isfinite(square)
    mean = np.where(known, square, 0.0).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)
    return np.where(known.any(axis=-1), np.sqrt(mean), 1.0)
