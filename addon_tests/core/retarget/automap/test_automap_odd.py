"""Odd rigs: more and fewer bones, other rest poses, names that lie, and what is no humanoid."""

from __future__ import annotations

import pytest

from addon_tests.rigs.catalogue import rig
from animepose_blender.core.retarget.automap import is_humanoid, map_automatically
from animepose_blender.core.retarget.slots import MAIN

from . import odd_rigs
from .edited_rig import Rig
from .judged import ODD_FAMILIES, ODDITIES, distorted, judge, odd
from .other_names import CONVENTIONS, renamed_to


def _rig(family: str) -> Rig:
    made = rig(family)
    return Rig.of(made.armature, made.truth)


def _three_of(oddity: str) -> list[str]:
    """Other families for other oddities; `scripts/bench_automap.py` measures them all."""
    first = list(ODDITIES).index(oddity)
    return [ODD_FAMILIES[(first + step) % len(ODD_FAMILIES)] for step in (0, 2, 4)]


@pytest.mark.parametrize("oddity", ODDITIES)
def test_an_odd_rig_with_names_is_mapped(oddity):
    for family in _three_of(oddity):
        case, armature, truth = odd(oddity, family, named=True)
        judged = judge(armature, truth)
        assert judged.right >= 0.95 * judged.slots and judged.humanoid, case
        assert not judged.silently_wrong, case


@pytest.mark.parametrize("oddity", ODDITIES)
def test_an_odd_rig_without_names_is_never_silently_wrong(oddity):
    for family in _three_of(oddity):
        case, armature, truth = odd(oddity, family, named=False)
        assert not judge(armature, truth).silently_wrong, case


@pytest.mark.parametrize("seed", range(4))
def test_another_figure_in_another_rest_pose_is_mapped_by_its_names(seed):
    for family in ODD_FAMILIES:
        case, armature, truth = distorted(family, 1.0, seed, named=True)
        judged = judge(armature, truth)
        assert judged.right >= 0.95 * judged.slots, case
        assert not judged.silently_wrong, case


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_names_of_engines_sensors_and_studios_are_understood(convention):
    made = renamed_to(_rig("mixamo"), convention)
    judged = judge(made.armature(), made.truth)
    assert judged.right == judged.slots
    assert not judged.silently_wrong


@pytest.mark.parametrize("family", ODD_FAMILIES)
def test_sides_that_names_and_shape_disagree_on_are_doubtful(family):
    everything = odd_rigs.swapped_sides(_rig(family))
    rig_map = map_automatically(everything.armature())
    sided = [slot for slot in MAIN if slot[-2:-1] == "."]
    assert set(sided) <= set(rig_map.doubtful)

    arms = odd_rigs.swapped_sides(_rig(family), "shoulder", "upper_arm", "forearm", "hand")
    rig_map = map_automatically(arms.armature())
    assert {slot for slot in sided if slot.startswith(("upper_arm", "forearm", "hand"))} <= set(rig_map.doubtful)


@pytest.mark.parametrize("seed", range(4))
def test_right_names_on_wrong_bones_are_not_believed(seed):
    for family in ODD_FAMILIES:
        shuffled = odd_rigs.shuffled_names(_rig(family), seed)
        assert not judge(shuffled.armature(), shuffled.truth).silently_wrong, family


@pytest.mark.parametrize(
    "make",
    [odd_rigs.quadruped, lambda: odd_rigs.quadruped(False), odd_rigs.lamp_post, odd_rigs.chain, odd_rigs.spider, Rig],
    ids=["dog", "nameless dog", "lamp post", "chain", "spider", "empty"],
)
def test_what_is_no_humanoid_is_not_taken_for_one(make):
    rig_map = map_automatically(make().armature())
    assert not is_humanoid(rig_map)
    assert set(MAIN) <= set(rig_map.doubtful)


def test_the_order_of_bones_does_not_matter():
    one, other = _rig("unreal_5"), _rig("unreal_5")
    other.order = 7
    assert map_automatically(one.armature()).bones == map_automatically(other.armature()).bones


def test_every_filled_slot_has_a_score_between_0_and_1():
    rig_map = map_automatically(_rig("mixamo").armature())
    assert set(rig_map.scores) == set(rig_map.bones)
    assert all(0.0 <= score <= 1.0 for score in rig_map.scores.values())
    assert rig_map.family == ""
