"""Bone lengths: measured where joints are sure, people's usual proportions where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import kinematics
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.proportions import USUAL_M, bone_lengths
from animepose_blender.skeleton import BONE_COUNT, JOINT_COUNT, JOINTS, MIRROR, REST_LENGTHS_M, J

FRAMES = 60
CERTAIN = np.ones((FRAMES, JOINT_COUNT))
SURE_M = np.full((FRAMES, JOINT_COUNT, 2), 0.002)
UPRIGHT = np.tile([1.0, 0.0, 0.0, 0.0], (FRAMES, BONE_COUNT, 1))


@pytest.fixture(params=[0, 1, 2])
def walker(request) -> tuple[np.ndarray, np.ndarray]:
    """(F, J, 3) joints and (B,) bone lengths of three differently built people."""
    take = walking_take(people=3, frames=FRAMES, gaps=False)
    return take.joints_world_m[request.param].astype(float), take.bone_length_m[request.param].astype(float)


def _usual() -> np.ndarray:
    stems = [name.removeprefix("left_").removeprefix("right_") for name in JOINTS]
    return np.array([USUAL_M[stem][0] if stem in USUAL_M else 0.0 for stem in stems])


def _rest(lengths_m: np.ndarray) -> np.ndarray:
    return kinematics.forward(UPRIGHT, np.zeros((FRAMES, 3)), lengths_m)[0]


def test_lengths_of_sure_joints_are_those_measured(walker):
    joints_m, lengths_m = walker
    np.testing.assert_allclose(bone_lengths(joints_m, CERTAIN, SURE_M, 1.0)[1:], lengths_m[1:], rtol=0.01)


def test_both_sides_are_as_long_however_uneven_the_evidence(rng):
    joints_m = _rest(REST_LENGTHS_M) + rng.normal(0, 0.03, (FRAMES, JOINT_COUNT, 3))
    lengths_m = bone_lengths(joints_m, rng.uniform(size=CERTAIN.shape), 15 * SURE_M, 1.0)
    np.testing.assert_allclose(lengths_m, lengths_m[MIRROR], rtol=1e-12)


def test_frames_that_are_wrong_or_missing_do_little(walker, rng):
    joints_m, lengths_m = walker
    joints_m[rng.permutation(FRAMES)[:12]] *= 1.6
    joints_m[rng.permutation(FRAMES)[:6], J["left_wrist"]] = np.nan
    np.testing.assert_allclose(bone_lengths(joints_m, CERTAIN, SURE_M, 1.0)[1:], lengths_m[1:], rtol=0.03)


def test_the_side_that_is_seen_gives_the_length_of_the_one_that_is_not(walker):
    joints_m, lengths_m = walker
    confidence = CERTAIN.copy()
    hidden = [J[f"left_{name}"] for name in ("elbow", "wrist", "index_knuckle", "pinky_knuckle")]
    joints_m[:, hidden] *= 0.3
    confidence[:, hidden] = 0
    found = bone_lengths(joints_m, confidence, SURE_M, 1.0)
    np.testing.assert_allclose(found[hidden], lengths_m[hidden], rtol=0.03)


@pytest.mark.parametrize("size", [0.65, 1.0, 1.15])
def test_somebody_of_whom_nothing_is_seen_has_usual_proportions(size):
    nothing = np.full((FRAMES, JOINT_COUNT, 3), np.nan)
    lengths_m = bone_lengths(nothing, 0 * CERTAIN, SURE_M, size)
    np.testing.assert_allclose(lengths_m, size * _usual())
    assert lengths_m[0] == 0


def test_unsure_limbs_that_come_out_short_are_of_usual_length():
    """A mean of directions is short: what a network says of an arm that it is not sure of."""
    short = _usual()
    arm = [J["left_wrist"], J["right_wrist"]]
    short[arm] *= 0.7
    unsure_m = np.full((FRAMES, JOINT_COUNT, 2), 0.12)
    found, if_sure = (bone_lengths(_rest(short), CERTAIN, sigma, 1.0)[arm] for sigma in (unsure_m, SURE_M))
    assert (found > 0.82 * _usual()[arm]).all()
    np.testing.assert_allclose(if_sure, short[arm], rtol=0.02)


def test_somebody_larger_than_their_size_says_is_a_little_larger_all_over():
    found = bone_lengths(_rest(1.1 * _usual()), CERTAIN, np.full((FRAMES, JOINT_COUNT, 2), 0.1), 1.0)
    ratio = found[1:] / _usual()[1:]
    assert (ratio > 1.01).all() and (ratio < 1.1).all()
