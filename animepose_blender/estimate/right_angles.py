"""The frame of three directions at right angles that explains a picture's segments best, for each focal length.

Every segment runs in one of the three directions or is clutter (Coughlan and Yuille, "Manhattan World", 1999). Frames
are sought all over with a map of votes, improved by expectation and maximisation (Kosecka and Zhang, "Video compass",
2002), and followed from one focal length to the next. The principal point may lie a little off the picture's middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from .verticals import END_PX, LONG_SIDE, Segments

WIDEST, NARROWEST = 14 / 36, 120 / 36
"""Focal lengths that are tried, in lengths of the longer side."""
LOG_FOCAL = np.linspace(np.log(WIDEST), np.log(NARROWEST), 34)
COARSE = LOG_FOCAL[1::3]
"""Focal lengths for which the frame is sought all over."""
MOST_PICTURES = 3
MOST_SEGMENTS = 160
"""Longest segments that are used of a picture."""
FEWEST = 20
"""Segments in a picture that are needed."""
SLACK_RAD = np.radians(0.4)
"""How straight and parallel lines are."""
SHARE = 0.2
"""How likely a segment is, beforehand, to run in each of the three directions; what is left is clutter."""
MIDDLE_SIGMA = 0.01
"""How far the principal point is from the middle of the picture, in lengths of the longer side."""
DAMPING = 100.0
"""Added to the information about a turn, 1/rad², so that a frame without lines stays where it is."""
MOST_TURN_RAD = 0.1
"""In one round."""
REACH_PITCH_RAD, REACH_ROLL_RAD = np.radians(37.5), np.radians(30.0)
"""How far people tilt and roll a camera."""
BEYOND_SIGMA_RAD = np.radians(2.0)
LEVEL_SIGMA_RAD = np.radians(12.0)
"""Cameras are held level: of two frames, the one with less roll is likelier."""
GRID_RAD = np.radians(2.5)
CELL_RAD = np.radians(2.0)
VOTE_FOCAL = 1.2
"""Focal length of the map of votes; any would do, this one makes its cells alike."""
VOTE_RAD = np.radians(1.5)
"""Added to the spread of angles, for the width of cells and the steps of the search."""
MOST_VOTE = 0.25
"""A longer segment counts no more than this, in lengths of the longer side, lest one edge outvote a wall."""
STARTS = 3
"""Frames that are followed up for each coarse focal length."""
APART_RAD, ALIKE_RAD = np.radians(9.0), np.radians(4.0)
"""Frames that are followed up are so far apart; improved ones that are nearer than this are one."""
FOLLOWED = 6
"""Frames that are followed over all focal lengths."""


@dataclass(frozen=True, eq=False)
class Views:
    """Segments of V pictures, filled up to n each; lengths in those of the longer side, from the picture's middle."""

    middle: np.ndarray
    """(V, n, 2)."""
    along: np.ndarray
    """(V, n, 2) of length 1."""
    length: np.ndarray
    """(V, n); 0 = no segment."""
    slack: np.ndarray
    """(V, n) standard deviation of the angle, radians."""


@dataclass(frozen=True, eq=False)
class _Frames:
    """B rotations: three directions in camera axes, in columns, and where the picture's axis is."""

    view: np.ndarray
    """(B,) the picture that each belongs to."""
    rotation: np.ndarray
    """(B, 3, 3)."""
    middle: np.ndarray
    """(B, 2) the principal point, lengths of the longer side from the picture's middle."""
    fits: np.ndarray
    """(B,) log likelihood, above that of clutter only."""


