"""A random picture: camera, people, clothes' colours, light, background and things, all from one seed."""

from __future__ import annotations

import numpy as np

from animepose_blender.skeleton import J

from .bank import Bank
from .drawing import Actor, Camera, Look, Setting

MOST_PEOPLE = 6
NEAREST_M = 0.9
TILTED = 0.12
"""Share of the people who are not upright; no recording has enough of them."""
DARK_SKIN, LIGHT_SKIN = np.array([0.05, 0.025, 0.016]), np.array([0.66, 0.43, 0.33])
_CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
_SIDES = np.array([[0, 1, 3, 2], [4, 5, 7, 6], [0, 1, 5, 4], [2, 3, 7, 6], [0, 2, 6, 4], [1, 3, 7, 5]])
_NORMALS = np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]], float)


def corners_of_box(centre_m: np.ndarray, half_m: np.ndarray, turn_rad: float, paint: np.ndarray) -> np.ndarray:
    """(36, 14) corners of a box's triangles for `Setting`; `paint` (8,) is two colours, pattern and size."""
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    at = (_CUBE * half_m) @ turn.T + centre_m
    order = _SIDES[:, [0, 1, 2, 0, 2, 3]]
    normals = np.repeat(_NORMALS @ turn.T, 6, axis=0)
    return np.concatenate([at[order].reshape(-1, 3), normals, np.tile(paint, (36, 1))], axis=1).astype(np.float32)


def camera_at(eye_m: np.ndarray, target_m: np.ndarray, roll_rad: float, focal_px: float, size: tuple) -> Camera:
    """A camera that looks at a point, rolled about its axis, with its principal point in the middle."""
    forward = (target_m - eye_m) / np.linalg.norm(target_m - eye_m)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(roll_rad), np.sin(roll_rad)
    view = np.eye(4)
    view[:3, :3] = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ np.stack([right, down, forward])
    view[:3, 3] = -view[:3, :3] @ eye_m
    width, height = size
    return Camera(np.array([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]]), view, width, height)


def muted(rng: np.random.Generator, colours: np.ndarray) -> np.ndarray:
    """Linear colours (..., 3) drawn towards grey by random amounts, since cloth and walls are rarely vivid."""
    grey = colours.mean(axis=-1, keepdims=True)
    return grey + rng.beta(1.0, 1.8, grey.shape) * (colours - grey)


def random_look(rng: np.random.Generator) -> Look:
    """Skin from dark to light, clothes of any colour."""
    tone = rng.random()
    skin = np.exp((1 - tone) * np.log(DARK_SKIN) + tone * np.log(LIGHT_SKIN)) * rng.uniform(0.88, 1.12, 3)
    a, b = muted(rng, rng.random((2, 6, 3)) ** 2.5)
    a[0] = b[0] = skin
    a[1] = b[1] = 1.0
    a[2] = b[2] = np.exp(rng.uniform(-4.5, -0.5)) * np.array([1.0, rng.uniform(0.5, 0.95), rng.uniform(0.25, 0.9)])
    kinds = np.where(rng.random(6) < 0.5, 0, rng.integers(1, 6, 6))
    kinds[:3] = 0
    legs = rng.uniform(0, 0.012)
    thickness = np.array([0, 0, 0, legs + rng.uniform(0, 0.012), legs, 0.004])
    gloss = np.array([rng.uniform(0.02, 0.15), 0.4, 0.1, *rng.uniform(0, 0.1, 3)])
    return Look(a, b, kinds, rng.uniform(0.02, 0.25, 6), gloss, thickness)


def _paint(rng: np.random.Generator, size_m: tuple[float, float]) -> np.ndarray:
    base, other = muted(rng, rng.random((2, 3)) ** 1.5)
    if rng.random() < 0.6:
        other = base * rng.uniform(0.4, 1.4)
    return np.concatenate([base, other, [rng.integers(0, 6), rng.uniform(*size_m)]])


def tilted(rng: np.random.Generator) -> np.ndarray:
    """(3, 3) a turn about a level axis by any angle: people who fall, lie, or stand on their hands."""
    heading, angle = rng.uniform(0, 2 * np.pi, 2)
    across = np.array([np.cos(heading), np.sin(heading), 0.0])
    cross = np.cross(np.eye(3), across)
    return np.eye(3) + np.sin(angle) * cross.T + (1 - np.cos(angle)) * (cross @ cross)


