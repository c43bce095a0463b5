"""The benchmark of the preset quality: its clips show whom they say, where they say."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from animepose_blender.estimate.video import open_clip

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


@pytest.fixture
def clips(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from bench_quality_parts import clips

    yield clips
    for name in [name for name in sys.modules if name.startswith("bench_quality_parts")]:
        del sys.modules[name]


def test_a_clip_shows_so_many_people_inside_their_boxes(clips, tmp_path):
    known = clips.make_clip(tmp_path / "clip.mp4", 320, 180, people=3, frames=4)
    frames = list(open_clip(tmp_path / "clip.mp4").frames())
    assert [frame[2].shape for frame in frames] == [(180, 320, 3)] * 4
    assert known.box_px.shape == (4, 3, 4)
    assert known.keypoints_px.shape == (4, 3, 17, 2)
    low, high = known.box_px[..., None, :2], known.box_px[..., None, 2:]
    inside = ((known.keypoints_px >= low) & (known.keypoints_px <= high)).all(axis=-1)
    assert inside.mean() > 0.9
    middle = known.box_px[..., [0, 2]].mean(axis=-1)
    assert (np.abs(middle - 320 * np.array([1, 3, 5]) / 6) < 320 / 6).all()


def test_people_who_are_in_the_bundled_clip_stay_where_they_were_filmed(clips, tmp_path):
    known = clips.make_clip(tmp_path / "clip.mp4", 320, 180, people=2, frames=2)
    small = clips.make_clip(tmp_path / "small.mp4", 160, 90, people=1, frames=2)
    assert np.allclose(known.keypoints_px[:, :1], 2 * small.keypoints_px)
    assert np.allclose(known.box_px[:, :1], 2 * small.box_px)


def test_what_is_given_follows_the_clip_batch_after_batch(clips, tmp_path):
    known = clips.make_clip(tmp_path / "clip.mp4", 320, 180, people=2, frames=4)
    given = clips.GivenPeople(known)
    first, second = given.people(3), given.people(3)
    assert [len(first), len(second)] == [3, 1]
    assert np.array_equal(second[0].box_px, known.box_px[3])
    masks = first[0].masks
    x = (np.argmax(masks.max(axis=1) > 0, axis=1) + 0.5) / clips.MASK * 320
    assert np.allclose(x, known.box_px[0, :, 0], atol=1.5 * 320 / clips.MASK)
    boxes = known.box_px[:3].reshape(-1, 4)[::-1]
    keypoints, confidence = given.keypoints(3, np.array([2, 2, 1, 1, 0, 0]), boxes)
    assert np.array_equal(keypoints, known.keypoints_px[:3].reshape(-1, 17, 2)[::-1])
    assert confidence.shape == (6, 17)
