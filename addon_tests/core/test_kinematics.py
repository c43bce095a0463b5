"""Forward kinematics, against a chain of SciPy rotations written out joint by joint."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from animepose_blender.core import quaternions as quat
from animepose_blender.core.kinematics import forward, to_local
from animepose_blender.skeleton import JOINT_COUNT, PARENTS, REST_DIRECTIONS, REST_LENGTHS_M, J


@pytest.fixture
def pose(rng):
    """(2, 3, B, 4) rotations, (2, 3, 3) roots, (2, 1, B) lengths."""
    rotations = quat.normalize(rng.normal(size=(2, 3, JOINT_COUNT, 4)))
    return rotations, rng.normal(size=(2, 3, 3)), REST_LENGTHS_M * rng.uniform(0.8, 1.2, size=(2, 1, JOINT_COUNT))


def test_agrees_with_a_chain_of_scipy_rotations(pose):
    rotations, root, lengths = pose
    joints, turned = forward(rotations, root, lengths)
    for person, frame in np.ndindex(2, 3):
        local = Rotation.from_quat(np.roll(rotations[person, frame], -1, axis=-1))
        whole: list[Rotation] = []
        places: list[np.ndarray] = []
        for joint in range(JOINT_COUNT):
            parent = PARENTS[joint]
            if parent < 0:
                whole.append(local[joint])
                places.append(root[person, frame])
                continue
            whole.append(whole[parent] * local[joint])
            bone = whole[joint].apply(lengths[person, 0, joint] * REST_DIRECTIONS[joint])
            places.append(places[parent] + bone)
        np.testing.assert_allclose(joints[person, frame], places, atol=1e-12)
        matrices = np.stack([rotation.as_matrix() for rotation in whole])
        np.testing.assert_allclose(quat.to_matrix(turned[person, frame]), matrices, atol=1e-12)


def test_bones_have_the_lengths_that_were_asked_for(pose):
    joints, _ = forward(*pose)
    lengths = np.linalg.norm(joints[..., 1:, :] - joints[..., PARENTS[1:], :], axis=-1)
    np.testing.assert_allclose(lengths, np.broadcast_to(pose[2][..., 1:], lengths.shape), atol=1e-12)


def test_to_local_undoes_forward(pose):
    rotations = pose[0]
    _, turned = forward(*pose)
    np.testing.assert_allclose(np.abs((to_local(turned) * rotations).sum(-1)), 1.0, atol=1e-12)


def test_turning_the_pelvis_turns_everybody_about_it(pose):
    rotations, root, lengths = pose
    turn = quat.normalize(np.array([0.9, 0.1, -0.3, 0.2]))
    joints, _ = forward(rotations, root, lengths)
    rotations = rotations.copy()
    rotations[..., 0, :] = quat.multiply(turn, rotations[..., 0, :])
    turned, _ = forward(rotations, root, lengths)
    np.testing.assert_allclose(turned - root[..., None, :], quat.rotate(turn, joints - root[..., None, :]), atol=1e-12)


def test_a_joint_moves_only_what_hangs_below_it(pose):
    rotations, root, lengths = pose
    bent = rotations.copy()
    bent[..., J["left_elbow"], :] = quat.IDENTITY
    moved = np.linalg.norm(forward(bent, root, lengths)[0] - forward(rotations, root, lengths)[0], axis=-1) > 1e-9
    below = {"left_elbow", "left_wrist", "left_index_knuckle", "left_pinky_knuckle"}
    assert {name for name, index in J.items() if moved[..., index].any()} == below
