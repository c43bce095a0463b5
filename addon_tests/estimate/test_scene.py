"""One scene for everybody: the floor under their feet, their sizes, the camera's height and tilt, its focal length."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from animepose_blender.core import cameras
from animepose_blender.core.synthetic import FOOT_HEIGHT_M, walking_take
from animepose_blender.estimate.floor import SOLE_M, standing_feet, way_up_of_people
from animepose_blender.estimate.scene import (
    LARGEST,
    SMALLEST,
    Beliefs,
    Direction,
    Scene,
    angles_of,
    direction_of,
    solve_scene,
    start_to_world,
)
from animepose_blender.skeleton import CONTACT_JOINTS, REST_JOINTS_M

LONG = 150
CAMERAS = [(0, 0, 1.2), (12, 0, 1.6), (25, -2, 3.0), (45, 0, 6.0), (-8, 3, 0.5)]
"""Pitch and roll in degrees, height in metres."""


def _camera(pitch_deg: float = 10.0, roll_deg: float = 0.0, height_m: float = 1.6) -> np.ndarray:
    """(4, 4) camera to world of a camera that looks down and leans, above the origin, along Y."""
    level = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    matrix = np.eye(4)
    matrix[:3, :3] = (
        Rotation.from_euler("x", -pitch_deg, degrees=True).as_matrix()
        @ level
        @ Rotation.from_euler("z", roll_deg, degrees=True).as_matrix()
    )
    matrix[2, 3] = height_m
    return matrix


@dataclass
class Cast:
    """People in the world, and what of them is known."""

    joints_world_m: np.ndarray
    """(P, F, J, 3)."""
    stature_m: np.ndarray
    """(P,) their true heights."""
    time_s: np.ndarray

    def moved(self, person: int, offset_m) -> Cast:
        joints_m = self.joints_world_m.copy()
        joints_m[person] += offset_m
        return replace(self, joints_world_m=joints_m)

    def scaled(self, factors) -> Cast:
        """People as tall as told, who stay where they are."""
        factors = np.asarray(factors, float)
        spot = self.joints_world_m[:, :, :1] * [1.0, 1.0, 0.0]
        joints_m = (self.joints_world_m - spot) * factors[:, None, None, None] + spot
        return replace(self, joints_world_m=joints_m, stature_m=self.stature_m * factors)


def _walkers(people: int = 2, frames: int = LONG, away_m: float = 6.0) -> Cast:
    """Everybody is an average adult."""
    take = walking_take(people=people, frames=frames, gaps=False)
    joints_m = take.joints_world_m.astype(float) + [0.0, away_m, 0.0]
    cast = Cast(joints_m, np.full(people, 1.7), take.frame_time_s)
    scale = np.array([1.0, 0.92, 1.07])[np.arange(people) % 3]
    return replace(cast.scaled(1 / scale), stature_m=np.full(people, 1.7))


def _standing(frames: int = 60, at_m=(0.4, 4.0, 0.0)) -> Cast:
    return Cast(np.tile(REST_JOINTS_M + at_m, (1, frames, 1, 1)), np.array([1.7]), np.arange(frames) / 30)


@dataclass
class Found:
    scene: Scene
    tilt_deg: float
    height_m: np.ndarray
    """(P, F) of everybody's lower foot over the floor that was found, less that of a foot that stands there."""