def views_of(segments: Segments) -> Views | None:
    """The longest segments of a few pictures; None where all have too few."""
    frames, count = np.unique(segments.frame, return_counts=True)
    frames = frames[count >= FEWEST]
    if len(frames) == 0:
        return None
    frames = frames[np.unique(np.linspace(0, len(frames) - 1, MOST_PICTURES).round().astype(int))]
    long_side = max(segments.size)
    middle, along, length = (np.zeros((len(frames), MOST_SEGMENTS, *more)) for more in ((2,), (2,), ()))
    along[..., 0] = 1
    for view, frame in enumerate(frames):
        ends = (segments.ends_px[segments.frame == frame] - np.array(segments.size) / 2) / long_side
        step = ends[:, 1] - ends[:, 0]
        reach = np.hypot(step[:, 0], step[:, 1])
        longest = np.argsort(-reach)[:MOST_SEGMENTS]
        n = len(longest)
        middle[view, :n] = ends[longest].mean(axis=1)
        along[view, :n] = step[longest] / reach[longest, None]
        length[view, :n] = reach[longest]
    pixels = np.where(length > 0, length * min(LONG_SIDE, long_side), 1)
    return Views(middle, along, length, np.hypot(SLACK_RAD, 2 * END_PX / pixels))


def explained(views: Views) -> np.ndarray:
    """(V, len(LOG_FOCAL)) log likelihood, above that of clutter only, of each picture's segments under the best frame
    for each focal length."""
    return _followed(views, *_sought(views))


def _sought(views: Views) -> tuple[_Frames, np.ndarray]:
    """Frames that explain the segments of each picture well, FOLLOWED a picture, and (B,) numbers of the focal lengths
    in LOG_FOCAL for which they do."""
    tried, cell = _tried()
    found = []
    for number in range(len(views.length)):
        votes = _votes(views, number)[cell].sum(axis=2)
        for coarse, score in enumerate(votes):
            for _ in range(STARTS):
                best = int(np.argmax(score))
                found.append((number, best, 1 + 3 * coarse))
                turned = np.arccos(np.clip((np.einsum("oij,ij->o", tried, tried[best]) - 1) / 2, -1, 1))
                score[turned < APART_RAD] = 0
    view, start, focal = np.array(found).T
    frames = _Frames(view, tried[start], np.zeros((len(start), 2)), np.zeros(len(start)))
    frames = _settled(views, frames, np.exp(LOG_FOCAL[focal]), (3.0, 2.0, 1.5, 1.0, 1.0))
    order = np.lexsort((-frames.fits, frames.view))
    kept: list[int] = []
    for number in range(len(views.length)):
        own: list[int] = []
        for one in order[frames.view[order] == number]:
            if len(own) < FOLLOWED and all(_differ(frames, one, other, focal) for other in own):
                own.append(one)
        kept += own
    return _Frames(frames.view[kept], frames.rotation[kept], frames.middle[kept], frames.fits[kept]), focal[kept]


def _differ(frames: _Frames, one: int, other: int, focal: np.ndarray) -> bool:
    """Whether two frames are not the same one, followed to another focal length."""
    moved = _followed_to(frames.rotation[[one]], LOG_FOCAL[focal[one]] - LOG_FOCAL[focal[other]])[0]
    # The same axes may bear other names.
    alike = np.abs(moved.T @ frames.rotation[other])
    return bool(alike.max(axis=1).min() < np.cos(ALIKE_RAD))


def _followed_to(rotation: np.ndarray, log_ratio: np.ndarray | float) -> np.ndarray:
    """(B, 3, 3) frames whose vanishing points are about where these have them, for a focal length smaller by the
    factor exp(log_ratio)."""
    ratio = np.broadcast_to(np.exp(log_ratio), len(rotation))
    scale = np.stack([ratio, ratio, np.ones_like(ratio)], axis=1)
    u, _, vt = np.linalg.svd(rotation * scale[:, :, None] / ratio[:, None, None] ** (2 / 3))
    return u @ vt


