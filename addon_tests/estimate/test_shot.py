"""How a clip was filmed: the best focal length there is, and the camera's path in metres."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from animepose_blender.core import cameras
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate import shot
from animepose_blender.estimate.camera import Focal, more_certain
from animepose_blender.estimate.camera_motion import CameraMotion
from animepose_blender.estimate.detections import gather, place
from animepose_blender.estimate.shot import better_focal, camera_path, in_metres, intrinsics_of
from animepose_blender.protocol import JobRequest

from .evidence import observe_take

FRAMES = 60
JOB = JobRequest("walk.mp4", "take.npz")


@pytest.fixture(scope="module")
def filmed():
    """Two walkers before a camera that travels sideways: what was observed, its frames in space, the true path."""
    take = walking_take(people=2, frames=FRAMES, gaps=False)
    path = take.camera_to_world.copy()
    path[:, 0, 3] += np.linspace(0, 1.5, FRAMES)
    joints_m = cameras.transform(cameras.invert(path)[None], take.joints_world_m.astype(float))
    keypoints_px = cameras.project(joints_m, np.broadcast_to(take.intrinsics, (2, FRAMES, 3, 3)))
    take = replace(take, camera_to_world=path, keypoints_px=keypoints_px)
    observed = observe_take(take)
    seen = gather(observed.tracklets)
    return observed, seen, place(seen, take.intrinsics, take.frame_time_s)[0], cameras.invert(path[0]) @ path


def _motion(path: np.ndarray, kind: str = "moving") -> CameraMotion:
    return CameraMotion(path, kind, np.zeros(FRAMES), 1.0, np.zeros((0, 4)), 0.0)


@pytest.mark.parametrize("unit_m", [0.2, 1.0, 5.0])
def test_feet_that_stand_tell_how_far_the_camera_went(filmed, unit_m):
    observed, seen, placed, path = filmed
    in_units = path.copy()
    in_units[:, :3, 3] /= unit_m
    found = in_metres(_motion(in_units), seen, placed, observed.time_s)
    assert found.kind == "moving"
    travel_m = np.linalg.norm(found.camera_to_start[-1, :3, 3])
    assert travel_m == pytest.approx(1.5, rel=0.2)
    np.testing.assert_array_equal(found.camera_to_start[:, :3, :3], path[:, :3, :3])


@pytest.mark.parametrize("kind", ["still", "turning"])
def test_a_camera_that_does_not_travel_has_no_length(filmed, kind):
    observed, seen, placed, path = filmed
    motion = _motion(path, kind)
    assert in_metres(motion, seen, placed, observed.time_s) is motion


def test_a_path_whose_length_nothing_tells_is_left_out(filmed):
    observed, seen, placed, path = filmed
    hidden = replace(placed.lifted, joint_confidence=np.zeros_like(placed.lifted.joint_confidence))
    found = in_metres(_motion(path), seen, replace(placed, lifted=hidden), observed.time_s)
    assert found.kind == "turning"
    assert (found.camera_to_start[:, :3, 3] == 0).all()
    np.testing.assert_array_equal(found.camera_to_start[:, :3, :3], path[:, :3, :3])


def test_the_path_given_is_left_as_it_was(filmed):
    observed, seen, placed, path = filmed
    before = path.copy()
    in_metres(_motion(path), seen, placed, observed.time_s)
    np.testing.assert_array_equal(path, before)


def test_the_users_word_that_the_camera_stands_still_is_taken(filmed):
    observed, *_ = filmed
    found = camera_path(observed, intrinsics_of(observed, Focal(600.0, "user")), replace(JOB, camera="still"))
    assert found.kind == "still"
    np.testing.assert_array_equal(found.camera_to_start, np.tile(np.eye(4), (FRAMES, 1, 1)))


def test_every_frame_has_the_same_lens_in_the_middle_of_the_picture(filmed):
    observed, *_ = filmed
    intrinsics = intrinsics_of(observed, Focal(612.0, "user"))
    assert intrinsics.shape == (FRAMES, 3, 3)
    width, height = observed.size_px
    assert (intrinsics == [[612.0, 0, width / 2], [0, 612.0, height / 2], [0, 0, 1]]).all()


def test_a_known_lens_is_not_looked_for(filmed, monkeypatch):
    observed, *_ = filmed

    def refuse(*_):
        raise AssertionError("looked for a lens that is known")

    monkeypatch.setattr(shot, "with_lines", refuse)
    monkeypatch.setattr(shot, "focal_from_rotation", refuse)
    known = Focal(600.0, "metadata")
    assert better_focal(known, observed, JOB) == known


def test_lines_and_turns_better_a_guess_and_a_still_camera_does_not_turn(filmed, monkeypatch):
    observed, *_ = filmed
    monkeypatch.setattr(shot, "with_lines", lambda focal, *_: more_certain(focal, (900.0, 0.3)))
    monkeypatch.setattr(shot, "focal_from_rotation", lambda *_: (900.0, 0.05))
    guess = Focal(600.0, "default", 0.3)
    lines, both = (better_focal(guess, observed, replace(JOB, camera=camera)) for camera in ("still", "auto"))
    assert guess.focal_px < lines.focal_px < both.focal_px < 900.0
    assert both.sigma < lines.sigma < guess.sigma
    assert lines.source == both.source == "estimated"