def _solve(
    cast: Cast,
    camera: np.ndarray,
    *,
    seen_as_adults: bool = False,
    sizes=None,
    lines: Direction | None = None,
    focal_error: float = 1.0,
    focal_sigma: float = 0.0,
    confidence: np.ndarray | None = None,
    motion: np.ndarray | None = None,
) -> Found:
    """The scene from joints as a perfect estimator sees them.

    Args:
        seen_as_adults: the estimator takes everybody for 1.70 m tall, and so for nearer or farther than they are.
        sizes: what the user says, as shares of what was estimated.
        focal_error: people were placed with a focal length so many times the true one.
        motion: (F, 4, 4) camera to start of a camera that moves; `camera` is then its place at the start.
    """
    people, frames = cast.joints_world_m.shape[:2]
    to_start = np.tile(np.eye(4), (frames, 1, 1)) if motion is None else motion
    to_world = camera @ to_start
    joints_m = cameras.transform(cameras.invert(to_world)[None], cast.joints_world_m)
    if seen_as_adults:
        joints_m = joints_m * (1.7 / cast.stature_m)[:, None, None, None]
    # With another focal length people of the same size seem as much farther along the axis.
    root_m = joints_m[:, :, 0] * [1.0, 1.0, focal_error]
    relative_m = np.einsum("fij,pfkj->pfki", to_start[:, :3, :3], joints_m - joints_m[:, :, :1])
    root_m = cameras.transform(to_start[None], root_m[:, :, None])[:, :, 0]
    up = way_up_of_people(relative_m.reshape(-1, *relative_m.shape[2:]))
    sure = np.ones(joints_m.shape[:3]) if confidence is None else confidence
    feet = [
        standing_feet(
            np.arange(frames), relative_m[p], root_m[p], sure[p], cast.time_s, to_start,
            up if up is not None else np.array([0.0, -1.0, 0.0]),
        )
        for p in range(people)
    ]  # fmt: skip
    given = None if sizes is None else np.asarray(sizes, float)
    scene = solve_scene(feet, Beliefs(up, lines, focal_sigma, given))
    axis = scene.start_to_world[:3, :3] @ to_start[0, :3, :3]
    tilt_deg = np.degrees(np.arccos(np.clip(axis[2] @ camera[2, :3], -1, 1)))
    size = scene.size[:, None, None, None]
    stretched_m = relative_m + root_m[:, :, None]
    centre_m = to_start[None, :, None, :3, 3]
    ray_m = stretched_m - centre_m
    depth_axis = to_start[None, :, None, :3, 2]
    root_ray_m = root_m[:, :, None] - centre_m
    along_m = np.sum(root_ray_m * depth_axis, axis=-1, keepdims=True) * depth_axis
    world_m = cameras.transform(scene.start_to_world, centre_m + size * (ray_m + (scene.focal_factor - 1) * along_m))
    lowest_m = world_m[:, :, list(CONTACT_JOINTS), 2].min(axis=-1)
    return Found(scene, float(tilt_deg), lowest_m - SOLE_M * scene.size[:, None])


@pytest.mark.parametrize("people", [1, 2, 3])
@pytest.mark.parametrize("camera", CAMERAS)
def test_the_floor_under_walking_people_is_found(people, camera):
    found = _solve(_walkers(people), _camera(*camera))
    # One person's lean, and feet seen from low down, tell less.
    assert found.tilt_deg < (3.5 if people == 1 or camera[0] < 0 else 2.5)
    np.testing.assert_allclose(found.height_m, 0, atol=0.08)
    np.testing.assert_allclose(found.scene.size, 1, atol=0.07)
    assert found.scene.start_to_world[2, 3] == pytest.approx(camera[2], rel=0.1, abs=0.25)
    assert found.scene.focal_factor == 1


