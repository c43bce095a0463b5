"""A camera's path from the background: the right kind, within a degree, and in metres from feet that stand."""

from __future__ import annotations

import numpy as np
import pytest

from addon_tests.estimate.moving_cameras import (
    FOCAL_PX,
    SIZE,
    camera_to_world,
    intrinsics_of,
    rotation_errors_deg,
    seen_by,
    texture,
    wander,
    window,
)
from animepose_blender.estimate.background import Background, Tracks
from animepose_blender.estimate.camera_motion import CameraMotion, solve
from animepose_blender.estimate.self_calibration import focal_from_rotation
from animepose_blender.estimate.travel_scale import scale_from_floor, translation_scale

F = 100
TIME_S = np.arange(F) / 30
STAND = np.tile([0.0, -1.0, 1.6], (F, 1))
ZERO, PART = np.zeros(F), np.linspace(-0.5, 0.5, F)


def _hand(random, degrees):
    return wander(random, F, degrees, 12)


def _path(name: str, random: np.random.Generator) -> np.ndarray:
    shake = _hand(random, 0.4)
    if name == "still":
        return camera_to_world(ZERO, ZERO + 6, ZERO, STAND)
    if name == "pan":
        return camera_to_world(60 * PART + shake[:, 0], 6 + shake[:, 1], shake[:, 2], STAND)
    if name == "hand-held":
        return camera_to_world(*(_hand(random, 1.5) + [0, 6, 0]).T, STAND + wander(random, F, 0.004, 25))
    if name == "dolly":
        return camera_to_world(8 * PART, 6 + shake[:, 1], shake[:, 2], STAND + np.outer(PART, [2.5, 0, 0]))
    if name == "forward":
        return camera_to_world(shake[:, 0], 6 + shake[:, 1], shake[:, 2], STAND + np.outer(PART, [0, 2.5, 0]))
    raise ValueError(name)


def _solved(name: str, moving_share: float = 0.0, seed: int = 1) -> tuple[CameraMotion, np.ndarray]:
    random = np.random.default_rng(seed)
    cameras = _path(name, random)
    return solve(seen_by(cameras, random, moving_share=moving_share), intrinsics_of(F), TIME_S), cameras


@pytest.mark.parametrize("moving_share", [0.0, 0.3])
def test_a_still_camera_does_not_move_at_all(moving_share):
    motion, _ = _solved("still", moving_share)
    assert motion.kind == "still"
    assert np.array_equal(motion.camera_to_start, np.tile(np.eye(4), (F, 1, 1)))


@pytest.mark.parametrize("moving_share", [0.0, 0.3])
@pytest.mark.parametrize("name", ["pan", "hand-held"])
def test_a_turning_camera_only_turns_and_is_found_within_a_fraction_of_a_degree(name, moving_share):
    motion, cameras = _solved(name, moving_share)
    assert motion.kind == "turning"
    assert np.array_equal(motion.camera_to_start[:, :3, 3], np.zeros((F, 3)))
    assert rotation_errors_deg(motion.camera_to_start, cameras).max() < 0.15
    assert motion.rotation_sigma_deg.shape == (F,) and motion.inlier_share > 0.5


@pytest.mark.parametrize("moving_share", [0.0, 0.2])
@pytest.mark.parametrize("name", ["dolly", "forward"])
def test_a_travelling_camera_is_found_up_to_the_length_of_its_units(name, moving_share):
    motion, cameras = _solved(name, moving_share)
    assert motion.kind == "moving"
    assert rotation_errors_deg(motion.camera_to_start, cameras).max() < 0.5
    true_m = (np.linalg.inv(cameras[0]) @ cameras)[:, :3, 3]
    found = motion.camera_to_start[:, :3, 3]
    scale = (found * true_m).sum() / (found**2).sum()
    assert np.linalg.norm(scale * found - true_m, axis=1).max() < 0.08


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_a_turn_seen_with_a_wrong_focal_length_is_a_turn_all_the_same(factor):
    random = np.random.default_rng(12)
    tracks = seen_by(_path("pan", random), random)
    assert solve(tracks, intrinsics_of(F, factor * FOCAL_PX), TIME_S).kind == "turning"


