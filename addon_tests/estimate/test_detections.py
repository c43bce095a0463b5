"""All that was seen of everybody in arrays, and placed in space."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from animepose_blender.core import cameras
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.backends import Hands
from animepose_blender.estimate.detections import Placed, Seen, gather, place
from animepose_blender.estimate.lifting import default_lifter
from animepose_blender.estimate.observe import Observed
from animepose_blender.take import State, Take

from .evidence import colours_of, observe_take


@pytest.fixture(scope="module")
def take() -> Take:
    return walking_take(people=2, frames=40)


@pytest.fixture(scope="module")
def observed(take) -> Observed:
    return observe_take(take)


@pytest.fixture(scope="module")
def seen(observed) -> Seen:
    return gather(observed.tracklets)


@pytest.fixture(scope="module")
def placed(seen, take) -> Placed:
    placed, good = place(seen, take.intrinsics, take.frame_time_s)
    assert good.all()
    return placed


def _person(seen: Seen) -> np.ndarray:
    return np.argmin([np.abs(seen.colours[:, 0] - colours_of(n)[0]).sum(axis=-1) for n in range(2)], axis=0)


def test_everybody_is_gathered_once_for_each_frame_they_are_seen_in_in_the_order_of_frames(seen, take):
    assert (np.diff(seen.frame) >= 0).all()
    for person in range(2):
        own = seen.frame[_person(seen) == person]
        np.testing.assert_array_equal(own, np.flatnonzero(take.state[person] == State.OBSERVED))
    assert all(len(getattr(seen, f.name)) == len(seen) for f in fields(Seen))


def test_rows_belong_together(seen, observed):
    for number, tracklet in enumerate(observed.tracklets):
        own = np.flatnonzero(seen.tracklet == number)
        np.testing.assert_array_equal(seen.frame[own], tracklet.frames)
        for index, observation in zip(own, tracklet.observations, strict=True):
            for name in ("landmarks_px", "landmarks_m", "region", "box_px", "colours", "score", "confidence"):
                np.testing.assert_array_equal(getattr(seen, name)[index], getattr(observation, name))


def test_silhouettes_are_coarse_masks(seen, observed):
    for number, tracklet in enumerate(observed.tracklets):
        last = np.flatnonzero(seen.tracklet == number)[-1]
        mask = tracklet.observations[-1].mask
        cells = mask.reshape(32, len(mask) // 32, 32, len(mask) // 32).mean(axis=(1, 3))
        np.testing.assert_array_equal(seen.silhouette[last], np.round(cells) > 127)


def test_depths_of_a_depth_map_are_kept(observed):
    observed.tracklets[0].depths[3] = 4.5
    seen = gather(observed.tracklets)
    assert seen.depth[(seen.tracklet == 0) & (seen.frame == observed.tracklets[0].frames[3])] == 4.5
    assert np.isnan(seen.depth).sum() == len(seen) - 1
    observed.tracklets[0].depths[3] = np.nan


def test_hands_are_gathered_and_unseen_where_nobody_looked(observed):
    hands = Hands.unseen()
    hands.score[1] = 0.7
    tracklet, before = observed.tracklets[1], observed.tracklets[1].observations[2]
    tracklet.observations[2] = replace(before, hands=hands)
    seen = gather(observed.tracklets)
    tracklet.observations[2] = before
    row = np.flatnonzero((seen.tracklet == 1) & (seen.frame == tracklet.frames[2]))
    np.testing.assert_allclose(seen.hands.score[row], [[0, 0.7]])
    assert seen.hands.score.sum() == pytest.approx(0.7)
    assert np.isnan(seen.where(np.arange(5)).hands.points_m).all()


def test_some_can_be_chosen_by_index_or_mask(seen, placed):
    chosen = seen.frame % 3 == 0
    for values in (seen, placed):
        by_mask, by_index = values.where(chosen), values.where(np.flatnonzero(chosen))
        for f in fields(values):
            a, b = getattr(by_mask, f.name), getattr(by_index, f.name)
            if f.name != "lifted":
                np.testing.assert_array_equal(a, b)
                np.testing.assert_array_equal(a, getattr(values, f.name)[chosen])
            else:
                np.testing.assert_array_equal(a.joints_m, values.lifted.joints_m[chosen])


def test_people_are_placed_where_they_are(seen, placed, take):
    person, frame = _person(seen), seen.frame
    truth_m = cameras.transform(cameras.invert(take.camera_to_world), take.joints_world_m.astype(float))[person, frame]
    error_m = placed.root_m - truth_m[:, 0]
    # BlazePose has no neck; the rest is without error, so only the lifting of the trunk is left.
    assert np.linalg.norm(error_m, axis=-1).max() < 0.12
    assert np.linalg.norm(error_m[:, :2], axis=-1).max() < 0.03
    joints_m = placed.lifted.joints_m + placed.root_m[:, None]
    assert np.median(np.linalg.norm(joints_m - truth_m, axis=-1)) < 0.04
    assert (placed.box_m[:, :3] < placed.root_m).all() and (placed.box_m[:, 3:] > placed.root_m).all()


def test_the_distance_is_far_less_sure_than_the_direction(placed):
    assert (placed.sigma_m[:, 1] > 3 * placed.sigma_m[:, 0]).all()


def test_joints_lie_on_the_rays_of_sure_keypoints(seen, placed, take):
    intrinsics = take.intrinsics[seen.frame]
    projected_px = cameras.project(placed.lifted.joints_m + placed.root_m[:, None], intrinsics)
    distance_px = np.linalg.norm(projected_px - placed.lifted.keypoints_px, axis=-1)
    assert np.nanmedian(distance_px) < 1.0


def test_who_is_larger_is_as_much_farther_and_looks_the_same(seen, placed, take, rng):
    size = rng.uniform(0.6, 1.3, len(seen))
    sized = placed.sized(size)
    intrinsics = take.intrinsics[seen.frame]
    for values, before in ((sized.root_m, placed.root_m), (sized.box_m, placed.box_m)):
        np.testing.assert_allclose(values, before * size[:, None])
    np.testing.assert_allclose(sized.sigma_m, placed.sigma_m * size[:, None])
    np.testing.assert_allclose(
        cameras.project(sized.lifted.joints_m + sized.root_m[:, None], intrinsics),
        cameras.project(placed.lifted.joints_m + placed.root_m[:, None], intrinsics),
        atol=1e-6,
    )
    np.testing.assert_array_equal(sized.lifted.keypoints_px, placed.lifted.keypoints_px)


def test_who_cannot_be_placed_is_told_and_left_out(seen, take):
    landmarks_px = seen.landmarks_px.copy()
    landmarks_px[4] = np.nan
    partly, good = place(replace(seen, landmarks_px=landmarks_px), take.intrinsics, take.frame_time_s)
    assert np.flatnonzero(~good).tolist() == [4]
    assert len(partly.root_m) == len(partly.box_m) == len(partly.lifted.joints_m) == len(seen) - 1
    nobody, good = place(
        replace(seen, landmarks_px=np.full_like(landmarks_px, np.nan)), take.intrinsics, take.frame_time_s
    )
    assert not good.any() and len(nobody.root_m) == 0


def test_people_whom_nobody_gave_metric_joints_are_placed_by_their_keypoints_over_time(seen, placed, take):
    landmarks_m, missing = seen.landmarks_m.copy(), seen.frame % 3 == 0
    landmarks_m[missing] = np.nan
    blind = replace(seen, landmarks_m=landmarks_m)
    _, good = place(blind, take.intrinsics, take.frame_time_s)
    np.testing.assert_array_equal(good, ~missing)
    filled, good = place(blind, take.intrinsics, take.frame_time_s, default_lifter())
    assert good.all()
    share = np.linalg.norm(filled.root_m, axis=-1) / np.linalg.norm(placed.root_m, axis=-1)
    assert np.median(np.abs(share[missing] - 1)) < 0.1  # walkers of sticks are not the lifter's people
    np.testing.assert_allclose(filled.root_m[~missing], placed.root_m[~missing])
