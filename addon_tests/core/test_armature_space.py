"""Rotations of pose bones, composed the way Blender does, give the skeleton's joints back."""

import numpy as np

from animepose_blender.core import quaternions as quat
from animepose_blender.core.armature_space import SHOWN, basis_rotations, pelvis_location_m, rest_bones
from animepose_blender.core.kinematics import forward
from animepose_blender.skeleton import BONE_COUNT, PARENTS, REST_JOINTS_M, REST_LENGTHS_M, RIGID


def compose(rest, basis, location_m):
    """Heads (A, 3) and orientations (A, 3, 3): pose = parent's pose * (parent's rest)^-1 * rest * basis."""
    heads, turns = [], []
    for bone, parent in enumerate(rest.parent):
        own = rest.orientation[bone] @ quat.to_matrix(basis[bone])
        if parent < 0:
            heads.append(rest.head_m[bone] + rest.orientation[bone] @ location_m)
            turns.append(own)
        else:
            moved = turns[parent] @ rest.orientation[parent].T
            heads.append(heads[parent] + moved @ (rest.head_m[bone] - rest.head_m[parent]))
            turns.append(moved @ own)
    return np.array(heads), np.array(turns)


def test_composed_like_blender_the_bones_are_where_forward_kinematics_puts_them(rng):
    lengths_m = REST_LENGTHS_M * rng.uniform(0.5, 1.6, BONE_COUNT)
    rotations = quat.normalize(rng.normal(size=(BONE_COUNT, 4)))
    rotations[RIGID] = quat.IDENTITY
    root_m = rng.normal(size=3)
    joints_m, turned = forward(rotations, root_m, lengths_m)
    rest = rest_bones(lengths_m)
    heads, turns = compose(rest, basis_rotations(rotations, rest.orientation), pelvis_location_m(root_m, rest))
    shown = list(SHOWN)
    assert np.allclose(heads, joints_m[np.maximum(PARENTS[shown], 0)], atol=1e-9)
    assert np.allclose(turns, quat.to_matrix(turned[shown]) @ rest.orientation, atol=1e-9)


def test_at_rest_the_skeletons_own_person_is_the_skeletons_rest_pose():
    rest = rest_bones(REST_LENGTHS_M)
    assert np.allclose(rest.joints_m, REST_JOINTS_M, atol=1e-9)
    assert np.allclose(np.linalg.det(rest.orientation), 1.0)
    lengths = np.linalg.norm(rest.tail_m - rest.head_m, axis=-1)
    assert np.allclose(rest.orientation[..., 1] * lengths[:, None], rest.tail_m - rest.head_m)


def test_a_rotation_about_a_bones_own_axis_is_a_rotation_about_y():
    rest = rest_bones(REST_LENGTHS_M)
    for index, bone in enumerate(SHOWN):
        axis = rest.orientation[index, :, 1]
        rotations = np.tile(quat.IDENTITY, (BONE_COUNT, 1))
        rotations[bone] = np.r_[np.cos(0.3), np.sin(0.3) * axis]
        basis = basis_rotations(rotations, rest.orientation)[index]
        assert np.allclose(basis, [np.cos(0.3), 0.0, np.sin(0.3), 0.0], atol=1e-9)