def random_picture(
    bank: Bank, rng: np.random.Generator, size: tuple[int, int], harsh: float = 0.0
) -> tuple[Camera, Setting, list[Actor]]:
    """One picture of 1 to 6 people; the first is looked at, 60 px tall to a little taller than the picture.

    Args:
        bank: who is there.
        rng: decides everything.
        size: width and height in pixels.
        harsh: how likely one light is nearly all that there is, as in the sun or on a stage.
    """
    width, height = size
    focal = float(max(size) * rng.uniform(0.7, 2.0))
    tall_px = 60 * (1.2 * height / 60) ** rng.beta(1.6, 1.0)
    distance = max(1.7 * focal / tall_px, 1.8)
    eye = np.array([0.0, -distance, float(np.clip(rng.normal(1.5, 0.7), 0.3, 4.0))])
    reach = 0.35 * width / focal * distance
    target = np.array([rng.uniform(-reach, reach), 0.0, rng.uniform(0.5, 1.2)])
    roll = float(np.radians(rng.normal(0, 4 if rng.random() < 0.85 else 20)))
    camera = camera_at(eye, target, roll, focal, size)
    spots = [np.array([0.0, 0.0])]
    for _ in range(int(rng.choice(MOST_PEOPLE, p=[0.25, 0.25, 0.2, 0.12, 0.1, 0.08]))):
        if rng.random() < 0.5:
            angle = rng.uniform(0, 2 * np.pi)
            spot = spots[rng.integers(len(spots))] + rng.uniform(0.4, 0.9) * np.array([np.cos(angle), np.sin(angle)])
        else:
            far = distance * rng.uniform(0.7, 1.6)
            spot = np.array(
                [target[0] * far / distance + rng.uniform(-0.45, 0.45) * width / focal * far, far - distance]
            )
        apart = min(np.linalg.norm(spot - s) for s in spots)
        if apart > 0.4 and np.linalg.norm(spot - eye[:2]) > 1.5:
            spots.append(spot)
    actors, feet = [], []
    for spot in spots:
        number = int(rng.integers(len(bank.figures)))
        pose = int(rng.integers(len(bank.figures[number].joints_m)))
        angle = rng.uniform(0, 2 * np.pi)
        place = np.eye(4)
        place[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        if rng.random() < TILTED:
            place[:3, :3] = tilted(rng) @ place[:3, :3]
            place[2, 3] = rng.uniform(0.3, 1.2) - (place[:3, :3] @ bank.figures[number].joints_m[pose][0])[2]
        place[:2, 3] = spot
        actors.append(Actor(number, pose, place, random_look(rng)))
        soles = bank.figures[number].joints_m[pose][[J["left_toe"], J["right_toe"]]]
        feet.append(soles @ place[:3, :3].T + place[:3, 3])
    return camera, _setting(rng, distance, spots, np.concatenate(feet), harsh), actors


def _setting(
    rng: np.random.Generator, distance: float, spots: list[np.ndarray], feet_m: np.ndarray, harsh: float
) -> Setting:
    floor = np.array([[-60, -60], [60, -60], [60, 60], [-60, -60], [60, 60], [-60, 60]], float)
    parts = [np.concatenate([floor, np.zeros((6, 1)), np.tile([0, 0, 1], (6, 1)),
                             np.tile(_paint(rng, (0.2, 1.5)), (6, 1))], axis=1)]  # fmt: skip
    if rng.random() < 0.5:  # a wall
        back = rng.uniform(2.0, 8.0) + max(s[1] for s in spots)
        parts.append(corners_of_box(np.array([0, back, 0]), np.array([40, 0.1, 5]), 0.0, _paint(rng, (0.1, 1.0))))
    for k in range(int(rng.integers(0, 9))):
        half = rng.uniform([0.1, 0.1, 0.1], [0.6, 0.6, 0.6])
        along = rng.uniform(0.45, 0.85) - 1 if k < 2 else rng.uniform(0.1, 2.0)  # the first two may be in front
        y = along * distance
        centre = np.array([rng.normal(0, 0.25) * (distance + y), y, half[2]])
        clear = min(np.linalg.norm(centre[:2] - s) for s in spots) > 0.7 + np.hypot(half[0], half[1])
        if clear and distance + y > NEAREST_M + 0.5:
            parts.append(corners_of_box(centre, half, rng.uniform(0, 3), _paint(rng, (0.05, 0.5))))
    lights = rng.normal(size=(3, 3)) + [0, -0.7, 1.2]
    lights /= np.linalg.norm(lights, axis=1, keepdims=True)
    strength = rng.uniform(0, 1, (3, 1)) * np.array([[1.6], [0.8], [rng.integers(0, 2) * 0.8]])
    ambient = rng.uniform(0.25, 0.8)
    if harsh and rng.random() < harsh:
        ambient, strength[0] = np.exp(rng.uniform(*np.log([0.04, 0.3]))), rng.uniform(1.5, 4.0)
    return Setting(
        np.concatenate(parts).astype(np.float32), ambient * rng.uniform(0.8, 1.2, 3),
        strength * rng.uniform(0.7, 1.3, (3, 3)), lights, rng.random(3), rng.random(3),
        np.array([rng.integers(0, 6), rng.uniform(0.05, 0.6), rng.random() * 9]),
        float(np.exp(rng.normal(0.3, 0.45) if harsh else rng.normal(0.5, 0.35))), feet_m,
    )  # fmt: skip
