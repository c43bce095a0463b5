"""Pictures for floors and walls, made of numbers: each repeats without a seam, and has corners to hold on to."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import cv2
import numpy as np

SIZE = 512
"""Side of a picture in pixels; it shows two to four metres."""


def noise(rng: np.random.Generator, coarsest: int, octaves: int = 5) -> np.ndarray:
    """(SIZE, SIZE) in 0-1: noise of several grains, the coarsest with that many lumps along a side; it repeats."""
    total = np.zeros((SIZE, SIZE))
    for octave in range(octaves):
        cells = min(coarsest * 2**octave, SIZE)
        grid = np.tile(rng.random((cells, cells)), (3, 3))
        fine = cv2.resize(grid, (3 * SIZE, 3 * SIZE), interpolation=cv2.INTER_LINEAR)
        total += 0.6**octave * fine[SIZE : 2 * SIZE, SIZE : 2 * SIZE]
    low, high = np.percentile(total, [1, 99])
    return np.clip((total - low) / (high - low), 0.0, 1.0)


def _mix(a: tuple[float, ...], b: tuple[float, ...], share: np.ndarray) -> np.ndarray:
    return np.array(a) + share[..., None] * (np.array(b) - np.array(a))


def _cells(rows: int, columns: int, shift: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and distance to the nearest joint (in rows) of a bond of stones; every other row is shifted."""
    y, x = np.meshgrid(np.arange(SIZE) / SIZE * rows, np.arange(SIZE) / SIZE * columns, indexing="ij")
    row = np.floor(y).astype(int)
    x = (x + shift * (row % 2)) % columns
    column = np.floor(x).astype(int)
    across = np.minimum(x - column, 1 - x + column) * rows / columns
    return row, column, np.minimum(across, np.minimum(y - row, 1 - y + row))


def _stones(
    rng: np.random.Generator,
    rows: int,
    columns: int,
    dark: tuple[float, ...],
    light: tuple[float, ...],
    joint: tuple[float, ...],
    gap: float,
    shift: float = 0.5,
) -> np.ndarray:
    row, column, edge = _cells(rows, columns, shift)
    tone = 0.75 * rng.random((rows, columns))[row, column] + 0.25 * noise(rng, 16)
    return np.where((edge < gap)[..., None], np.array(joint), _mix(dark, light, tone))


def _planks(rng: np.random.Generator) -> np.ndarray:
    image = _stones(rng, 14, 2, (0.38, 0.24, 0.13), (0.66, 0.46, 0.28), (0.14, 0.09, 0.05), 0.03)
    grain = cv2.blur(noise(rng, 64), (61, 1), borderType=cv2.BORDER_REPLICATE)
    return image * (0.8 + 0.4 * grain[..., None])


def _grass(rng: np.random.Generator) -> np.ndarray:
    blades = cv2.blur(rng.random((SIZE, SIZE)), (2, 7), borderType=cv2.BORDER_REPLICATE)
    image = _mix((0.16, 0.27, 0.08), (0.46, 0.55, 0.22), np.clip(2.2 * (blades - 0.3), 0, 1))
    image *= 0.7 + 0.5 * noise(rng, 3)[..., None]
    flowers = rng.integers(0, SIZE, (40, 2))
    for k, (x, y) in enumerate(flowers.tolist()):
        cv2.circle(image, (x, y), 3, [(0.9, 0.9, 0.85), (0.85, 0.75, 0.2)][k % 2], -1)
    return image


