"""A clip is read once: people, points and lines of the background, and depth maps, all of the same frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mediapipe", reason="the preset `offline` needs mediapipe")

from animepose_blender.errors import Cancelled
from animepose_blender.estimate import mediapipe_hands, mediapipe_pose
from animepose_blender.estimate.appearance import ZONES
from animepose_blender.estimate.backends import Candidates, HandFind, PoseObservation
from animepose_blender.estimate.depth import DEPTH_EVERY_S
from animepose_blender.estimate.observe import Observed, observe
from animepose_blender.estimate.parts import depth_watcher, open_parts
from animepose_blender.estimate.video import open_clip
from animepose_blender.protocol import JobRequest

from .clips import SIZE, number_of, numbered_clip

FPS, FRAMES = 25, 12


class Backend:
    """Sees one person in the middle of every picture from a frame on."""

    made: list[Backend] = []
    shown_from = 0

    def __init__(self) -> None:
        self.closed = False
        Backend.made.append(self)

    def close(self) -> None:
        self.closed = True

    def detect(self, rgb: np.ndarray, detail: int) -> Candidates:
        count = int(number_of(rgb) >= self.shown_from)
        return Candidates(np.tile([SIZE[0] / 2, SIZE[1] / 2, 30.0, 0.0], (count, 1)), np.full(count, 0.9))

    def detect_near(self, rgb: np.ndarray, regions: np.ndarray) -> Candidates:
        return self.detect(rgb, 0)

    def estimate(self, rgb, regions, mattes=None) -> list[PoseObservation | None]:
        middle = np.array([SIZE[0] / 2, SIZE[1] / 2])
        body = np.stack([np.linspace(-8, 8, 33), np.linspace(-12, 12, 33)], axis=1)
        region = np.array([*middle, 30.0, 0.0])
        one = PoseObservation(
            middle + body, np.full(33, 0.9), np.zeros((33, 3)), region, region, np.full((32, 32), 255, np.uint8),
            np.array([*(middle - 12), *(middle + 12)]), 0.9, np.zeros((len(ZONES), 3)),
        )  # fmt: skip
        return [one for _ in regions]


class HandBackend:
    """Sees no hand."""

    made: list[HandBackend] = []

    def __init__(self) -> None:
        self.closed = False
        HandBackend.made.append(self)

    def close(self) -> None:
        self.closed = True

    def find_hands(self, rgb: np.ndarray, regions: np.ndarray) -> list[HandFind]:
        return [HandFind(np.zeros((21, 2)), np.zeros((21, 3)), 0.0, 0.5) for _ in regions]


class Listener:
    def __init__(self, cancel_after: int | None = None) -> None:
        self.fractions: list[float] = []
        self.cancel_after = cancel_after

    def progress(self, stage: str, stage_fraction: float) -> None:
        assert stage == "detect"
        self.fractions.append(stage_fraction)
        if self.cancel_after is not None and len(self.fractions) > self.cancel_after:
            raise Cancelled

    def warning(self, message: str) -> None:
        raise AssertionError(message)

    def check_cancelled(self) -> None:
        pass


class NumberDepth:
    """A depth map whose value is the number of the picture, plus one."""

    metric = True

    def __init__(self) -> None:
        self.asked: list[int] = []

    def estimate(self, rgb: np.ndarray) -> np.ndarray:
        self.asked.append(number_of(rgb))
        return np.full((12, 16), number_of(rgb) + 1.0, np.float32)


@pytest.fixture
def clip(tmp_path) -> Path:
    return numbered_clip(tmp_path / "clip.mp4", np.arange(FRAMES) / FPS)


@pytest.fixture(autouse=True)
def backend(monkeypatch) -> Iterator[type[Backend]]:
    monkeypatch.setattr(mediapipe_pose, "MediaPipePose", Backend)
    monkeypatch.setattr(mediapipe_hands, "MediaPipeHands", HandBackend)
    Backend.made, Backend.shown_from, HandBackend.made = [], 0, []
    yield Backend


def _observe(clip: Path, listener: Listener | None = None, depth: NumberDepth | None = None, **wishes) -> Observed:
    job, listener = JobRequest(str(clip), "take.npz", **wishes), listener or Listener()
    parts = None
    if depth is not None:
        parts = replace(open_parts(job, listener), watchers=(depth_watcher(depth),), metric_depth=depth.metric)
    return observe(job, open_clip(clip), listener, parts)


def test_everybody_is_followed_and_the_background_has_all_frames(clip):
    observed = _observe(clip)
    np.testing.assert_allclose(observed.time_s, np.arange(FRAMES) / FPS, atol=1e-6)
    assert observed.start_frame == 0
    assert observed.size_px == observed.background.size == observed.lines.size == SIZE
    assert observed.background.frame_count == FRAMES
    (tracklet,) = observed.tracklets
    assert tracklet.frames == list(range(FRAMES))
    assert np.isnan(tracklet.depths).all()
    assert not observed.metric_depth


def test_a_range_begins_with_its_own_first_frame(clip):
    observed = _observe(clip, start_s=5 / FPS, end_s=8.5 / FPS)
    np.testing.assert_allclose(observed.time_s, np.arange(5, 9) / FPS, atol=1e-6)
    assert observed.start_frame == 5
    assert observed.tracklets[0].frames == [0, 1, 2, 3]
    assert observed.background.frame_count == 4


def test_depth_maps_are_sampled_on_the_people_of_their_own_frame(clip):
    depth = NumberDepth()
    observed = _observe(clip, depth=depth)
    asked = list(range(0, FRAMES, int(np.ceil(DEPTH_EVERY_S * FPS))))
    assert depth.asked == asked
    depths = np.array(observed.tracklets[0].depths)
    assert depths[asked].tolist() == [n + 1.0 for n in asked] and np.isnan(np.delete(depths, asked)).all()
    assert observed.metric_depth


def test_where_nobody_is_no_depth_map_is_made(clip, backend):
    backend.shown_from = 99
    depth = NumberDepth()
    observed = _observe(clip, depth=depth)
    assert observed.tracklets == [] and depth.asked == []
    assert observed.background.frame_count == FRAMES


def test_progress_grows_from_0_to_1(clip):
    listener = Listener()
    _observe(clip, listener)
    assert listener.fractions == sorted(listener.fractions)
    assert listener.fractions[0] == 0 and 0.8 < listener.fractions[-1] <= 1


@pytest.mark.parametrize("cancel_after", [None, 4])
def test_the_networks_are_closed_however_it_ends(clip, backend, cancel_after):
    if cancel_after is None:
        _observe(clip)
    else:
        with pytest.raises(Cancelled):
            _observe(clip, Listener(cancel_after))
    assert [b.closed for b in backend.made] == [True]
    assert [b.closed for b in HandBackend.made] == [True]


def test_hands_are_looked_at_in_every_frame_unless_they_are_not_asked_for(clip):
    observed = _observe(clip)
    assert all(o.hands is not None and not o.hands.score.any() for o in observed.tracklets[0].observations)
    HandBackend.made.clear()
    observed = _observe(clip, hands=False)
    assert HandBackend.made == []
    assert all(o.hands is None for o in observed.tracklets[0].observations)
