"""MediaPipe's hand network behind our protocol, on the demo clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mediapipe", reason="the preset `offline` needs mediapipe")

from animepose_blender.estimate.backends import PoseObservation
from animepose_blender.estimate.hands import HandWatcher, _region_around
from animepose_blender.estimate.mediapipe_hands import MediaPipeHands
from animepose_blender.estimate.mediapipe_pose import MediaPipePose
from animepose_blender.estimate.people import follow
from animepose_blender.estimate.video import open_clip
from animepose_blender.skeleton import BLAZEPOSE_33

DEMO = Path(__file__).parents[2] / "scripts" / "demo_clip" / "salsa.mp4"


@pytest.fixture(scope="module")
def network():
    network = MediaPipeHands(threads=2)
    yield network
    network.close()


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    if not DEMO.is_file():
        pytest.skip("the demo clip is not there")
    return [rgb for _, _, rgb in open_clip(DEMO).frames(0.0, 0.26)]


@pytest.fixture(scope="module")
def seen(network, pictures) -> list[tuple[np.ndarray, PoseObservation]]:
    """The dancers in the first frames, in which one of them waves, with the pictures they are seen in."""
    pose, watcher = MediaPipePose(threads=2), HandWatcher(network)
    frames = ((number / 30, rgb) for number, rgb in enumerate(pictures))
    tracklets = follow(frames, pose, pose, 2, (watcher,))
    watcher.finish()
    watcher.close()
    pose.close()
    return [(pictures[f], o) for t in tracklets for f, o in zip(t.frames, t.observations, strict=True)]


def test_a_dancers_hand_is_found_at_the_wrist(seen):
    found = 0
    for _, observation in seen:
        hands = observation.hands
        assert hands is not None
        for side in np.flatnonzero(hands.score > 0):
            points_px, points_m = hands.points_px[side], hands.points_m[side]
            wrist_px = observation.landmarks_px[BLAZEPOSE_33.index(("left_wrist", "right_wrist")[side])]
            length_px = np.linalg.norm(np.diff(points_px[[0, 9, 10, 11, 12]], axis=0), axis=-1).sum()
            assert np.linalg.norm(points_px[0] - wrist_px) < length_px
            assert 0.05 < np.linalg.norm(points_m[9] - points_m[0]) < 0.13
            found += 1
        assert np.isnan(hands.points_px[hands.score == 0]).all()
    assert found >= 4


def test_a_turned_region_gives_the_same_hand(network, seen):
    rgb, best = max(seen, key=lambda pair: pair[1].hands.score.max())
    assert best.hands is not None
    region = _region_around(best.hands.points_px[int(np.argmax(best.hands.score))].astype(float))
    straight, turned = network.find_hands(rgb, np.array([region, region + [0, 0, 0, 0.3]]))
    assert straight.presence > 0.5 and turned.presence > 0.5
    assert np.linalg.norm(straight.points_px - turned.points_px, axis=-1).mean() < 0.1 * region[2]
    ways = [find.points_m[9] - find.points_m[0] for find in (straight, turned)]
    assert np.dot(*ways) / np.prod([np.linalg.norm(way) for way in ways]) > 0.9


def test_where_no_hand_is_nothing_is_present(network):
    blank = np.full((200, 200, 3), 127, np.uint8)
    (find,) = network.find_hands(blank, np.array([[100.0, 100.0, 80.0, 0.0]]))
    assert find.presence < 0.3
    assert find.points_px.shape == (21, 2) and find.points_m.shape == (21, 3)
