"""Ends of bones over a motion, and paths for drawing."""

from __future__ import annotations

import numpy as np

from animepose_blender.core import quaternions as quat
from animepose_blender.core.keyframes import bone_ends as module
from animepose_blender.core.keyframes.bone_ends import bone_ends, carried
from animepose_blender.core.keyframes.path_lines import FAINTEST, path_lines
from animepose_blender.core.keyframes.world import Track
from animepose_blender.core.retarget.armature import Armature

F = 7


def _chain(scale: float = 0.01) -> Armature:
    """Two bones up, the second on the first, and one that stands beside them; in centimetres."""
    rest = np.tile(np.eye(4), (3, 1, 1))
    rest[:, :3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]  # along Z
    rest[1, 2, 3], rest[2, 0, 3] = 100.0, 50.0
    world = np.diag([scale, scale, scale, 1.0])
    world[:3, 3] = 1, 2, 3
    return Armature(("a", "b", "c"), np.array([-1, 0, -1]), rest, np.full(3, 100.0), world, np.ones(3, dtype=bool))


def _turn(angle: np.ndarray) -> np.ndarray:
    """(F, 4) about X."""
    return np.stack([np.cos(angle / 2), np.sin(angle / 2), 0 * angle, 0 * angle], axis=1)


def test_a_turned_bone_carries_the_next_and_the_others_stay(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 3)
    angle = np.linspace(0, 1, F)
    heads, tails = bone_ends(_chain(), [Track(0, "QUATERNION", _turn(angle))], F)
    assert heads.shape == tails.shape == (F, 3, 3) and heads.dtype == np.float32
    up = np.stack([0 * angle, -np.sin(angle), np.cos(angle)], axis=1)
    foot = np.array([1.0, 2.0, 3.0])
    assert np.allclose(heads[:, 0], foot) and np.allclose(tails[:, 0], foot + up, atol=1e-6)
    assert np.allclose(heads[:, 1], tails[:, 0]) and np.allclose(tails[:, 1], foot + 2 * up, atol=1e-6)
    assert np.allclose(heads[:, 2], foot + [0.5, 0, 0]) and np.allclose(tails[:, 2], foot + [0.5, 0, 1])


def test_without_tracks_all_is_at_rest():
    heads, tails = bone_ends(_chain(), [], 2)
    assert np.allclose(tails[:, 1], [1, 2, 5]) and len(heads) == 2


def test_the_object_carries_everything_and_may_be_scaled_unevenly():
    armature = carried(_chain())
    assert armature.names == ("", "a", "b", "c") and armature.parents.tolist() == [-1, 0, 1, 0]
    turn = quat.normalize(np.array([1.0, 0, 0, 1.0]))  # a quarter about Z
    tracks = [
        Track(0, "location", np.tile([0, 0, 100.0], (F, 1))),
        Track(0, "QUATERNION", np.tile(turn, (F, 1))),
        Track(0, "scale", np.tile([2.0, 1.0, 0.5], (F, 1))),
    ]
    heads, tails = bone_ends(armature, tracks, F)
    assert np.allclose(heads[:, 3], np.array([1, 2, 3]) + [0, 1.0, 1.0], atol=1e-6)
    assert np.allclose(tails[:, 2], np.array([1, 2, 3]) + [0, 0, 2.0], atol=1e-6)


def test_what_is_not_known_stays_with_the_bone():
    values = _turn(np.linspace(0, 1, F))
    values[3] = np.nan
    heads, tails = bone_ends(_chain(), [Track(1, "QUATERNION", values)], F)
    assert np.isfinite(tails[:, [0, 2]]).all() and np.isfinite(heads[:, 0]).all()
    assert not np.isfinite(tails[3, 1]).any()
    assert np.isfinite(np.delete(tails[:, 1], 3, axis=0)).all()


def test_paths_end_and_fade_around_a_frame():
    frames = np.arange(10.0, 20.0)
    points = np.stack([frames, 0 * frames, 0 * frames], axis=1)[:, None]
    lines, strength = path_lines(points, frames, 14.0, 2.0)
    assert lines.shape == (4, 2, 3) and lines[0, 0, 0] == 12 and lines[-1, 1, 0] == 16
    assert np.all(np.diff(strength[:2]) > 0) and strength[1] == strength[2] and strength.min() > FAINTEST
    lines, strength = path_lines(points, frames, 14.0, np.inf)
    assert len(lines) == 9 and (strength == 1).all()
    points[5] = np.nan
    assert len(path_lines(points, frames, 14.0, np.inf)[0]) == 7
    assert len(path_lines(points, frames, 100.0, 2.0)[0]) == 0