def _asphalt(rng: np.random.Generator) -> np.ndarray:
    speckle = (rng.random((SIZE // 2, SIZE // 2)) > 0.9).astype(float)
    speckle = cv2.resize(speckle, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    image = _mix((0.24, 0.24, 0.25), (0.38, 0.38, 0.37), noise(rng, 4)) + 0.16 * speckle[..., None]
    for _ in range(5):  # cracks
        points = np.cumsum(rng.normal(0, 26, (14, 2)), axis=0) + rng.integers(0, SIZE, 2)
        cv2.polylines(image, [points.astype(np.int32)], False, (0.12, 0.12, 0.12), 2)
    return image


def _plaster(rng: np.random.Generator) -> np.ndarray:
    image = _mix((0.72, 0.66, 0.55), (0.84, 0.80, 0.70), noise(rng, 5, 6))
    for x, y in rng.integers(0, SIZE, (26, 2)).tolist():
        cv2.circle(image, (x, y), int(rng.integers(2, 6)), (0.52, 0.46, 0.38), -1)
    return image


def _concrete(rng: np.random.Generator) -> np.ndarray:
    image = _stones(rng, 2, 1, (0.50, 0.50, 0.49), (0.62, 0.62, 0.60), (0.30, 0.30, 0.30), 0.012, 0.0)
    image *= 0.8 + 0.35 * noise(rng, 6, 6)[..., None]
    for x, y in rng.integers(0, SIZE, (30, 2)).tolist():
        cv2.circle(image, (x, y), int(rng.integers(1, 5)), (0.28, 0.28, 0.28), -1)
    return image


def _mats(rng: np.random.Generator) -> np.ndarray:
    row, column, edge = _cells(2, 2, 0.0)
    blue, green = np.array((0.12, 0.28, 0.52)), np.array((0.16, 0.46, 0.40))
    image = np.where(((row + column) % 2 == 0)[..., None], blue, green)
    image = np.where((edge < 0.012)[..., None], 0.08, image)
    return image * (0.8 + 0.35 * noise(rng, 24)[..., None])


def _windows(rng: np.random.Generator) -> np.ndarray:
    """A house front: brick with a window in the middle."""
    image = _stones(rng, 40, 12, (0.45, 0.22, 0.16), (0.64, 0.38, 0.28), (0.70, 0.66, 0.60), 0.07)
    image[130:390, 150:362] = (0.85, 0.83, 0.78)
    image[145:375, 165:347] = _mix((0.10, 0.13, 0.17), (0.36, 0.45, 0.55), noise(rng, 2))[145:375, 165:347]
    image[145:375, 250:262] = image[255:265, 165:347] = (0.85, 0.83, 0.78)
    image[115:130, 140:372] = (0.55, 0.53, 0.50)
    return image


def _leaves(rng: np.random.Generator) -> np.ndarray:
    image = np.full((SIZE, SIZE, 3), (0.10, 0.17, 0.06))
    for k, (x, y) in enumerate(rng.integers(0, SIZE, (2200, 2)).tolist()):
        tone = 0.5 + 0.5 * k / 2200
        colour = tone * np.array((0.34, 0.48, 0.16)) * (0.7 + 0.5 * rng.random())
        cv2.ellipse(image, (x, y), (9, 4), float(rng.integers(0, 180)), 0, 360, colour.tolist(), -1)
    return image


def _bark(rng: np.random.Generator) -> np.ndarray:
    streaks = cv2.blur(noise(rng, 48), (1, 41), borderType=cv2.BORDER_REPLICATE)
    return _mix((0.16, 0.11, 0.08), (0.48, 0.38, 0.28), np.clip(2.5 * (streaks - 0.3), 0, 1))


def _poster(rng: np.random.Generator) -> np.ndarray:
    image = np.tile(rng.uniform(0.3, 0.9, 3), (SIZE, SIZE, 1))
    for _ in range(14):
        colour = rng.uniform(0.05, 0.95, 3).tolist()
        x, y = rng.integers(0, SIZE, 2).tolist()
        size = int(rng.integers(25, 110))
        if rng.random() < 0.5:
            cv2.circle(image, (x, y), size, colour, -1)
        else:
            cv2.rectangle(image, (x, y), (x + 2 * size, y + size), colour, -1)
    return image


MAKERS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "planks": _planks, "grass": _grass, "asphalt": _asphalt, "plaster": _plaster, "concrete": _concrete,
    "mats": _mats, "windows": _windows, "leaves": _leaves, "bark": _bark, "poster": _poster,
    "bricks": lambda rng: _stones(rng, 24, 8, (0.42, 0.18, 0.13), (0.66, 0.36, 0.27), (0.68, 0.64, 0.58), 0.08),
    "paving": lambda rng: _stones(rng, 8, 4, (0.46, 0.43, 0.40), (0.68, 0.64, 0.58), (0.28, 0.27, 0.25), 0.05),
    "tiles": lambda rng: _stones(rng, 6, 6, (0.58, 0.55, 0.50), (0.80, 0.77, 0.70), (0.32, 0.30, 0.28), 0.03, 0.0),
    "panels": lambda rng: _stones(rng, 3, 5, (0.30, 0.38, 0.42), (0.42, 0.52, 0.56), (0.80, 0.80, 0.78), 0.03, 0.0),
}  # fmt: skip


def make(name: str) -> np.ndarray:
    """(SIZE, SIZE, 3) in 0-1, sRGB; a number behind a colon (`poster:3`) gives another of its kind."""
    kind = name.partition(":")[0]
    return np.clip(MAKERS[kind](np.random.default_rng(zlib.crc32(name.encode()))), 0.0, 1.0)
