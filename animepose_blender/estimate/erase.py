"""Take people out of a picture, so that a network sees those beside or behind them."""

from __future__ import annotations

import cv2
import numpy as np

from .backends import PoseObservation, by_index, region_to_picture

RIM = 8
"""Pixels around a matte that its soft rim reaches."""
SHRUNK = 160
"""Width at which the surroundings are blurred, pixels."""


def erase(rgb: np.ndarray, people: list[PoseObservation]) -> np.ndarray:
    """(H, W, 3) the picture without these people."""
    height, width = rgb.shape[:2]
    matte = np.zeros((height, width), np.uint8)
    for person in people:
        layer = _layer(person.mask, region_to_picture(person.region, person.mask.shape[0]), (width, height))
        matte = np.maximum(matte, _grown(layer, person.region[2] * 0.02))
    return blur_out(rgb, matte)


def matte_of_others(
    region: np.ndarray, own: PoseObservation, others: list[tuple[PoseObservation, np.ndarray]]
) -> np.ndarray | None:
    """What to hide around a person: other people's masks, but for what is the person's own.

    Args:
        region: (4,) where the person is looked for.
        own: the person's last observation.
        others: the last observations of the others, each with its (4,) expected region.
    Returns:
        (M, M) uint8 over `region`, or None where nobody is near.
    """
    size = own.mask.shape[0]
    to_crop = cv2.invertAffineTransform(region_to_picture(region, size))
    hidden = np.zeros((size, size), np.uint8)
    for other, expected in others:
        reach = (region[2] + expected[2]) / 2
        if np.abs(expected[:2] - region[:2]).max() < reach:
            hidden = np.maximum(hidden, _layer(other.mask, _chain(to_crop, _moved(other, expected)), (size, size)))
    return matte_of(_layer(own.mask, _chain(to_crop, _moved(own, region)), (size, size)), hidden)


def matte_of(own: np.ndarray, others: np.ndarray) -> np.ndarray | None:
    """What to hide in a crop, by (M, M) uint8 masks of its person and of everybody else; None where there is nobody
    else.

    The others are grown by a little, so that no rim is left; the person's own body by more, since it moves.
    """
    if not (others > 127).any():
        return None
    size = own.shape[0]
    return np.where(_grown(own, size * 0.02) > 127, 0, _grown(others, size * 0.015)).astype(np.uint8)


def blur_out(rgb: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The picture with the blurred surroundings of the matte in its place; what is hidden leaves no ghost."""
    height, width = rgb.shape[:2]
    x, y, wide, high = cv2.boundingRect(matte)
    if wide == 0:
        return rgb.copy()
    # Only what changes is worked on at full size: the matte and its soft rim.
    left, top, right, bottom = max(0, x - RIM), max(0, y - RIM), min(width, x + wide + RIM), min(height, y + high + RIM)
    scale = min(1.0, SHRUNK / width)
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
    scale_x, scale_y = small.shape[1] / width, small.shape[0] / height
    shown = cv2.resize(matte, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = 1 - shown / 255 + 1e-3
    sigma = small.shape[1] / 20
    blurred = cv2.GaussianBlur(small * weight[..., None], (0, 0), sigma)
    blurred /= cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
    # The pixel at u of the whole picture is at (u + 0.5) scale - 0.5 of the small one.
    part = np.array([[1 / scale_x, 0, 0.5 / scale_x - 0.5 - left], [0, 1 / scale_y, 0.5 / scale_y - 0.5 - top]])
    size = (right - left, bottom - top)
    background = cv2.warpAffine(blurred, part, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.GaussianBlur(matte[top:bottom, left:right], (0, 0), 2).astype(np.float32)[..., None] / 255
    result = rgb.copy()
    result[top:bottom, left:right] = rgb[top:bottom, left:right] * (1 - alpha) + background * alpha
    return result


def _moved(observation: PoseObservation, expected: np.ndarray) -> np.ndarray:
    """(2, 3) from the mask's pixels to the picture, carried along to where the person is expected now."""
    to_picture = region_to_picture(observation.region, observation.mask.shape[0]).copy()
    to_picture[:, 2] += expected[:2] - observation.next_region[:2]
    return to_picture


def _chain(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """(2, 3) the affine map that applies `first`, then `second`."""
    return np.concatenate([second[:, :2] @ first[:, :2], (second[:, :2] @ first[:, 2] + second[:, 2])[:, None]], axis=1)


def _layer(mask: np.ndarray, to_target: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.warpAffine(mask, by_index(to_target), size)


def _grown(mask: np.ndarray, pixels: float) -> np.ndarray:
    width = 2 * max(1, round(pixels)) + 1
    return cv2.dilate(mask, np.ones((width, width), np.uint8))
