"""The truth of a rendered scene: joints, what of them is seen, and when feet carry weight."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from mathutils.bvhtree import BVHTree

from animepose_blender.skeleton import CONTACT_JOINTS, JOINT_COUNT, JOINTS, J

from .clothing import texture_mask
from .mesh import Body, skin
from .motion import Motion

CONTACT_HEIGHT_M = {"heel": 0.035, "toe": 0.03}
"""Height of the joint, which lies on the skin a shoe's sole above the floor, up to which a foot can carry weight."""
CONTACT_SPEED_M_S = 0.30
"""1 cm in 1/30 s."""

BONE_JOINTS = {
    "elbow": "lowerarm",
    "wrist": "hand",
    "shoulder": "upperarm",
    "hip": "thigh",
    "knee": "calf",
    "ankle": "foot",
}
KNUCKLES = {"index_knuckle": "index_01", "pinky_knuckle": "pinky_01"}

DEPTH_M = {
    "pelvis": 0.20, "spine": 0.18, "chest": 0.20, "neck": 0.12, "head_top": 0.08, "nose": 0.025, "ear": 0.035,
    "shoulder": 0.11, "elbow": 0.07, "wrist": 0.055, "index_knuckle": 0.035, "pinky_knuckle": 0.035,
    "hip": 0.17, "knee": 0.095, "ankle": 0.075, "heel": 0.05, "toe": 0.05,
}  # fmt: skip
"""How deep under the person's own surface each joint may lie and still count as seen, metres."""

SKIN_POINTS = 100
"""Points of each person's surface that tell how much of the person is hidden."""


def _nearest(body: Body, candidates: np.ndarray, target_dm: tuple[float, float, float]) -> int:
    distance = np.linalg.norm(body.base.vertices_dm[candidates] - target_dm, axis=1)
    return int(candidates[np.argmin(distance)])


def surface_joints(body: Body) -> dict[str, int]:
    """The vertex of the skin that stands for each joint that lies on it."""
    base = body.base
    skin_part = base.groups["body"]
    at = body.vertices_m
    near_middle = skin_part[np.abs(at[skin_part, 0]) < 0.01]
    head = near_middle[body.bone_weight("head")[near_middle] > 0.9]
    ears = np.flatnonzero(texture_mask(base, "ears") > 0.3)
    found = {
        # Of the middle of the face the nose is foremost, between eyes and mouth.
        "nose": int(
            min(head[(base.vertices_dm[head, 1] > 6.75) & (base.vertices_dm[head, 1] < 7.25)], key=lambda v: at[v, 1])
        ),
        "head_top": int(head[np.argmax(at[head, 2])]),
    }
    for side, s, sign in (("left", "l", 1.0), ("right", "r", -1.0)):
        foot = skin_part[body.bone_weight(f"foot_{s}", f"ball_{s}", f"calf_{s}")[skin_part] > 0.9]
        foot = foot[at[foot, 2] < body.heads_m[body.bone[f"foot_{s}"], 2]]
        big_toe = foot[np.linalg.norm(at[foot] - body.centre(f"joint-{s}-toe-1-3"), axis=1) < 0.03]
        found[f"{side}_heel"] = int(foot[np.argmax(at[foot, 1] - at[foot, 2])])
        found[f"{side}_toe"] = int(big_toe[np.argmin(at[big_toe, 1])])
        found[f"{side}_ear"] = _nearest(body, ears, (sign * 0.72, 7.06, 0.62))
    return found


def _inner_joints(body: Body) -> dict[str, tuple[str, np.ndarray]]:
    """For each joint inside the body its bone and its place at rest."""

    def head(bone: str) -> np.ndarray:
        return body.heads_m[body.bone[bone]]

    hips = 0.5 * (head("thigh_l") + head("thigh_r"))
    # The base of the neck: half-way between the seventh cervical vertebra and the inner ends of the collarbones.
    neck = 0.5 * head("neck_01") + 0.25 * (head("clavicle_l") + head("clavicle_r"))
    found = {"pelvis": ("pelvis", hips), "neck": ("spine_03", neck)}
    line = [
        ("pelvis", hips),
        *((name, head(name)) for name in ("spine_01", "spine_02", "spine_03")),
        ("spine_03", neck),
    ]
    lengths = np.array([np.linalg.norm(b - a) for (_, a), (_, b) in pairwise(line)])
    reached = np.concatenate([[0.0], np.cumsum(lengths)])
    for name, share in (("spine", 1 / 3), ("chest", 2 / 3)):
        way = share * reached[-1]
        k = int(np.searchsorted(reached, way, side="right")) - 1
        bone, a = line[k]
        found[name] = (bone, a + (way - reached[k]) / lengths[k] * (line[k + 1][1] - a))
    for side, s in (("left", "l"), ("right", "r")):
        for joint, bone in {**BONE_JOINTS, **KNUCKLES}.items():
            found[f"{side}_{joint}"] = (f"{bone}_{s}", head(f"{bone}_{s}"))
    return found


