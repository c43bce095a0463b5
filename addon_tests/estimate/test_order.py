"""Whoever is hidden behind another's mask is the farther one, and is kept so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from animepose_blender.estimate.backends import region_cells, region_to_picture
from animepose_blender.estimate.depth import GRID
from animepose_blender.estimate.detections import Seen
from animepose_blender.estimate.lift import Lifted
from animepose_blender.estimate.order import APART_M, Order, depth_order, order_evidence
from animepose_blender.estimate.view import View
from animepose_blender.skeleton import JOINT_COUNT

from .evidence import sighting, together

FRAMES = 12
TIME_S = np.arange(FRAMES) / 30


def _pair(
    *, hidden: int | None = 1, beside_px: float = 0.0, hidden_joints: int = 12
) -> tuple[Seen, Lifted, np.ndarray]:
    """Two people over the same place of the picture; the joints of one are doubtful where the other's mask is."""
    frames = np.arange(FRAMES)
    seen, placed, who = together(
        *(sighting(frames, np.tile([0.1 * n, 0, 5.0], (FRAMES, 1)), tracklet=n) for n in range(2))
    )
    rng = np.random.default_rng(2)
    middle_px = seen.region[:, None, :2] + np.where(who == 1, beside_px, 0.0)[:, None, None] * [1.0, 0.0]
    keypoints_px = middle_px + rng.uniform(-40, 40, (len(who), JOINT_COUNT, 2))
    confidence = np.full((len(who), JOINT_COUNT), 0.95)
    if hidden is not None:
        confidence[np.ix_(who == hidden, np.arange(hidden_joints))] = 0.2
    silhouette = np.zeros((len(who), GRID, GRID), bool)
    silhouette[:, 8:24, 8:24] = True
    region = seen.region + np.where(who == 1, beside_px, 0.0)[:, None] * [1.0, 0, 0, 0]
    box_px = seen.box_px + np.where(who == 1, beside_px, 0.0)[:, None] * [1.0, 0, 1, 0]
    seen = replace(seen, silhouette=silhouette, region=region, box_px=box_px)
    return seen, Lifted.of(keypoints_px, confidence, placed.lifted.joints_m, confidence), who


@pytest.mark.parametrize("hidden", [0, 1])
def test_who_is_hidden_stands_behind(hidden):
    seen, lifted, who = _pair(hidden=hidden, hidden_joints=JOINT_COUNT)
    order = depth_order(seen, lifted, who, TIME_S)
    np.testing.assert_array_equal(np.sort(order.frame), np.arange(FRAMES))
    assert (order.back == hidden).all() and (order.front == 1 - hidden).all()


def test_where_both_are_seen_as_well_nothing_is_said():
    assert len(depth_order(*_pair(hidden=None), TIME_S).frame) == 0


def _doubtful(seen: Seen, lifted: Lifted, who: np.ndarray, first: np.ndarray) -> Lifted:
    """Joints of the first are doubtful in some frames (bool), those of the second in the others."""
    hidden = np.where(first[seen.frame], who == 0, who == 1)
    confidence = np.where(hidden[:, None], 0.2, 0.95) * np.ones((1, JOINT_COUNT))
    return replace(lifted, keypoint_confidence=confidence)


def test_single_moments_that_say_otherwise_are_overruled():
    seen, lifted, who = _pair(hidden=None)
    first = np.arange(FRAMES) == 5
    order = depth_order(seen, _doubtful(seen, lifted, who, first), who, TIME_S)
    assert (order.back == 1).all() and 5 not in order.frame
    assert len(order.frame) >= FRAMES - 2


def test_an_encounter_that_contradicts_itself_says_nothing():
    seen, lifted, who = _pair(hidden=None)
    first = np.arange(FRAMES) % 2 == 0
    assert len(depth_order(seen, _doubtful(seen, lifted, who, first), who, TIME_S).frame) == 0


