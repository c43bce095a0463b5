"""Motions for the tests of this folder: walks of our own skeleton, and recordings where they are there."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from animepose_blender.core import quaternions as quat
from animepose_blender.core.reshape.poses import Figure, LegBones, Poses
from animepose_blender.core.synthetic import walking_take

DATA = Path(os.environ.get("ANIMEPOSE_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
"""The folder with `mocap`."""
Z_UP = np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0])


def walk(frames=240, fps=30, person=0, people=1):
    """A figure that walks in a circle, exactly, and its poses; only points that are low and slow are in contact."""
    take = walking_take(people, frames, fps, gaps=False)
    poses = Poses(
        quat.normalize(take.rotations[person].astype(np.float64)),
        take.root_world_m[person].astype(np.float64),
        take.frame_time_s,
        take.contact[person].astype(np.float64),
    )
    figure = Figure.of_skeleton(take.bone_length_m[person])
    if frames > 1:
        speed = np.linalg.norm(np.gradient(figure.soles(poses).reshape(-1, 4, 3), poses.time_s, axis=0), axis=-1)
        poses = replace(poses, contact=poses.contact * (speed < 0.4))
    return figure, poses


def recording(name):
    """A recording of 38 joints, Z up, metres, with contacts by height and speed; skips where it is missing."""
    path = DATA / "mocap" / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"there is no {path.name} in {path.parent}; name the data's folder with ANIMEPOSE_DATA")
    with np.load(path) as file:
        names, parents = [str(n) for n in file["joint_names"]], file["parents"].astype(int)
        offset_m = file["offsets"].astype(np.float64) * 0.01
        rotations, root = quat.normalize(file["rotations"].astype(np.float64)), file["root"].astype(np.float64) * 0.01
        time_s = np.arange(len(root)) / float(file["fps"])
    # Some begin with their rest pose.
    begins = int(angle_deg(rotations[0], rotations[1]).max() > 20)
    rotations, root, time_s = rotations[begins:], root[begins:], time_s[begins:] - time_s[begins]
    tail_m = np.zeros_like(offset_m)
    for joint in range(1, len(parents)):
        tail_m[parents[joint]] = offset_m[joint]
    rest_turn = np.tile(quat.IDENTITY, (len(parents), 1))
    rest_turn[0] = Z_UP
    root_m = quat.rotate(Z_UP, root)
    bare = Figure(parents, offset_m, tail_m, rest_turn)
    _, head_m = bare.forward(rotations, root_m)
    legs = []
    for side in "lr":
        thigh, shin, foot, toes = (names.index(side + part) for part in ("femur", "tibia", "foot", "toes"))
        # The heel is below the ankle, as high as the ball of the foot when that is lowest.
        turned, _ = bare.forward(rotations, root_m)
        flat = int(np.argmin(head_m[:, foot, 2] + head_m[:, toes, 2]))
        down = head_m[flat, foot] * [1.0, 1.0, 0.0] + [0.0, 0.0, head_m[flat, toes, 2]]
        heel = quat.rotate(quat.conjugate(turned[flat, foot]), down - head_m[flat, foot])
        legs.append(LegBones(thigh, shin, foot, np.stack([heel, offset_m[toes]])))
    figure = Figure(parents, offset_m, tail_m, rest_turn, (legs[0], legs[1]))
    poses = Poses(rotations, root_m, time_s, np.zeros((len(time_s), 4)))
    soles_m = figure.soles(poses).reshape(-1, 4, 3)
    height = soles_m[..., 2] - np.percentile(soles_m[..., 2], 5, axis=0)
    speed = np.linalg.norm(np.gradient(soles_m, time_s, axis=0), axis=-1)
    contact = ((height < 0.04) & (speed < 0.4)).astype(np.float64)
    return figure, Poses(rotations, root_m, time_s, contact)


def angle_deg(a, b):
    """(...) degrees between rotations (..., 4)."""
    apart = quat.multiply(quat.conjugate(a), b)
    return np.degrees(2 * np.arctan2(np.linalg.norm(apart[..., 1:], axis=-1), np.abs(apart[..., 0])))
