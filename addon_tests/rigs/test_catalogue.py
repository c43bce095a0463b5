"""The catalogue's rigs stand upright in the world whatever their variant, and their names tell bones apart."""

from __future__ import annotations

import numpy as np
import pytest

from addon_tests.rigs import names
from addon_tests.rigs.catalogue import Variant, families, rig
from animepose_blender.core.retarget.slots import MAIN, parent_of


@pytest.mark.parametrize("family", families())
def test_a_rig_has_the_main_slots_on_bones_that_hang_as_they_should(family):
    made = rig(family)
    assert set(MAIN) <= set(made.truth)
    armature = made.armature
    if family == "rigify":
        return  # its controls hang on each other by constraints
    for slot, bone in made.truth.items():
        above = parent_of(slot, made.truth)
        chain, parent = [], armature.parents[armature.index[bone]]
        while parent >= 0:
            chain.append(armature.names[parent])
            parent = armature.parents[parent]
        if family != "auto_rig_pro":
            assert above is None or made.truth[above] in chain, (slot, above)


@pytest.mark.parametrize(
    "variant",
    [
        Variant(unit_m=0.01, object_x_deg=90.0),
        Variant(unit_m=100.0, object_x_deg=-90.0),
        Variant(rolls=3, place_m=(0.0, 0.0, 0.0)),
    ],
)
def test_variants_of_units_and_axes_stand_at_the_same_place(variant):
    plain, other = rig("unreal_5").armature, rig("unreal_5", variant).armature
    assert other.names == plain.names
    assert np.allclose(other.in_world(other.heads), plain.in_world(plain.heads), atol=1e-9)
    assert np.allclose(other.in_world(other.tails), plain.in_world(plain.tails), atol=1e-9)
    assert np.isclose(other.scale, variant.unit_m)
    turns = other.rest[:, :3, :3]
    assert np.allclose(turns @ turns.transpose(0, 2, 1), np.eye(3), atol=1e-9)
    assert np.allclose(np.linalg.det(turns), 1.0)


def test_a_turned_figure_looks_the_other_way_and_a_lowered_arm_points_down():
    turned = rig("mixamo", Variant(facing_deg=180.0))
    at = turned.armature.index
    toe, foot = (turned.armature.heads[at[turned.truth[slot]]] for slot in ("toe.L", "foot.L"))
    assert toe[1] > foot[1] and toe[0] < 0
    lowered = rig("mixamo", Variant(pose="A"))
    at = lowered.armature.index
    shoulder, elbow, wrist = (
        lowered.armature.heads[at[lowered.truth[slot]]] for slot in ("upper_arm.R", "forearm.R", "hand.R")
    )
    along = (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
    assert along[0] < 0 and np.isclose(along[2], -np.sqrt(0.5), atol=1e-6)
    assert wrist[1] < elbow[1]


@pytest.mark.parametrize("language", names.LANGUAGES)
@pytest.mark.parametrize("sides", names.SIDES)
def test_words_of_a_language_name_every_bone(language, sides):
    made = rig("mixamo", Variant(renaming=language, sides=sides))
    assert len(set(made.armature.names)) == len(made.bones)
    assert len(set(made.truth.values())) == len(made.truth)


@pytest.mark.parametrize(
    "renaming", [r for r in names.RENAMINGS if r not in ("upper", "lower", "spaces", "underscores", "dashes")]
)
def test_renamings_keep_the_bones(renaming):
    for family in families():
        assert len(rig(family, Variant(renaming=renaming)).bones) == len(rig(family).bones)