def _followed(views: Views, frames: _Frames, start: np.ndarray) -> np.ndarray:
    """(V, len(LOG_FOCAL)) how well the best frame explains the segments of each picture, for each focal length.

    Args:
        start: (B,) numbers of the focal lengths from which each frame is followed.
    """
    fits = np.full((len(frames.view), len(LOG_FOCAL)), -np.inf)
    fits[np.arange(len(start)), start] = frames.fits
    for way, end in ((1, len(LOG_FOCAL) - 1), (-1, 0)):
        at, row = start, np.arange(len(start))
        now = frames
        while (go := at != end).any():
            at, row = at[go] + way, row[go]
            moved = _followed_to(now.rotation[go], LOG_FOCAL[at - way] - LOG_FOCAL[at])
            now = _Frames(now.view[go], moved, now.middle[go], now.fits[go])
            now = _settled(views, now, np.exp(LOG_FOCAL[at]), (1.0, 1.0))
            fits[row, at] = now.fits
    return np.stack([fits[frames.view == view].max(axis=0) for view in range(len(views.length))])


def _settled(views: Views, frames: _Frames, focal: np.ndarray, widths: tuple[float, ...]) -> _Frames:
    """Frames moved to where they explain the segments best, by expectation and maximisation.

    Args:
        focal: (B,) lengths of the longer side.
        widths: for each round, by how much the angles' spread is widened.
    """
    rotation, middle = frames.rotation, frames.middle
    own = Views(*(getattr(views, name)[frames.view] for name in ("middle", "along", "length", "slack")))
    there = np.where(own.length > 0, 1.0, 0.0)
    for width in widths:
        off, jacobian = _off(own, rotation, middle, focal)
        density, together = _densities(off, own.slack * width)
        weight = density * (there / together / (own.slack * width) ** 2)[..., None]
        jacobian = jacobian.reshape(len(focal), -1, 5)
        weighted = np.swapaxes(jacobian * weight.reshape(len(focal), -1, 1), 1, 2)
        hessian = weighted @ jacobian + np.diag([*[DAMPING] * 3, *[MIDDLE_SIGMA**-2] * 2])
        gradient = (weighted @ off.reshape(len(focal), -1, 1))[..., 0]
        gradient[:, 3:] += middle / MIDDLE_SIGMA**2
        step = -np.linalg.solve(hessian, gradient[..., None])[..., 0]
        turn = np.linalg.norm(step[:, :3], axis=1, keepdims=True)
        turn = step[:, :3] * np.minimum(1, MOST_TURN_RAD / np.maximum(turn, 1e-9))
        rotation, middle = rotation @ Rotation.from_rotvec(turn).as_matrix(), middle + step[:, 3:]
    together = _densities(_off(own, rotation, middle, focal)[0], own.slack)[1]
    fits = np.sum(np.log(together * np.pi) * there, axis=1) - 0.5 * np.sum((middle / MIDDLE_SIGMA) ** 2, axis=1)
    return _Frames(frames.view, rotation, middle, fits + _held(rotation))


