"""How sure a take is of each bone: as sure as its joints, drawn apart for every eye, and in few keys."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.armature_space import SHOWN_NAMES
from animepose_blender.core.finger_space import NAMES
from animepose_blender.core.retarget.slots import SLOTS
from animepose_blender.core.review.confidence import (
    DASHES,
    JOINTS_OF,
    confidence_of,
    dashed,
    known_bones,
    least_sure,
    linear_keys,
    look_of,
    sources_of,
    unsure,
)
from animepose_blender.core.review.doubts import LOW_CONFIDENCE, Kind
from animepose_blender.core.synthetic import walking_take
from animepose_blender.skeleton import J
from animepose_blender.take import State

from .review_takes import full_take


@pytest.fixture
def take():
    """Somebody who is surely seen in all of 60 frames."""
    take = walking_take(1, 60, gaps=False)
    take.joint_confidence[:] = 0.95
    return take


def of(take, *bones, frames=slice(None)):
    return confidence_of(take, 0, sources_of(bones), frames)


def test_every_bone_and_slot_but_the_root_is_known():
    assert {*SHOWN_NAMES, *NAMES, *SLOTS} - {"root"} == {*JOINTS_OF}


def test_a_bone_is_as_sure_as_the_less_sure_of_its_joints(take):
    take.joint_confidence[0, 10:20, J["left_wrist"]] = 0.3
    take.joint_confidence[0, 15:30, J["left_elbow"]] = 0.6
    upper, fore, hand, other = of(take, "upper_arm.L", "forearm.L", "hand.L", "forearm.R").T
    np.testing.assert_allclose(upper[[5, 12, 16, 25]], [0.95, 0.95, 0.6, 0.6], atol=1e-6)
    np.testing.assert_allclose(fore[[5, 12, 16, 25]], [0.95, 0.3, 0.3, 0.6], atol=1e-6)
    np.testing.assert_allclose(hand[[5, 12, 16, 25]], [0.95, 0.3, 0.3, 0.95], atol=1e-6)
    np.testing.assert_allclose(other, 0.95, atol=1e-6)


def test_one_frame_and_all_frames_say_the_same():
    take = full_take(2, 60)
    sources = sources_of(known_bones(take, list(JOINTS_OF)))
    for person in (0, 1):
        everything = confidence_of(take, person, sources)
        for frame in (0, 17, 59):
            np.testing.assert_array_equal(
                confidence_of(take, person, sources, slice(frame, frame + 1)), everything[[frame]]
            )


def test_what_nobody_saw_has_no_confidence(take):
    take.state[0, :5], take.state[0, 5:9] = State.ABSENT, State.PREDICTED
    assert (of(take, "head", "foot.L")[:9] == 0).all() and (of(take, "head", "foot.L")[9:] > 0).all()
    take.joint_confidence[0, 20] = np.nan
    assert (of(take, "head")[20] == 0).all()


def test_fingers_are_as_sure_as_their_hand_and_unknown_to_a_take_without():
    take = full_take(1)
    take.state[:] = State.OBSERVED
    assert known_bones(take, ["index_1.L", "head", "tail"]) == ["index_1.L", "head"]
    np.testing.assert_array_equal(of(take, "index_1.L", "thumb_3.R"), take.extras["hand_confidence"][0])
    assert known_bones(walking_take(1, 5), ["index_1.L", "head", "root"]) == ["head"]


def luminance(colours):
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_sure_bones_are_brighter_and_thinner_than_unsure_ones():
    colours, widths = look_of(np.array([0.01, 0.5, 0.9]))
    assert (np.diff(luminance(colours[:, :3])) > 0.05).all() and (np.diff(widths) < 0).all()
    red, yellow, green = colours[:, :3]
    assert red.argmax() == green.argmax() - 1 == 0 and min(yellow[:2]) > 2 * yellow[2]


def test_eyes_that_do_not_tell_red_from_green_see_three_colours_as_well():
    # Vienot, Brettel and Mollon (1999): what a deuteranope sees of linear RGB.
    seen = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    colours, _ = look_of(np.array([0.01, 0.5, 0.9]))
    like = (colours[:, :3] ** 2.2) @ seen.T
    apart = np.linalg.norm(like[:, None] - like[None], axis=-1)[np.triu_indices(3, 1)]
    assert apart.min() > 0.25


def test_what_nobody_saw_is_grey():
    colours, _ = look_of(np.array([0.0, 0.02]))
    assert np.ptp(colours[0, :3]) < 0.05 < np.ptp(colours[1, :3])


def test_dashes_cover_a_line_from_end_to_end():
    lines = np.array([[(0.0, 0.0, 0.0), (9.0, 0.0, 0.0)], [(1.0, 1.0, 1.0), (1.0, 10.0, 1.0)]])
    dashes = dashed(lines)
    assert dashes.shape == (2 * DASHES, 2, 3)
    np.testing.assert_allclose(dashes[0, 0], lines[0, 0])
    np.testing.assert_allclose(dashes[DASHES - 1, 1], lines[0, 1])
    np.testing.assert_allclose(dashes[DASHES, 0], lines[1, 0])
    np.testing.assert_allclose(np.linalg.norm(dashes[:, 1] - dashes[:, 0], axis=-1), 9 / (2 * DASHES - 1))


@pytest.mark.parametrize("seed", range(5))
def test_lines_between_few_keys_stay_within_the_tolerance(seed):
    rng = np.random.default_rng(seed)
    frames = np.cumsum(rng.uniform(0.2, 2.0, 400))
    values = np.clip(0.7 + np.cumsum(rng.normal(0, 0.03, (7, 400)), axis=1), 0, 1)
    values[0], values[1] = 0.4, frames / frames[-1]
    values[2, 100:200] = 0
    keyed = linear_keys(frames, values, 0.02)
    for own, keys in zip(values, keyed, strict=True):
        assert np.abs(np.interp(frames, frames[keys], own[keys]) - own).max() <= 0.02
    assert keyed.sum(axis=1)[:2].tolist() == [2, 2] and keyed.mean() < 0.5


def test_keys_of_one_and_two_samples():
    assert linear_keys(np.array([1.0]), np.ones((2, 1))).tolist() == [[True], [True]]
    assert linear_keys(np.array([1.0, 2.0]), np.ones((1, 2))).tolist() == [[True, True]]


def test_doubts_are_those_of_the_bones_alone(take):
    take.joint_confidence[0, 10:20, J["left_wrist"]] = 0.2
    take.joint_confidence[0, 40:50, J["right_knee"]] = 0.1
    (arm,) = unsure(take, 0, ["forearm.L", "upper_arm.L"])
    assert (arm.start, arm.stop, arm.kind, arm.person) == (10, 20, Kind.LOW_CONFIDENCE, 1)
    assert arm.severity == pytest.approx(1 - 0.2 / LOW_CONFIDENCE)
    assert least_sure(take, 0, ["upper_arm.L", "forearm.L"], arm) == "forearm.L"
    assert unsure(take, 0, ["upper_arm.L", "head"]) == unsure(take, 0, []) == []
    assert [(one.start, one.stop) for one in unsure(take, 0, ["hand.L", "shin.R"])] == [(10, 20), (40, 50)]


def test_a_moment_is_no_doubt_and_neither_is_what_nobody_saw(take):
    take.joint_confidence[0, 10:12, J["left_wrist"]] = 0.2
    take.state[0, 30:40] = State.PREDICTED
    take.joint_confidence[0, 30:40] = 0
    assert unsure(take, 0, ["forearm.L"]) == []