def joints_world_m(body: Body, motion: Motion) -> np.ndarray:
    """(F, 28, 3) all joints of the project's skeleton, metres."""
    joints = np.full((len(motion.rotations), JOINT_COUNT, 3), np.nan)
    for name, (bone, rest) in _inner_joints(body).items():
        b = body.bone[bone]
        joints[:, J[name]] = motion.heads_m[:, b] + motion.rotations[:, b] @ (rest - body.heads_m[b])
    on_skin = surface_joints(body)
    vertices = np.array(list(on_skin.values()))
    joints[:, [J[name] for name in on_skin]] = skin(body, motion.rotations, motion.heads_m, vertices)
    return joints


def contacts(joints_m: np.ndarray, frame_time_s: np.ndarray) -> np.ndarray:
    """(P, F, 4) bool: left heel, left toe, right heel, right toe stand on the floor.

    Args:
        joints_m: (P, F, 28, 3).
        frame_time_s: (F,).
    """
    feet = joints_m[:, :, list(CONTACT_JOINTS)]
    speed = np.linalg.norm(np.gradient(feet, frame_time_s, axis=1), axis=-1)
    height = np.array([CONTACT_HEIGHT_M[JOINTS[joint].split("_")[1]] for joint in CONTACT_JOINTS])
    return (feet[..., 2] < height) & (speed < CONTACT_SPEED_M_S)


def look(
    surfaces: list[tuple[np.ndarray, np.ndarray]],
    joints_m: np.ndarray,
    camera_m: np.ndarray,
    things: BVHTree | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a camera sees of people in one frame, the picture's edges aside.

    A joint is seen if the first surface on the way to it is its own person's, and no further in front of it than that
    part of the body is thick. It is covered if somebody else or a thing is in front of it and of its own person.

    Args:
        surfaces: each person's vertices (n, 3) and faces (m, 4).
        joints_m: (P, 28, 3).
        camera_m: (3,).
        things: everything else that can stand in the way.
    Returns:
        (P, 28) bool seen, (P, 28) bool covered, and (P, n) bool: which of SKIN_POINTS points of each one's surface, at
        even steps over its vertices, nobody and nothing else stands in front of; n is SKIN_POINTS.
    """
    trees = [BVHTree.FromPolygons(vertices.tolist(), faces.tolist()) for vertices, faces in surfaces]
    depth = np.array([DEPTH_M[name.removeprefix("left_").removeprefix("right_")] for name in JOINTS])
    origin = camera_m.tolist()

    def nearest(target: np.ndarray, among: list[BVHTree]) -> tuple[float, list[float]]:
        ray = target - camera_m
        distance = float(np.linalg.norm(ray))
        direction = (ray / distance).tolist()
        hits = [tree.ray_cast(origin, direction)[3] for tree in among]
        return distance, [np.inf if hit is None else hit for hit in hits]

    seen, covered = np.zeros(joints_m.shape[:2], dtype=bool), np.zeros(joints_m.shape[:2], dtype=bool)
    open_skin = np.zeros((len(surfaces), SKIN_POINTS), dtype=bool)
    for person, (vertices, _) in enumerate(surfaces):
        among = [tree for k, tree in enumerate(trees) if k != person]
        among = [trees[person], *among, *([] if things is None else [things])]
        for joint in range(joints_m.shape[1]):
            distance, (own, *others) = nearest(joints_m[person, joint], among)
            covered[person, joint] = min(others, default=np.inf) < min(own, distance)
            seen[person, joint] = not covered[person, joint] and own >= distance - depth[joint]
        for k, vertex in enumerate(skin_points(len(vertices))):
            distance, others = nearest(vertices[vertex], among[1:])
            open_skin[person, k] = min(others, default=np.inf) > distance - 0.005
    return seen, covered, open_skin


def skin_points(vertex_count: int) -> np.ndarray:
    """(SKIN_POINTS,) indices of vertices at even steps."""
    return np.linspace(0, vertex_count - 1, SKIN_POINTS).astype(int)


def visible(surfaces: list[tuple[np.ndarray, np.ndarray]], joints_m: np.ndarray, camera_m: np.ndarray) -> np.ndarray:
    """(P, 28) bool: which joints a camera sees in one frame; see `look`."""
    return look(surfaces, joints_m, camera_m)[0]


def save_truth(path: Path, **arrays: np.ndarray) -> None:
    """Write `truth.npz` in one go: to a temporary name, then renamed."""
    temporary = path.with_name(path.name + ".part.npz")
    np.savez_compressed(temporary, **arrays)
    temporary.replace(path)