def test_the_shake_of_a_hand_is_kept():
    motion, cameras = _solved("pan")
    true = (np.linalg.inv(cameras[0]) @ cameras)[:, :3, :3]
    steps = [np.swapaxes(r[:-1], 1, 2) @ r[1:] for r in (motion.camera_to_start[:, :3, :3], true)]
    assert np.degrees(np.abs(steps[0] - steps[1]).max()) < 0.05


def test_frames_in_which_nothing_is_seen_are_bridged():
    random = np.random.default_rng(2)
    cameras = camera_to_world(40 * PART, ZERO, ZERO, STAND)
    tracks = seen_by(cameras, random)
    seen = (tracks.frame < 50) | (tracks.frame > 53)
    tracks = Tracks(tracks.frame[seen], tracks.point[seen], tracks.place_px[seen], F, SIZE)
    motion = solve(tracks, intrinsics_of(F), TIME_S)
    assert rotation_errors_deg(motion.camera_to_start, cameras).max() < 0.1


def test_without_any_point_the_camera_counts_as_still():
    nothing = Tracks(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros((0, 2), np.float32), F, SIZE)
    motion = solve(nothing, intrinsics_of(F), TIME_S)
    assert motion.kind == "still" and motion.inlier_share == 0


def test_each_shot_of_a_cut_clip_is_solved_by_itself():
    random = np.random.default_rng(3)
    cameras = camera_to_world(40 * PART, ZERO, ZERO, STAND)
    pan, still = seen_by(cameras, random), seen_by(np.tile(cameras[:1], (F, 1, 1)), random)
    tracks = Tracks(
        np.concatenate([pan.frame, still.frame + F]),
        np.concatenate([pan.point, still.point + 100000]),
        np.concatenate([pan.place_px, still.place_px]),
        2 * F,
        SIZE,
        (F,),
    )
    motion = solve(tracks, intrinsics_of(2 * F), np.arange(2 * F) / 30)
    assert rotation_errors_deg(motion.camera_to_start[:F], cameras).max() < 0.1
    assert np.allclose(motion.camera_to_start[F:], motion.camera_to_start[F])


def test_pictures_of_a_turning_camera_give_its_turn():
    picture = texture(np.random.default_rng(4), 1400)
    size, focal_px = (480, 270), 420.0
    k = intrinsics_of(40, focal_px, size)
    yaw_deg = np.linspace(-12, 12, 40)
    cameras = camera_to_world(yaw_deg, np.zeros(40), np.zeros(40), np.zeros((40, 3)))
    whole = np.array([[600.0, 0, 700], [0, 600, 700], [0, 0, 1]])
    background = Background(*size)
    ahead = camera_to_world(np.zeros(1), np.zeros(1), np.zeros(1), np.zeros((1, 3)))[0, :3, :3]
    for camera in cameras:
        to_picture = whole @ ahead.T @ camera[:3, :3] @ np.linalg.inv(k[0])
        background.add(_warped(picture, to_picture, size), [])
    motion = solve(background.tracks(), k, np.arange(40) / 30)
    assert motion.kind == "turning"
    assert rotation_errors_deg(motion.camera_to_start, cameras).max() < 0.1


