"""What BlazePose adds to people found by a detector and a pose network of the picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from animepose_blender.estimate.appearance import ZONES
from animepose_blender.estimate.backends import PoseObservation, region_to_picture
from animepose_blender.estimate.completion import CROP_SIZE, PersonFound, complete, region_of
from animepose_blender.estimate.landmarks import to_blazepose
from animepose_blender.skeleton import BLAZEPOSE_33, COCO_17

WIDTH, HEIGHT = 320, 240
PLACE = {name: k for k, name in enumerate(BLAZEPOSE_33)}
BODY_PX = {
    "nose": (0, -80), "left_eye": (4, -84), "right_eye": (-4, -84), "left_ear": (8, -82), "right_ear": (-8, -82),
    "left_shoulder": (18, -60), "right_shoulder": (-18, -60), "left_elbow": (26, -30), "right_elbow": (-26, -30),
    "left_wrist": (28, 0), "right_wrist": (-28, 0), "left_hip": (10, 0), "right_hip": (-10, 0),
    "left_knee": (10, 40), "right_knee": (-10, 40), "left_ankle": (10, 80), "right_ankle": (-10, 80),
}  # fmt: skip
"""Somebody who stands, about the middle of the hips."""


def found(x: float, y: float, mask: np.ndarray | None = None) -> PersonFound:
    points = np.array([BODY_PX[name] for name in COCO_17], float) + (x, y)
    landmarks_px, sure = to_blazepose("coco_17", points, np.full(17, 0.8))
    return PersonFound(np.array([x - 30, y - 90, x + 30, y + 90]), 0.9, landmarks_px, sure, mask)


def mask_of(x: float, y: float, scale: float = 0.25) -> np.ndarray:
    """(h, w) a rectangle of a person, over the whole picture at a quarter of its size."""
    mask = np.zeros((round(HEIGHT * scale), round(WIDTH * scale)), np.uint8)
    low, high = np.array([x - 28, y - 88]) * scale, np.array([x + 28, y + 88]) * scale
    mask[max(0, round(low[1])) : round(high[1]), max(0, round(low[0])) : round(high[0])] = 255
    return mask


@dataclass
class Sees:
    """A stand-in that sees whole bodies a little beside the truth, and remembers what it was asked."""

    offset: float = 2.0
    jobs: list = field(default_factory=list)

    def estimate_each(self, jobs):
        self.jobs += jobs
        return [self._one(region) for _, region, _ in jobs]

    def _one(self, region) -> PoseObservation:
        points = np.zeros((33, 2))
        for name, place in BODY_PX.items():
            points[PLACE[name]] = place
        for side, x in (("left", 10), ("right", -10)):
            points[PLACE[f"{side}_heel"]], points[PLACE[f"{side}_foot_index"]] = (x, 88), (x, 86)
        return PoseObservation(
            points + region[:2] + self.offset, np.full(33, 0.6), np.ones((33, 3)), region, region,
            np.full((CROP_SIZE, CROP_SIZE), 77, np.uint8), np.zeros(4), 0.6, np.zeros((len(ZONES), 3)),
        )  # fmt: skip


@pytest.fixture
def picture():
    return np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


def test_joints_are_the_pose_networks_and_feet_and_metric_joints_are_blazeposes(picture):
    one = found(160, 120)
    ((seen,),) = complete([picture], [[one]], Sees())
    own = np.isfinite(one.landmarks_px).all(axis=-1)
    np.testing.assert_array_equal(seen.landmarks_px[own], one.landmarks_px[own])
    np.testing.assert_allclose(seen.landmarks_px[PLACE["left_heel"]], (170, 208))  # hung on the network's own ankle
    assert np.isfinite(seen.landmarks_m).all()
    assert seen.colours.shape == (len(ZONES), 3) and seen.box_px is one.box_px


def test_where_blazepose_sees_another_body_it_is_not_believed(picture):
    ((seen,),) = complete([picture], [[found(160, 120)]], Sees(offset=60.0))
    assert np.isnan(seen.landmarks_m).all() and np.isnan(seen.landmarks_px[PLACE["left_heel"]]).all()
    assert seen.confidence[PLACE["left_heel"]] == 0


def test_where_blazepose_sees_nobody_the_person_is_there_all_the_same(picture):
    class Blind:
        def estimate_each(self, jobs):
            return [None] * len(jobs)

    ((seen,),) = complete([picture], [[found(160, 120)]], Blind())
    assert np.isnan(seen.landmarks_m).all() and not seen.mask.any() and seen.score > 0.8


def test_a_mask_over_the_picture_lies_in_place_over_the_region(picture):
    ((seen,),) = complete([picture], [[found(160, 120, mask_of(160, 120))]], Sees())
    rows, columns = np.nonzero(seen.mask > 127)
    corners = np.array([(columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)], float)
    in_picture = corners @ region_to_picture(seen.region, CROP_SIZE)[:, :2].T
    in_picture += region_to_picture(seen.region, CROP_SIZE)[:, 2]
    np.testing.assert_allclose(in_picture, [(132, 32), (188, 208)], atol=1.5)


def test_without_a_mask_blazeposes_is_taken(picture):
    ((seen,),) = complete([picture], [[found(160, 120)]], Sees())
    assert (seen.mask == 77).all()


def test_others_are_hidden_from_blazepose_and_the_person_is_not(picture):
    sees = Sees()
    near = [found(140, 120, mask_of(140, 120)), found(200, 120, mask_of(200, 120))]
    complete([picture], [near], sees)
    for (_, region, matte), own, other in zip(sees.jobs, near, reversed(near), strict=True):
        assert matte is not None
        for one, hidden in ((own, 0), (other, 255)):
            at = np.append(one.landmarks_px[PLACE["left_hip"]] * 0.5 + one.landmarks_px[PLACE["right_hip"]] * 0.5, 1)
            to_picture = np.vstack([region_to_picture(region, CROP_SIZE), [0, 0, 1]])
            column, row = np.floor(np.linalg.solve(to_picture, at)[:2]).astype(int)
            assert matte[row, column] == hidden
    alone = Sees()
    complete([picture], [[near[0]]], alone)
    assert alone.jobs[0][2] is None


def test_everybody_gets_their_own_answer_whatever_the_frames(picture):
    people = [[found(100, 120), found(220, 120)], [], [found(160, 120)]]
    answers = complete([picture] * 3, people, Sees())
    assert [len(one) for one in answers] == [2, 0, 1]
    for frame, observations in zip(people, answers, strict=True):
        for one, seen in zip(frame, observations, strict=True):
            assert seen.box_px is one.box_px


def test_a_region_holds_the_whole_person_head_up():
    one = found(160, 120)
    region = region_of(one.landmarks_px, one.confidence, one.box_px)
    np.testing.assert_allclose(region[[0, 1, 3]], [160, 120, 0], atol=1e-9)
    assert 84 < region[2] / 2 < 160
    lying = replace(one, landmarks_px=(one.landmarks_px - (160, 120)) @ np.array([[0, 1], [-1, 0]]) + (160, 120))
    turned = region_of(lying.landmarks_px, lying.confidence, lying.box_px)
    assert abs(turned[3]) == pytest.approx(np.pi / 2) and turned[2] == pytest.approx(region[2])


def test_of_whom_no_trunk_is_seen_the_box_is_the_region():
    one = found(160, 120)
    region = region_of(one.landmarks_px, np.full(33, 0.1), one.box_px)
    np.testing.assert_allclose(region, [160, 120, 225, 0])