def test_a_noisy_distance_of_the_people_hardly_tilts_the_floor(rng):
    cast, camera = _walkers(2), _camera(12, 0, 1.6)
    # Depth wavers by three per cent, as it does for a size taken from the picture.
    waver = 1 + 0.03 * np.repeat(rng.normal(size=(2, LONG // 10, 1, 1)), 10, axis=1)
    wavering = replace(cast, joints_world_m=camera[:3, 3] + (cast.joints_world_m - camera[:3, 3]) * waver)
    found = _solve(wavering, camera)
    assert found.tilt_deg < 3
    assert abs(np.median(found.height_m)) < 0.04


@pytest.mark.parametrize("camera", [(12, 0, 1.6), (25, -2, 3.0)])
def test_a_child_beside_an_adult_is_as_small_as_it_is(camera):
    """The estimator takes both for adults, so that the child seems far away and high above the adult's floor."""
    cast = _walkers(2).scaled([1.0, 0.66])
    found = _solve(cast, _camera(*camera), seen_as_adults=True)
    assert found.scene.size[0] == pytest.approx(1.0, abs=0.08)
    assert found.scene.size[1] / found.scene.size[0] == pytest.approx(0.66, abs=0.05)
    np.testing.assert_allclose(found.height_m, 0, atol=0.08)
    np.testing.assert_allclose(found.scene.level_m, 0, atol=0.05)


def test_adults_of_other_heights_stand_on_the_same_floor():
    found = _solve(_walkers(3).scaled([1.06, 0.94, 1.0]), _camera(15, 0, 1.8), seen_as_adults=True)
    relative = found.scene.size / found.scene.size.mean()
    np.testing.assert_allclose(relative, [1.06, 0.94, 1.0], atol=0.04)
    np.testing.assert_allclose(found.height_m, 0, atol=0.08)


def test_the_picture_stays_the_same_whatever_the_sizes():
    """Size stretches people about the camera: their feet stay on their rays."""
    cast, camera = _walkers(2).scaled([1.0, 0.66]), _camera(20, 0, 2.0)
    found = _solve(cast, camera, seen_as_adults=True)
    # On the true floor, seen from the true height, the child's place in the world is its own again.
    assert found.scene.start_to_world[2, 3] == pytest.approx(2.0, rel=0.08)


def test_somebody_on_a_wall_keeps_their_size_and_stands_on_the_wall():
    cast = _walkers(3).moved(1, [0.0, 0.0, 0.9])
    found = _solve(cast, _camera(12, 0, 1.7))
    assert found.tilt_deg < 2.5
    assert found.scene.size[1] == pytest.approx(1, abs=0.06)
    assert found.scene.level_m[1] == pytest.approx(0.9, abs=0.1)
    np.testing.assert_allclose(found.height_m[[0, 2]], 0, atol=0.08)
    np.testing.assert_allclose(found.scene.level_m[[0, 2]], 0, atol=0.08)


def test_jumps_do_not_lift_or_tilt_the_floor():
    cast = _walkers(2)
    jump_m = 0.5 * np.clip(np.sin(2 * np.pi * 0.7 * cast.time_s), 0, None)
    cast.joints_world_m[0, :, :, 2] += jump_m[:, None]
    found = _solve(cast, _camera())
    assert found.tilt_deg < 2.5
    np.testing.assert_allclose(found.height_m[1], 0, atol=0.08)
    assert found.scene.level_m[0] < 0.1


def test_somebody_who_lies_on_the_floor_does_not_turn_the_world_over():
    cast = _walkers(2)
    lying = Rotation.from_euler("y", 90, degrees=True).apply(REST_JOINTS_M - REST_JOINTS_M[0]) + [0, 6.0, 0.15]
    cast.joints_world_m[1] = lying
    found = _solve(cast, _camera())
    assert found.tilt_deg < 3
    np.testing.assert_allclose(found.height_m[0], 0, atol=0.08)


def test_feet_that_are_not_trusted_have_no_say():
    cast = _walkers(2)
    wrong = cast.joints_world_m.copy()
    wrong[:, 40:80, list(CONTACT_JOINTS)] -= [0.0, 0.0, 0.5]
    confidence = np.ones(wrong.shape[:3])
    confidence[:, 40:80, list(CONTACT_JOINTS)] = 0
    found = _solve(replace(cast, joints_world_m=wrong), _camera(), confidence=confidence)
    assert found.tilt_deg < 2.5
    np.testing.assert_allclose(np.delete(found.height_m, np.s_[40:80], axis=1), 0, atol=0.08)


@pytest.mark.parametrize("pitch_deg", [0, 15, 50])
@pytest.mark.parametrize("frames", [1, 2, 60])
def test_somebody_who_only_stands_is_believed_to_stand_upright(pitch_deg, frames):
    found = _solve(_standing(frames), _camera(pitch_deg))
    # The rest pose leans by a degree from ankles to neck.
    assert found.tilt_deg < 3
    np.testing.assert_allclose(found.height_m, 0, atol=0.08)


def test_the_more_floor_is_covered_the_surer_is_the_tilt():
    camera = _camera(15, 0, 1.8)
    spread = _walkers(3)
    wide = replace(
        spread, joints_world_m=spread.joints_world_m + np.array([0, 1.0, 0]) * np.arange(3)[:, None, None, None]
    )
    sigmas = [_solve(cast, camera).scene.tilt_sigma_rad for cast in (_standing(LONG), _walkers(1), wide)]
    assert sigmas[0] > sigmas[1] > sigmas[2] > 0
    assert np.degrees(sigmas[0]) < 10


def test_walls_and_posts_tell_the_tilt_of_somebody_who_leans():
    camera = _camera(10, 0, 1.6)
    leaning = Rotation.from_euler("x", 12, degrees=True).apply(REST_JOINTS_M.copy()) + [0.0, 4.0, 0.0]
    cast = Cast(np.tile(leaning, (1, 60, 1, 1)), np.array([1.7]), np.arange(60) / 30)
    up = camera[:3, :3].T @ [0.0, 0.0, 1.0]
    without, with_lines = (_solve(cast, camera, lines=lines) for lines in (None, Direction(up, np.radians(1.0))))
    assert with_lines.tilt_deg < 2.5
    assert with_lines.tilt_deg < without.tilt_deg / 2
    assert with_lines.scene.tilt_sigma_rad < without.scene.tilt_sigma_rad


@pytest.mark.parametrize("size", [0.8, 1.15])
def test_a_height_that_the_user_states_holds_and_moves_the_scene(size):
    cast, camera = _walkers(2), _camera(15, 0, 1.8)
    plain, found = _solve(cast, camera), _solve(cast, camera, sizes=[size, np.nan])
    assert found.scene.size[0] == pytest.approx(size, rel=0.01)
    # The other and the camera's height follow, at least in part.
    for before, after in (
        (plain.scene.size[1], found.scene.size[1]),
        (plain.scene.start_to_world[2, 3], found.scene.start_to_world[2, 3]),
    ):
        assert np.sign(np.log(after / before)) == np.sign(np.log(size))


def test_where_everybodys_height_is_stated_the_scene_is_so_much_larger():
    cast, camera = _walkers(2), _camera(15, 0, 1.8)
    found = _solve(cast, camera, sizes=[1.25, 1.25])
    np.testing.assert_allclose(found.scene.size, 1.25, rtol=0.01)
    assert found.scene.start_to_world[2, 3] == pytest.approx(1.25 * 1.8, rel=0.06)
    np.testing.assert_allclose(found.height_m, 0, atol=0.08)


@pytest.mark.parametrize("size", [0.3, 1.6])
def test_the_users_word_goes_beyond_what_is_believed_of_anybody(size):
    assert not SMALLEST < size < LARGEST
    found = _solve(_standing(), _camera(), sizes=[size])
    assert found.scene.size[0] == pytest.approx(size, rel=0.02)


def test_nobodys_size_is_beyond_belief():
    cast = _walkers(2).scaled([0.35, 1.6])
    size = _solve(cast, _camera(20, 0, 2.0), seen_as_adults=True).scene.size
    assert ((size >= SMALLEST) & (size <= LARGEST)).all()


@pytest.mark.parametrize("focal_error", [0.8, 1.3])
def test_a_wrong_focal_length_is_found_from_the_floor_and_upright_lines(focal_error):
    camera = _camera(20, 0, 2.5)
    up = camera[:3, :3].T @ [0.0, 0.0, 1.0]
    # Lines were looked at with the wrong focal length, too.
    seen = up * [1.0, 1.0, focal_error]
    lines = Direction(seen / np.linalg.norm(seen), np.radians(0.7))
    known, free = (
        _solve(_walkers(3, away_m=7.0), camera, focal_error=focal_error, focal_sigma=sigma, lines=lines)
        for sigma in (0.0, 0.3)
    )
    assert known.scene.focal_factor == 1
    error = abs(np.log(free.scene.focal_factor * focal_error))
    assert error < 0.6 * abs(np.log(focal_error))
    assert free.tilt_deg < 2.5


def test_a_right_focal_length_is_left_alone():
    camera = _camera(20, 0, 2.5)
    lines = Direction(camera[:3, :3].T @ [0.0, 0.0, 1.0], np.radians(0.7))
    found = _solve(_walkers(3, away_m=7.0), camera, focal_sigma=0.3, lines=lines)
    assert found.scene.focal_factor == pytest.approx(1, abs=0.1)


def test_a_camera_that_moves_gives_the_same_floor():
    cast, camera = _walkers(2), _camera(12, 2, 1.6)
    motion = np.tile(np.eye(4), (LONG, 1, 1))
    motion[:, :3, :3] = Rotation.from_rotvec(np.linspace(0, 0.5, LONG)[:, None] * [0.1, 1, 0]).as_matrix()
    motion[:, :3, 3] = np.linspace(0, 1, LONG)[:, None] * [1.0, -0.3, 0.5]
    found = _solve(cast, camera, motion=motion)
    assert found.tilt_deg < 2.5
    np.testing.assert_allclose(found.height_m, 0, atol=0.08)


@pytest.mark.parametrize("upright", [np.array([0.0, -1.0, 0.0]), None])
def test_without_feet_the_camera_is_level_at_a_usual_height(upright):
    scene = solve_scene([], Beliefs(upright))
    np.testing.assert_allclose(scene.start_to_world[2, :3], [0, -1, 0], atol=0.05)
    assert 0.5 < scene.start_to_world[2, 3] < 3
    assert scene.size.shape == scene.level_m.shape == (0,)


def test_somebody_never_seen_keeps_an_adults_size():
    cast = _walkers(1)
    joints_m = cameras.transform(cameras.invert(_camera()), cast.joints_world_m)[0]
    own = (joints_m - joints_m[:, :1], joints_m[:, 0], np.ones(joints_m.shape[:2]), cast.time_s)
    still, up = np.tile(np.eye(4), (LONG, 1, 1)), np.array([0.0, -1.0, 0.0])
    seen = standing_feet(np.arange(LONG), *own, still, up)
    unseen = standing_feet(np.zeros(0, int), *(a[:0] for a in own), still[:0], up)
    scene = solve_scene([seen, unseen], Beliefs(up))
    assert scene.size[1] == pytest.approx(1, abs=0.02)
    assert np.isfinite(scene.start_to_world).all()


@pytest.mark.parametrize("pitch", np.radians([-80, -20, 0, 35, 89]))
@pytest.mark.parametrize("roll", np.radians([-30, 0, 10]))
def test_angles_and_directions_are_each_others_inverse(pitch, roll):
    up = direction_of(pitch, roll)
    assert np.linalg.norm(up) == pytest.approx(1)
    np.testing.assert_allclose(angles_of(up), (pitch, roll), atol=1e-12)


def test_pitch_and_roll_are_those_of_a_camera():
    for pitch_deg, roll_deg in ((30, 0), (0, 10), (-15, 5)):
        up = _camera(pitch_deg, roll_deg)[:3, :3].T @ [0.0, 0.0, 1.0]
        pitch, roll = np.degrees(angles_of(up))
        assert pitch == pytest.approx(pitch_deg, abs=0.7)
        assert abs(roll) == pytest.approx(abs(roll_deg), abs=0.7)


@pytest.mark.parametrize("pitch", np.radians([-90, -30, 0, 60, 90]))
@pytest.mark.parametrize("roll", np.radians([0, 20]))
def test_the_world_is_upright_below_a_camera_that_looks_along_y(pitch, roll):
    up = direction_of(pitch, roll)
    matrix = start_to_world(up, 1.6)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1)
    np.testing.assert_allclose(matrix[:3, :3] @ up, [0, 0, 1], atol=1e-9)
    np.testing.assert_array_equal(matrix[:, 3], [0, 0, 1.6, 1])
    view = matrix[:3, 2]
    assert view[0] == pytest.approx(0, abs=1e-9)
    assert view[1] > -1e-9


def test_the_sole_is_under_the_foot_of_the_walkers_too():
    assert pytest.approx(FOOT_HEIGHT_M) == SOLE_M