def _warped(picture, to_picture, size):
    import cv2

    # OpenCV counts pixels from the middle of the first one.
    half = np.array([[1.0, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(picture, np.linalg.inv(half) @ to_picture @ half, size, flags=flags)


def test_pictures_of_a_still_camera_with_a_moving_crowd_stay_still():
    picture, crowd = texture(np.random.default_rng(5)), texture(np.random.default_rng(6))
    background = Background(480, 270)
    for number in range(40):
        rgb = window(picture, (100, 100), (480, 270))
        rgb[120:] = window(crowd, (100 + 3 * number, 100), (480, 150))
        background.add(rgb, [])
    motion = solve(background.tracks(), intrinsics_of(40, 400, (480, 270)), np.arange(40) / 30)
    assert motion.kind == "still"


@pytest.mark.parametrize("focal_px", [900.0, 2500.0])
@pytest.mark.parametrize("moving_share", [0.0, 0.3])
def test_a_pan_tells_the_focal_length(focal_px, moving_share):
    random = np.random.default_rng(7)
    cameras = camera_to_world(25 * PART, 6 + _hand(random, 0.3)[:, 0], ZERO, STAND)
    found = focal_from_rotation(seen_by(cameras, random, focal_px=focal_px, moving_share=moving_share), *SIZE)
    assert found is not None
    assert abs(np.log(found[0] / focal_px)) < 0.05
    assert 0.01 < found[1] < 0.2


def test_a_dolly_tells_the_focal_length():
    random = np.random.default_rng(8)
    found = focal_from_rotation(seen_by(_path("dolly", random), random), *SIZE)
    assert found is not None and abs(np.log(found[0] / FOCAL_PX)) < 0.05


def test_a_camera_that_hardly_turns_says_nothing_of_its_focal_length():
    random = np.random.default_rng(9)
    assert focal_from_rotation(seen_by(_path("still", random), random), *SIZE) is None
    shake = camera_to_world(*_hand(random, 0.15).T, STAND)
    assert focal_from_rotation(seen_by(shake, random), *SIZE) is None


def _feet(cameras, random, walks):
    """(1, F, 4, 3) feet in camera axes of one who stands or walks, with a wavering distance, and (1, F, 4) weights."""
    phase = TIME_S[:, None] * 1.2 + [0, 0, 0.5, 0.5]
    swing = np.clip((phase % 1 - 0.6) / 0.4, 0, 1) if walks else np.zeros((F, 4))
    steps = (np.floor(phase) + swing) * (0.7 if walks else 0.0)
    world = np.stack([np.full((F, 4), 0.3), 4 + steps, 0.05 + 0.1 * np.sin(np.pi * swing)], axis=2)
    to_camera = np.linalg.inv(cameras)
    camera = np.einsum("fij,fnj->fni", to_camera[:, :3, :3], world) + to_camera[:, None, :3, 3]
    camera *= 1 + 0.3 * wander(random, F, 0.05, 20)[:, :1, None]
    return camera[None] + random.normal(0, 0.01, (1, F, 4, 3)), np.where(swing == 0, 0.9, 0.1)[None]


@pytest.mark.parametrize("walks", [False, True])
def test_standing_feet_tell_how_long_the_units_are(walks):
    motion, cameras = _solved("dolly")
    feet, weight = _feet(cameras, np.random.default_rng(10), walks)
    feet[0, 30:40] = np.nan
    found = translation_scale(motion, feet, weight, TIME_S)
    true_m = (np.linalg.inv(cameras[0]) @ cameras)[:, :3, 3]
    true = (motion.camera_to_start[:, :3, 3] * true_m).sum() / (motion.camera_to_start[:, :3, 3] ** 2).sum()
    assert found is not None
    assert abs(found[0] / true - 1) < 0.12
    assert found[1] < 0.2 * true


def test_nobody_who_stands_tells_no_scale():
    motion, cameras = _solved("dolly")
    feet, weight = _feet(cameras, np.random.default_rng(11), False)
    assert translation_scale(motion, feet, 0 * weight, TIME_S) is None
    assert translation_scale(motion, feet * np.nan, weight, TIME_S) is None


def test_the_floor_tells_how_long_the_units_are():
    motion, cameras = _solved("dolly")
    up = cameras[0, :3, :3].T @ [0, 0, 1]
    found = scale_from_floor(motion, up, 1.6)
    true_m = (np.linalg.inv(cameras[0]) @ cameras)[:, :3, 3]
    true = (motion.camera_to_start[:, :3, 3] * true_m).sum() / (motion.camera_to_start[:, :3, 3] ** 2).sum()
    assert found is not None and abs(found[0] / true - 1) < 0.06
