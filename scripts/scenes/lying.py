"""Somebody who lies on the back and exercises: legs bend and stretch in turn, arms are raised.

No recording holds this, so it is made: the body at rest is laid down, and its limbs are solved for hands and feet that
move smoothly.
"""

from __future__ import annotations

import numpy as np

from .mesh import Body, skin
from .motion import SIDES, Motion, follow, place, solve_limb
from .rotations import turn_about

PERIOD_S = 3.6
"""One leg out and in, and one arm up and down."""


def _wave(time_s: np.ndarray, phase: float) -> np.ndarray:
    return 0.5 - 0.5 * np.cos(2 * np.pi * (time_s / PERIOD_S + phase))


def exercise(body: Body, time_s: np.ndarray) -> Motion:
    """Lying with the feet towards -Y, hips over the origin, at times (F,)."""
    frames = len(time_s)
    across = np.array([1.0, 0.0, 0.0])
    down = turn_about(across, np.array(-np.pi / 2))
    rotations = np.broadcast_to(down, (frames, len(body.base.bones), 3, 3)).copy()
    head = body.bone["head"]
    nod = turn_about(np.broadcast_to(across, (frames, 3)), 0.12 * _wave(time_s, 0.1))
    rotations[:, head] = nod @ rotations[:, head]
    follow(body, rotations, "head")

    # The trunk rests on the floor: its lowest clothed point.
    flat = place(body, rotations, np.zeros((frames, 3)))
    trunk = np.flatnonzero(body.bone_weight("pelvis", "spine_01", "spine_02", "spine_03") > 0.7)
    trunk = np.intersect1d(trunk, body.base.groups["helper-tights"])
    low = skin(body, flat.rotations[0], flat.heads_m[0], trunk)[:, 2].min()
    root = np.zeros((frames, 3)) - [0.0, 0.0, low]
    flat = place(body, rotations, root)

    for s, side in zip(SIDES, (1.0, -1.0), strict=True):
        bent = 0.10 + 0.82 * _wave(time_s, 0.0 if s == "l" else 0.5)
        hip = flat.heads_m[:, body.bone[f"thigh_{s}"]]
        leg = np.linalg.norm(body.heads_m[body.bone[f"calf_{s}"]] - body.heads_m[body.bone[f"thigh_{s}"]])
        foot = body.bone[f"foot_{s}"]
        # The sole is laid down as the knee comes up.
        rotations[:, foot] = turn_about(
            np.broadcast_to(across, (frames, 3)), -np.pi / 2 * 0.9 * (1.0 - np.clip(1.25 * bent, 0, 1))
        )
        ball = body.bone[f"ball_{s}"]
        rotations[:, ball] = rotations[:, foot]
        sole = np.flatnonzero(body.bone_weight(f"foot_{s}", f"ball_{s}") > 0.7)
        sole = np.intersect1d(sole, body.base.groups["helper-tights"])
        rest = body.vertices_m[sole] - body.heads_m[foot]
        under = np.einsum("fij,nj->fni", rotations[:, foot], rest)[..., 2].min(axis=1)
        reach = 2.0 * leg * (0.985 - 0.42 * bent)
        ankle = hip + np.stack([0.02 * side + 0 * reach, -reach, 0 * reach], axis=1)
        ankle[:, 2] = -under
        solve_limb(body, rotations, hip, ankle, f"thigh_{s}", f"calf_{s}", f"foot_{s}")

        shoulder = flat.heads_m[:, body.bone[f"upperarm_{s}"]]
        arm = sum(
            np.linalg.norm(body.heads_m[body.bone[f"{b}_{s}"]] - body.heads_m[body.bone[f"{a}_{s}"]])
            for a, b in (("upperarm", "lowerarm"), ("lowerarm", "hand"))
        )
        # From beside the hip, in an arc, to straight up.
        angle = np.radians(8 + 85 * _wave(time_s, 0.3 if s == "l" else 0.55))
        hand = shoulder + 0.97 * arm * np.stack(
            [side * 0.34 * np.cos(angle), -0.94 * np.cos(angle), np.sin(angle)], axis=1
        )
        hand[:, 2] = np.maximum(hand[:, 2], 0.06)
        solve_limb(body, rotations, shoulder, hand, f"upperarm_{s}", f"lowerarm_{s}", f"hand_{s}")
        rotations[:, body.bone[f"hand_{s}"]] = rotations[:, body.bone[f"lowerarm_{s}"]]
        follow(body, rotations, f"hand_{s}")
    return place(body, rotations, root)