def test_in_each_encounter_another_may_be_in_front():
    seen, lifted, who = _pair(hidden=None)
    first = np.arange(FRAMES) < FRAMES // 2
    apart_s = TIME_S + 20.0 * ~first
    order = depth_order(seen, _doubtful(seen, lifted, who, first), who, apart_s)
    np.testing.assert_array_equal(order.back, np.where(order.frame < FRAMES // 2, 0, 1))
    assert len(order.frame) == FRAMES


def test_two_apart_in_the_picture_say_nothing():
    assert len(depth_order(*_pair(beside_px=700.0, hidden_joints=JOINT_COUNT), TIME_S).frame) == 0


def test_one_doubtful_joint_says_nothing():
    assert len(depth_order(*_pair(hidden_joints=1), TIME_S).frame) == 0


def test_finds_of_one_person_do_not_hide_each_other():
    seen, lifted, who = _pair(hidden_joints=JOINT_COUNT)
    assert len(depth_order(seen, lifted, 0 * who, TIME_S).frame) == 0


def test_of_three_every_pair_is_looked_at():
    seen, lifted, who = _pair(hidden_joints=JOINT_COUNT)
    third, placed = sighting(np.arange(FRAMES), np.tile([0, 0, 5.0], (FRAMES, 1)), tracklet=2)
    third = replace(third, silhouette=seen.silhouette[:FRAMES])
    confidence = np.full((FRAMES, JOINT_COUNT), 0.55)
    keypoints_px = lifted.keypoints_px[who == 0]
    behind = Lifted.of(keypoints_px, confidence, placed.lifted.joints_m, confidence)
    frame = np.concatenate([seen.frame, third.frame])
    order = np.argsort(frame, kind="stable")
    both = Seen(**{n: np.concatenate([v, getattr(third, n)])[order] for n, v in vars(seen).items()})
    all_lifted = Lifted(**{n: np.concatenate([v, getattr(behind, n)])[order] for n, v in vars(lifted).items()})
    found = depth_order(both, all_lifted, np.concatenate([who, np.full(FRAMES, 2)])[order], TIME_S)
    pairs = set(zip(found.front.tolist(), found.back.tolist()))
    assert pairs == {(0, 1), (0, 2), (2, 1)}


def test_nobody_and_one_alone_have_no_order():
    seen, lifted, who = _pair()
    for some in (np.zeros(0, int), np.flatnonzero(who == 0)):
        few = lifted.where(some)
        assert len(depth_order(seen.where(some), few, who[some], TIME_S).frame) == 0


def _view() -> View:
    return View(np.arange(FRAMES) / 30, np.tile(np.eye(3), (FRAMES, 1, 1)), np.tile(np.eye(4), (FRAMES, 1, 1)))


def _roots(front_z: float, back_z: float) -> np.ndarray:
    return np.stack([np.tile([0.2 * n, 0, z], (FRAMES, 1)) for n, z in enumerate((front_z, back_z))])


def test_two_on_the_wrong_sides_are_each_moved_by_half():
    order = Order(np.array([3, 4]), np.array([0, 0]), np.array([1, 1]))
    evidence = order_evidence(order, _roots(5.2, 5.0), _view())
    assert set(evidence) == {0, 1}
    moved = [evidence[n].root_m[[3, 4], 2] for n in range(2)]
    np.testing.assert_allclose(moved[1] - moved[0], APART_M)
    np.testing.assert_allclose((moved[0] + moved[1]) / 2, 5.1)
    for n in range(2):
        known = evidence[n].information.any(axis=(1, 2))
        assert np.flatnonzero(known).tolist() == [3, 4]
        # Along their own rays, so that they stay where they are in the picture.
        ray = _roots(5.2, 5.0)[n, 3]
        np.testing.assert_allclose(np.cross(evidence[n].root_m[3], ray), 0, atol=1e-9)
        values = np.linalg.eigvalsh(evidence[n].information[3])
        assert values[2] > 1 and abs(values[:2]).max() < 1e-6


def test_who_stands_right_already_is_left_alone():
    order = Order(np.array([3]), np.array([0]), np.array([1]))
    assert order_evidence(order, _roots(5.0, 5.1 + APART_M), _view()) == {}
    nothing = np.zeros(0, int)
    assert order_evidence(Order(nothing, nothing, nothing), _roots(5.2, 5.0), _view()) == {}


@pytest.mark.parametrize("angle", [0.0, 0.6, -2.0])
def test_cells_of_a_region_are_those_of_its_crop(rng, angle):
    region = np.array([[300.0, 200.0, 160.0, angle]])
    points_px = rng.uniform(0, 600, (1, 200, 2))
    points_px[0, 0] = np.nan
    cell, inside = region_cells(points_px, region, GRID)
    crop = np.linalg.inv(np.vstack([region_to_picture(region[0], GRID), [0, 0, 1]]))
    expected = points_px[0] @ crop[:2, :2].T + crop[:2, 2]
    within = ((expected >= 0) & (expected < GRID)).all(axis=1)
    np.testing.assert_array_equal(inside[0], within)
    assert not inside[0, 0] and within.any()
    np.testing.assert_array_equal(cell[0, within], np.floor(expected[within]).astype(int))
    assert ((cell >= 0) & (cell < GRID)).all()
