"""Everybody is followed through a clip by networks that see many frames at a time."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from animepose_blender.errors import Cancelled
from animepose_blender.estimate.appearance import ZONES
from animepose_blender.estimate.backends import PoseObservation
from animepose_blender.estimate.depth import DEPTH_EVERY_S
from animepose_blender.estimate.hub.device import choose_device
from animepose_blender.estimate.hub.follow import FRAMES_AT_ONCE, Networks, follow_in_batches, frames_at_once
from animepose_blender.estimate.hub.protocols import PeopleFound
from animepose_blender.estimate.hub.stage_times import StageTimes

WIDTH, HEIGHT, FPS = 160, 120, 30
FRAMES = 2 * FRAMES_AT_ONCE + 3
POSE = np.random.default_rng(3).uniform([-10, -30], [10, 30], (17, 2))


def places_of(number: int) -> np.ndarray:
    """(2, 2) where the two people are in a frame."""
    return np.array([[40.0 + number, 60], [120.0 - number, 60]])


def frames(count: int = FRAMES):
    for number in range(count):
        yield number / FPS, np.full((HEIGHT, WIDTH, 3), number, np.uint8)


@dataclass
class Eyes:
    """Detector, masks, pose and depth in one, which knows by a picture's grey which frame it is."""

    name: str = "eyes"
    skeleton: str = "coco_17"
    metric: bool = True
    batches: list[int] = field(default_factory=list)
    people: list[int] = field(default_factory=list)
    ids: list[list[int]] = field(default_factory=list)
    own_masks: bool = True

    def find(self, pictures):
        assert pictures.dtype == torch.uint8 and pictures.shape[1:] == (HEIGHT, WIDTH, 3)
        self.batches.append(len(pictures))
        found = []
        for picture in pictures:
            number = int(picture[0, 0, 0])
            places = places_of(number)[:: 1 if number % 2 else -1]  # in no certain order
            boxes = np.concatenate([places - (12, 32), places + (12, 32)], axis=1)
            masks = None
            if self.own_masks:
                masks = np.zeros((2, HEIGHT // 2, WIDTH // 2), np.uint8)
                for mask, box in zip(masks, (boxes / 2).astype(int), strict=True):
                    mask[max(0, box[1]) : box[3], box[0] : box[2]] = 255
            found.append(PeopleFound(boxes, np.array([0.9, 0.8]), masks))
        return found

    def keypoints(self, pictures, picture, boxes_px):
        assert len(picture) == len(boxes_px) and picture.max(initial=0) < len(pictures)
        self.people.append(len(boxes_px))
        middle = (boxes_px[:, :2] + boxes_px[:, 2:]) / 2
        return middle[:, None] + POSE, np.full((len(boxes_px), 17), 0.9)

    def masks(self, pictures, boxes_px, ids):
        self.ids += [list(one) for one in ids]
        return [np.full((len(one), 4, 4), 255, np.uint8) for one in ids]

    def depth(self, pictures):
        return np.stack([np.full((6, 8), int(one[0, 0, 0]) + 1.0, np.float32) for one in pictures])

    def estimate_each(self, jobs):
        return [
            PoseObservation(
                np.zeros((33, 2)), np.zeros(33), np.zeros((33, 3)), region, region, np.zeros((8, 8), np.uint8),
                np.zeros(4), 0.0, np.zeros((len(ZONES), 3)),
            )
            for _, region, _ in jobs
        ]  # fmt: skip


def networks_of(eyes: Eyes, **other) -> Networks:
    return replace(Networks(choose_device("cpu"), eyes, eyes, None, eyes, eyes, StageTimes()), **other)


@pytest.fixture
def eyes():
    return Eyes()


def test_both_are_followed_through_all_frames_each_where_they_are(eyes):
    tracklets = follow_in_batches(frames(), networks_of(eyes), 8)
    assert [one.frames for one in tracklets] == [list(range(FRAMES))] * 2
    starts = [one.observations[0].box_px[0] for one in tracklets]
    for tracklet in tracklets:
        person = int(tracklet.observations[0].box_px[0] > 60)
        for number, observation in zip(tracklet.frames, tracklet.observations, strict=True):
            place = places_of(number)[person]
            np.testing.assert_allclose(observation.box_px, [*(place - (12, 32)), *(place + (12, 32))])
    assert starts[0] != starts[1]


def test_frames_and_people_go_through_the_networks_many_at_a_time(eyes):
    follow_in_batches(frames(), networks_of(eyes), 8)
    assert eyes.batches == [FRAMES_AT_ONCE, FRAMES_AT_ONCE, 3]
    assert eyes.people == [2 * FRAMES_AT_ONCE, 2 * FRAMES_AT_ONCE, 6]


def test_depth_and_watchers_belong_to_their_own_frame(eyes):
    watched = []

    def watch(number, time_s, rgb, seen):
        assert rgb[0, 0, 0] == number and time_s == number / FPS
        assert all(one.frames[-1] == number and one.observations[-1].mask.any() for one in seen)
        watched.append(number)

    tracklets = follow_in_batches(frames(), networks_of(eyes), 8, [watch])
    assert watched == list(range(FRAMES))
    for tracklet in tracklets:
        known = np.flatnonzero(np.isfinite(tracklet.depths))
        assert known.tolist() == list(range(0, FRAMES, round(DEPTH_EVERY_S * FPS)))
        np.testing.assert_array_equal(np.array(tracklet.depths)[known], known + 1.0)


def test_without_a_depth_network_there_is_no_depth(eyes):
    tracklets = follow_in_batches(frames(5), networks_of(eyes, depth=None), 8)
    assert np.isnan([one.depths for one in tracklets]).all()


def test_a_network_for_masks_is_told_who_is_who(eyes):
    follow_in_batches(frames(), networks_of(eyes, masks=eyes), 8)
    # The detector's order changes with every frame, the people do not.
    assert sorted(map(tuple, eyes.ids)) == sorted([(0, 1), (1, 0)][n % 2] for n in range(FRAMES)) or sorted(
        map(tuple, eyes.ids)
    ) == sorted([(1, 0), (0, 1)][n % 2] for n in range(FRAMES))


def test_no_more_are_followed_than_asked_for(eyes):
    assert len(follow_in_batches(frames(), networks_of(eyes), 1)) == 1


def test_large_pictures_come_fewer_at_a_time():
    assert frames_at_once(1280, 720) == FRAMES_AT_ONCE
    assert 1 <= frames_at_once(7680, 4320) < frames_at_once(3840, 2160) < FRAMES_AT_ONCE


@pytest.mark.parametrize("part", ["find", "keypoints", "depth", "estimate_each", "watch", "frames"])
def test_whatever_fails_is_told_to_the_caller_and_no_thread_is_left(eyes, part, monkeypatch):
    def fails(*_):
        raise Cancelled

    def broken_frames():
        yield from frames(FRAMES_AT_ONCE + 2)
        raise Cancelled

    before = threading.active_count()
    if part not in ("watch", "frames"):
        monkeypatch.setattr(eyes, part, fails)
    with pytest.raises(Cancelled):
        follow_in_batches(
            broken_frames() if part == "frames" else frames(), networks_of(eyes), 8, [fails] if part == "watch" else []
        )
    end = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_only_a_few_frames_are_in_memory_however_long_the_clip(eyes):
    alive, most = [0], [0]

    class Picture(np.ndarray):
        def __del__(self):
            if self.base is None or not isinstance(self.base, Picture):
                alive[0] -= 1

    def many():
        for time_s, rgb in frames(20 * FRAMES_AT_ONCE):
            alive[0] += 1
            most[0] = max(most[0], alive[0])
            yield time_s, rgb.view(Picture)

    follow_in_batches(many(), networks_of(eyes), 8, [lambda *_: time.sleep(0.001)])
    assert most[0] <= 8 * FRAMES_AT_ONCE
