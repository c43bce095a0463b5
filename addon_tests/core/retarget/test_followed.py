"""A control rig as an armature whose parents tell what moves with what."""

from __future__ import annotations

import numpy as np

from animepose_blender.core import quaternions as quat
from animepose_blender.core.retarget.armature import Armature
from animepose_blender.core.retarget.controls import Controls
from animepose_blender.core.retarget.followed import as_followed

NAMES = ("root", "mch", "finger_ctrl", "arm_ctrl", "hand_ctrl", "def_hand", "def_prop", "mch_prop", "def_tip")
PARENTS = (-1, 0, 1, 0, 3, 4, 4, 5, 7)
DEFORM = {"def_hand", "def_prop", "def_tip"}


def rig() -> Armature:
    rest = np.tile(np.eye(4), (len(NAMES), 1, 1))
    rest[:, 0, 3] = np.arange(len(NAMES))
    deform = np.array([name in DEFORM for name in NAMES])
    return Armature(NAMES, np.array(PARENTS), rest, np.arange(1.0, 10.0), np.eye(4), deform)


def controls(names: tuple[str, ...], turned_by: list[int], placed_by: list[int]) -> Controls:
    count = len(names)
    return Controls(
        names, ("hand.L",) * count, ("joint",) * count, np.tile(np.eye(4), (count, 1, 1)), np.array(turned_by),
        np.tile(quat.IDENTITY, (count, 1)), np.array(placed_by), np.zeros((count, 3)), np.ones(count, bool),
        np.ones(count, bool), np.ones(count, bool),
    )  # fmt: skip


def test_a_control_hangs_on_what_it_follows_and_parents_come_first():
    made = as_followed(rig(), controls(("arm_ctrl", "hand_ctrl", "finger_ctrl"), [-1, 0, 1], [-1, 0, 1]))
    above = {name: made.names[p] if p >= 0 else "" for name, p in zip(made.names, made.parents, strict=True)}
    assert above == {
        "arm_ctrl": "", "hand_ctrl": "arm_ctrl", "finger_ctrl": "hand_ctrl", "def_hand": "hand_ctrl",
        "def_prop": "hand_ctrl", "def_tip": "def_hand",
    }  # fmt: skip


def test_bones_stay_what_and_where_they_are():
    whole = rig()
    made = as_followed(whole, controls(("arm_ctrl", "hand_ctrl", "finger_ctrl"), [-1, 0, 1], [-1, 0, 1]))
    for name, bone in made.index.items():
        theirs = whole.index[name]
        assert np.array_equal(made.rest[bone], whole.rest[theirs]) and made.lengths[bone] == whole.lengths[theirs]
        assert made.deform[bone] == whole.deform[theirs]


def test_where_place_and_orientation_follow_others_the_place_counts():
    made = as_followed(rig(), controls(("arm_ctrl", "hand_ctrl", "finger_ctrl"), [-1, -1, 0], [-1, 0, -1]))
    above = {name: made.names[p] if p >= 0 else "" for name, p in zip(made.names, made.parents, strict=True)}
    assert above["hand_ctrl"] == "arm_ctrl" and above["finger_ctrl"] == "arm_ctrl"
