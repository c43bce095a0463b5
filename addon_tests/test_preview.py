"""The preview shows the people of a take where they are, at the times of the clip."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate import preview
from animepose_blender.estimate.video import open_clip
from animepose_blender.take import State

GREY = 90
FRAMES = 12


def write_clip(path, times_s, size=(320, 180)):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90000)
        for time_s in times_s:
            frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), GREY, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(time_s * 90000), Fraction(1, 90000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.fixture
def take():
    return walking_take(people=2, frames=FRAMES, size=(320, 180), gaps=False)


def picture_of(take, frame=0):
    picture = np.full((180, 320, 3), GREY, np.uint8)
    preview.Overlay.of(take, scale=(1.0, 1.0)).draw(picture, frame)
    return picture


def changed_pixels(picture):
    return (picture != GREY).any(-1)


def test_files_hold_every_frame_of_the_take_at_its_time(take, tmp_path):
    times = np.cumsum(np.r_[0.0, np.resize([1 / 30, 1 / 15], FRAMES - 1)])
    write_clip(tmp_path / "clip.mp4", times)
    take = dataclasses.replace(take, frame_time_s=times)
    preview.write_preview(take, tmp_path / "clip.mp4", tmp_path / "p.mp4", tmp_path / "p.png")
    shown = [(time_s, rgb) for _, time_s, rgb in open_clip(tmp_path / "p.mp4").frames()]
    np.testing.assert_allclose([time_s for time_s, _ in shown], times, atol=1e-3)
    assert all(np.abs(rgb.astype(int) - GREY).max() > 60 for _, rgb in shown)
    assert cv2.imread(str(tmp_path / "p.png")).shape == (2 * 360, 1920, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "p.mp4", "p.png"]


def test_a_take_of_a_part_of_the_clip_shows_that_part(take, tmp_path):
    write_clip(tmp_path / "clip.mp4", np.arange(60) / 30)
    part = dataclasses.replace(take, frame_time_s=take.frame_time_s + 1.0)
    preview.write_preview(part, tmp_path / "clip.mp4", tmp_path / "p.mp4", tmp_path / "p.png")
    assert sum(1 for _ in open_clip(tmp_path / "p.mp4").frames()) == FRAMES


def test_people_are_drawn_on_their_joints_in_their_own_colours(take):
    picture = picture_of(take)
    overlay = preview.Overlay.of(take, scale=(1.0, 1.0))
    for person in range(2):
        joints = np.round(overlay.joints_px[person, 0]).astype(int)
        inside = (joints >= 0).all(1) & (joints < [320, 180]).all(1)
        assert changed_pixels(picture)[joints[inside, 1], joints[inside, 0]].mean() > 0.9
        assert (picture == preview.COLOURS[person]).all(-1).any()


def test_the_drawn_joints_are_the_keypoints_that_a_consistent_take_holds(take):
    overlay = preview.Overlay.of(take, scale=(1.0, 1.0))
    np.testing.assert_allclose(overlay.joints_px + 0.5, take.keypoints_px, atol=1e-2)


def test_absent_people_are_not_drawn_and_predicted_ones_are_drawn_with_gaps(take):
    take = dataclasses.replace(take, contact=np.zeros_like(take.contact))
    whole = changed_pixels(picture_of(take)).sum()
    take.state[:] = State.PREDICTED
    assert 0 < changed_pixels(picture_of(take)).sum() < 0.9 * whole
    take.state[:] = State.ABSENT
    assert not changed_pixels(picture_of(take)).any()


def test_a_person_behind_the_camera_or_far_outside_is_left_out(take):
    camera = take.camera_to_world[0]
    behind = take.joints_world_m - 30 * camera[:3, 2].astype(np.float32)
    assert not changed_pixels(picture_of(dataclasses.replace(take, joints_world_m=behind))).any()
    aside = take.joints_world_m + 1e6 * camera[:3, 0].astype(np.float32)
    assert not changed_pixels(picture_of(dataclasses.replace(take, joints_world_m=aside))).any()


def test_feet_in_contact_are_marked(take):
    free = dataclasses.replace(take, contact=np.zeros_like(take.contact))
    touching = dataclasses.replace(take, contact=np.ones_like(take.contact))
    assert (picture_of(touching) == 255).all(-1).sum() > (picture_of(free) == 255).all(-1).sum()


def test_a_missing_clip_and_a_folder_that_cannot_be_written_are_told(take, tmp_path):
    with pytest.raises(AnimePoseError, match="no file"):
        preview.write_preview(take, tmp_path / "none.mp4", tmp_path / "p.mp4", tmp_path / "p.png")
    write_clip(tmp_path / "clip.mp4", take.frame_time_s)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AnimePoseError, match="could not be written"):
        preview.write_preview(take, tmp_path / "clip.mp4", tmp_path / "file" / "p.mp4", tmp_path / "file" / "p.png")


def mannequins_of(take, frame=0):
    picture = np.full((180, 320, 3), GREY, np.uint8)
    preview.Mannequins.of(take, (1.0, 1.0), preview.COLOURS).draw(picture, frame)
    return picture


def test_mannequins_cover_the_joints_of_everybody_and_little_else(take):
    changed = changed_pixels(mannequins_of(take))
    overlay = preview.Overlay.of(take, scale=(1.0, 1.0))
    joints_px = np.round(overlay.joints_px[:, 0]).astype(int).reshape(-1, 2)
    inside = ((joints_px >= 0) & (joints_px < (320, 180))).all(-1)
    assert changed[joints_px[inside, 1], joints_px[inside, 0]].mean() > 0.9
    reach = cv2.dilate(changed_pixels(picture_of(take)).astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    assert not (changed & ~reach).any()


def test_who_is_absent_has_no_mannequin_and_who_is_predicted_a_fainter_one(take):
    state = take.state.copy()
    state[1] = State.ABSENT
    one = mannequins_of(dataclasses.replace(take, state=state))
    assert changed_pixels(one).sum() < changed_pixels(mannequins_of(take)).sum()
    state[0] = State.PREDICTED
    fainter = mannequins_of(dataclasses.replace(take, state=state))
    both = changed_pixels(one) & changed_pixels(fainter)
    contrast = [np.abs(picture[both].astype(int) - GREY).mean() for picture in (one, fainter)]
    assert contrast[1] < 0.7 * contrast[0]
