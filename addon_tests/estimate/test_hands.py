"""Which hands are looked at, which finds are believed, and whose hand it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from animepose_blender.core import fingers
from animepose_blender.estimate.backends import HandFind, PoseObservation
from animepose_blender.estimate.hands import LOOK_EVERY_S, MIN_LENGTH_PX, HandWatcher
from animepose_blender.estimate.people import Tracklet
from animepose_blender.skeleton import BLAZEPOSE_33

PICTURE = np.zeros((8, 8, 3), np.uint8)
FPS = 30
PX_PER_M = 600.0
# A person who faces the camera with the arms spread and the palms down in the rest pose would show the edge of the
# hands; turned up, the palms face the camera: x right, y down, z forward.
TO_CAMERA = np.array([[-1.0, 0, 0], [0, 1.0, 0], [0, 0, -1.0]])


def hand_points_m(side: int) -> np.ndarray:
    """(21, 3) an open hand, palm to the camera, fingers aside, camera axes."""
    return fingers.REST_POINTS_M[side] @ TO_CAMERA.T


def hand_points_px(side: int, wrist_px: np.ndarray) -> np.ndarray:
    return wrist_px + PX_PER_M * hand_points_m(side)[:, :2]


def person(at_px: tuple[float, float], confidence: float = 0.95, size: float = 1.0) -> PoseObservation:
    """Somebody whose wrists are 200 pixels to both sides of a place, with hands as above."""
    landmarks_px, landmarks_m = np.zeros((33, 2)), np.zeros((33, 3))
    for side, name in enumerate(("left", "right")):
        wrist_px = np.array(at_px) + [(200.0, -200.0)[side], 0.0]
        for stem, point in (("wrist", 0), ("index", 5), ("pinky", 17)):
            index = BLAZEPOSE_33.index(f"{name}_{stem}")
            landmarks_px[index] = wrist_px + size * (hand_points_px(side, wrist_px)[point] - wrist_px)
            landmarks_m[index] = hand_points_m(side)[point]
    region = np.array([*at_px, 500.0, 0.0])
    none = np.zeros((0, 0), np.uint8)
    return PoseObservation(
        landmarks_px, np.full(33, confidence), landmarks_m, region, region, none, region, 0.9, np.zeros((1, 3))
    )


def wrist_px(observation: PoseObservation, side: int) -> np.ndarray:
    return observation.landmarks_px[BLAZEPOSE_33.index(f"{('left', 'right')[side]}_wrist")]


class Eyes:
    """A network that sees the given hands (side, wrist) wherever a region has one near its centre."""

    def __init__(self, hands: list[tuple[int, np.ndarray]], **answer) -> None:
        self.hands, self.answer = hands, answer
        self.regions: list[np.ndarray] = []

    def find_hands(self, rgb: np.ndarray, regions: np.ndarray) -> list[HandFind]:
        self.regions += list(regions)
        return [self._find(region) for region in regions]

    def _find(self, region: np.ndarray) -> HandFind:
        finds = [(hand_points_px(side, at), side) for side, at in self.hands]
        distances = [np.linalg.norm(points.mean(axis=0) - region[:2]) for points, _ in finds]
        if not finds or min(distances) > region[2] / 2:
            return HandFind(np.zeros((21, 2)), np.zeros((21, 3)), 0.02, 0.5)
        points, side = finds[int(np.argmin(distances))]
        return replace(HandFind(points, hand_points_m(side), 0.95, 0.95 if side else 0.05), **self.answer)


def watch(eyes: Eyes, *frames: list[PoseObservation | None]) -> list[Tracklet]:
    """Everybody after these frames; None where somebody is not seen."""
    watcher = HandWatcher(eyes)
    everybody = [Tracklet() for _ in frames[0]]
    for number, observations in enumerate(frames):
        seen = []
        for tracklet, observation in zip(everybody, observations, strict=True):
            if observation is not None:
                tracklet.frames.append(number)
                tracklet.observations.append(observation)
                seen.append(tracklet)
        watcher(number, number / FPS, PICTURE, seen)
    watcher.finish()
    watcher.close()
    return everybody


def scores(tracklet: Tracklet) -> np.ndarray:
    """(n, 2)"""
    return np.array([o.hands.score for o in tracklet.observations if o.hands is not None])


SOMEBODY = person((400, 300))
BOTH = [(side, wrist_px(SOMEBODY, side)) for side in (0, 1)]


def test_both_hands_are_found_where_the_wrists_are():
    (tracklet,) = watch(Eyes(BOTH), [SOMEBODY])
    hands = tracklet.observations[0].hands
    assert hands is not None
    assert (hands.score > 0.7).all()
    for side in (0, 1):
        np.testing.assert_allclose(hands.points_px[side], hand_points_px(side, BOTH[side][1]), rtol=1e-5)
        np.testing.assert_allclose(hands.points_m[side], hand_points_m(side), atol=1e-6)


def test_the_region_holds_the_hand_with_the_fingers_up():
    eyes = Eyes(BOTH)
    watch(eyes, [SOMEBODY])
    for region in eyes.regions:
        side = int(region[0] < 400)
        points = hand_points_px(side, BOTH[side][1]) - region[:2]
        c, s = np.cos(region[3]), np.sin(region[3])
        upright = points @ np.array([[c, -s], [s, c]])
        assert (np.abs(upright) < region[2] / 2).all()
        assert upright[12, 1] < upright[0, 1] - 0.3 * region[2]


def test_small_hands_and_doubtful_wrists_are_not_looked_at():
    length_px = 2 * PX_PER_M * 0.09
    for observation in (person((400, 300), size=0.8 * MIN_LENGTH_PX / length_px), person((400, 300), confidence=0.4)):
        eyes = Eyes(BOTH)
        (tracklet,) = watch(eyes, [observation])
        assert not eyes.regions
        assert not scores(tracklet).any()


@pytest.mark.parametrize(
    "answer",
    [
        {"presence": 0.4},
        {"right": 0.5},
        {"points_m": hand_points_m(0) * [1, 1, -1] @ np.diag([1, -1, 1])},
    ],
)
def test_doubtful_finds_are_not_believed(answer):
    (tracklet,) = watch(Eyes(BOTH[:1], **answer), [SOMEBODY])
    assert not scores(tracklet).any()


def test_a_hand_of_the_other_side_or_beside_the_wrist_is_not_believed():
    for hand in ((1, BOTH[0][1]), (0, BOTH[0][1] + [0, 0.6 * 2 * PX_PER_M * 0.09])):
        (tracklet,) = watch(Eyes([hand]), [SOMEBODY])
        assert not scores(tracklet).any()


def test_one_hand_goes_to_the_wrist_that_it_fits_best():
    near = person((430, 300))
    a, b = watch(Eyes(BOTH[:1]), [SOMEBODY, near])
    assert scores(a)[0, 0] > 0
    assert not scores(b).any()


def test_a_found_hand_is_followed_with_its_wrist_and_looked_at_once_a_frame():
    path = [person((400 + 12 * k, 300)) for k in range(6)]
    eyes = Eyes([])
    watcher, tracklet = HandWatcher(eyes), Tracklet()
    for number, observation in enumerate(path):
        eyes.hands = [(0, wrist_px(observation, 0))]
        tracklet.frames.append(number)
        tracklet.observations.append(observation)
        before = len(eyes.regions)
        watcher(number, number / FPS, PICTURE, [tracklet])
        watcher.finish()
        if number and number / FPS < LOOK_EVERY_S:
            assert len(eyes.regions) == before + 1
    watcher.close()
    assert (scores(tracklet)[:, 0] > 0).all()
    assert eyes.regions[-1][0] - eyes.regions[0][0] > 40


def test_hands_that_are_not_found_are_looked_for_only_now_and_then():
    eyes = Eyes([])
    watch(eyes, *([SOMEBODY] for _ in range(13)))
    assert len(eyes.regions) == 2 * int(np.ceil(12 / FPS / LOOK_EVERY_S))


def test_everybody_who_is_seen_has_hands_of_the_same_frame():
    other = person((1400, 300))
    a, b = watch(Eyes(BOTH), [SOMEBODY, other], [SOMEBODY, None], [SOMEBODY, other])
    assert len(scores(a)) == 3 and len(scores(b)) == 2
    assert (scores(a) > 0).all()
    assert not scores(b).any()


def test_a_failing_network_is_not_passed_over():
    class Broken(Eyes):
        def find_hands(self, rgb, regions):
            raise RuntimeError("no model")

    with pytest.raises(RuntimeError, match="no model"):
        watch(Broken([]), [SOMEBODY])