def _off(own: Views, rotation: np.ndarray, middle: np.ndarray, focal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(B, n, 3) sines of the angles, in the picture, between segments and the lines from their middles to the vanishing
    points, and (B, n, 3, 5) what turns of the frame, about its own axes, and moves of the principal point add to
    them."""
    f = focal[:, None, None]
    across = np.stack([-own.along[..., 1], own.along[..., 0]], axis=-1)
    spot = own.middle - middle[:, None]
    # Normals of the planes through camera and segments, in the axes of the frame.
    normal = np.concatenate([f * across, -np.sum(across * spot, axis=-1)[..., None]], axis=-1) @ rotation
    away = 1e-9 + np.hypot(
        f * rotation[:, None, 0] - spot[..., :1] * rotation[:, None, 2],
        f * rotation[:, None, 1] - spot[..., 1:] * rotation[:, None, 2],
    )
    jacobian = np.zeros((*normal.shape, 5))
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        jacobian[..., k, i] = -1.0 * normal[..., j]
        jacobian[..., k, j] = normal[..., i]
    jacobian[..., 3:] = rotation[:, None, 2, :, None] * across[:, :, None]
    return normal / away, jacobian / away[..., None]


def _densities(off: np.ndarray, slack: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(B, n, 3) how dense the angles are of segments in each direction, and (B, n) of all and clutter together."""
    spread = slack[..., None]
    density = SHARE / np.sqrt(2 * np.pi) / spread * np.exp(-0.5 * (off / spread) ** 2)
    return density, (1 - 3 * SHARE) / np.pi + density.sum(axis=-1)


def _held(rotation: np.ndarray) -> np.ndarray:
    """(B,) log of how likely people hold a camera so."""
    axis = np.argmax(np.abs(rotation[:, 1]), axis=1)
    down = np.take_along_axis(rotation, axis[:, None, None], axis=2)[..., 0]
    down = down * np.sign(down[:, 1:2])
    pitch, roll = np.arcsin(np.clip(down[:, 2], -1, 1)), np.arctan2(down[:, 0], down[:, 1])
    beyond = np.clip(np.abs(pitch) - REACH_PITCH_RAD, 0, None) + np.clip(np.abs(roll) - REACH_ROLL_RAD, 0, None)
    return -0.5 * (roll / LEVEL_SIGMA_RAD) ** 2 - 0.5 * (beyond / BEYOND_SIGMA_RAD) ** 2


def _tried() -> tuple[np.ndarray, np.ndarray]:
    """(O, 3, 3) frames all over, and (len(COARSE), O, 3) cells of the map of votes where their directions lie."""
    pitch, roll, yaw = (
        reach.ravel()
        for reach in np.meshgrid(
            np.arange(-REACH_PITCH_RAD, REACH_PITCH_RAD + 0.01, GRID_RAD),
            np.arange(-REACH_ROLL_RAD, REACH_ROLL_RAD + 0.01, 2 * GRID_RAD),
            np.arange(0, np.pi / 2, GRID_RAD),
            indexing="ij",
        )
    )
    rotation = Rotation.from_euler("ZXY", np.stack([roll, pitch, yaw], axis=1)).as_matrix()
    scale = np.stack([*[np.exp(COARSE) / VOTE_FOCAL] * 2, np.ones(len(COARSE))], axis=1)
    direction = np.swapaxes(rotation, 1, 2) * scale[:, None, None]
    direction = np.where(direction[..., 2:] < 0, -direction, direction)
    side = np.arctan2(direction[..., 0], direction[..., 2])
    height = np.arctan2(direction[..., 1], np.hypot(direction[..., 0], direction[..., 2]))
    cells = round(np.pi / CELL_RAD)
    row, column = (np.clip(((a + np.pi / 2) / CELL_RAD).astype(int), 0, cells - 1) for a in (side, height))
    return rotation, row * cells + column


def _votes(views: Views, number: int) -> np.ndarray:
    """(cells²,) how much length of segments agrees with the directions of each cell."""
    cells = round(np.pi / CELL_RAD)
    angle = (np.arange(cells) + 0.5) * CELL_RAD - np.pi / 2
    side, height = (a.ravel() for a in np.meshgrid(angle, angle, indexing="ij"))
    x, y, z = np.cos(height) * np.sin(side) * VOTE_FOCAL, np.sin(height) * VOTE_FOCAL, np.cos(height) * np.cos(side)
    mx, my = views.middle[number].T
    ux, uy = views.along[number].T
    normal = np.stack([-uy, ux, uy * mx - ux * my])
    across = (np.stack([x, y, z], axis=1) @ normal).astype(np.float32) ** 2
    away = np.stack([x**2 + y**2, -2 * x * z, -2 * y * z, z**2], axis=1) @ np.stack(
        [np.ones_like(mx), mx, my, mx**2 + my**2]
    )
    tolerance = 2.5 * (views.slack[number] + VOTE_RAD)
    agrees = np.clip(1 - across / (away * tolerance**2 + 1e-9).astype(np.float32), 0, None) ** 2
    return agrees @ np.minimum(views.length[number], MOST_VOTE).astype(np.float32)
