"""The camera sees what the take's pinhole matrices say, and the plate keeps step with the motion."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from animepose_blender.core.source_clip import find_clip
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import compat
from animepose_blender.host.import_take import ImportedTake, ImportOptions, import_take
from animepose_blender.take import Take

DEFAULTS = ImportOptions()


def do_import(take: Take, options: ImportOptions = DEFAULTS, path: str | None = None) -> ImportedTake:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return import_take(bpy.context, take, path, options)


def assert_projects(take: Take, result: ImportedTake, frames: tuple[int, ...]) -> None:
    scene = bpy.context.scene
    width, height = take.source["size"]
    for frame in frames:
        scene.frame_set(1 + frame)
        bpy.context.view_layer.update()
        points_m = take.joints_world_m[:, frame].reshape(-1, 3)
        camera_m = (points_m - take.camera_to_world[frame, :3, 3]) @ take.camera_to_world[frame, :3, :3]
        image = camera_m @ take.intrinsics[frame].T
        expected_px = image[:, :2] / image[:, 2:]
        for point_m, (x_px, y_px) in zip(points_m, expected_px, strict=True):
            u, v, _ = world_to_camera_view(scene, result.camera, Vector(point_m.tolist()))
            assert abs(u * width - x_px) < 0.1 and abs((1 - v) * height - y_px) < 0.1


def with_intrinsics(take: Take, fx: float, fy: float, cx: float, cy: float) -> Take:
    intrinsics = np.tile(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]), (take.frame_count, 1, 1))
    return dataclasses.replace(take, intrinsics=intrinsics)


def test_a_still_camera_projects_within_a_tenth_of_a_pixel_and_has_no_keys():
    take = walking_take(people=2, frames=5, gaps=False)
    result = do_import(take)
    assert_projects(take, result, (0, 4))
    scene = bpy.context.scene
    assert (scene.render.resolution_x, scene.render.resolution_y) == (640, 360) and scene.camera == result.camera
    assert result.camera.animation_data is None and result.camera.data.animation_data is None


def test_an_upright_picture_with_its_principal_point_off_centre_projects_too():
    take = with_intrinsics(walking_take(people=2, frames=3, gaps=False, size=(1080, 1920)), 1500, 1500, 500, 1010)
    assert_projects(take, do_import(take), (0, 2))


def test_pixels_that_are_not_square_project_too():
    for fx, fy in ((600, 720), (720, 600)):
        take = with_intrinsics(walking_take(people=2, frames=3, gaps=False), fx, fy, 333, 170)
        assert_projects(take, do_import(take), (1,))


def test_a_camera_that_moves_and_zooms_is_keyed_and_projects_in_every_frame():
    take = walking_take(people=2, frames=40, gaps=False, moving_camera=True)
    result = do_import(take)
    assert_projects(take, result, (0, 17, 39))
    assert result.camera.animation_data.action and result.camera.data.animation_data.action


def small_clip(path: Path, size: tuple[int, int] = (64, 36)) -> bool:
    """Write a clip of 12 frames with what is at hand; False where there is nothing."""
    try:
        import cv2
    except ImportError:
        return False
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, size)
    for value in range(12):
        writer.write(np.full((size[1], size[0], 3), value * 20, dtype=np.uint8))
    writer.release()
    return True


def test_the_plate_shows_the_takes_first_frame_at_the_scenes_first_frame(tmp_path: Path):
    if not small_clip(tmp_path / "clip.avi"):
        return
    take = walking_take(frames=6, clip=str(tmp_path / "clip.avi"))
    take.source["start_frame"] = 4
    result = do_import(take)
    assert not result.warnings
    background = result.camera.data.background_images[0]
    # A movie clip shows its frame k at the scene's frame `frame_start` + k.
    assert background.source == "MOVIE_CLIP" and background.clip.frame_start + 4 == 1
    assert result.camera.data.show_background_images and background.show_background_image


def test_at_another_frame_rate_the_plate_is_retimed(tmp_path: Path):
    if not small_clip(tmp_path / "clip.avi"):
        return
    take = walking_take(frames=61, clip="clip.avi")
    take.source["start_frame"] = 3
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = 24
    result = import_take(bpy.context, take, str(tmp_path / "take.npz"), ImportOptions(set_frame_rate=False))
    background = result.camera.data.background_images[0]
    assert not result.warnings and background.source == "IMAGE"
    for frame in (1, 25, 49):
        scene.frame_set(frame)
        camera = result.camera.evaluated_get(bpy.context.evaluated_depsgraph_get())
        shown = frame - 1 + camera.data.background_images[0].image_user.frame_offset
        assert abs(shown - (3 + (frame - 1) / 24 * 30)) <= 1


def test_where_blender_shows_rotated_files_lying_the_plate_is_turned_upright(tmp_path: Path):
    if not small_clip(tmp_path / "clip.avi"):
        return
    take = walking_take(frames=6, clip=str(tmp_path / "clip.avi"), size=(36, 64))
    take.source["rotation"] = 90
    heeds = compat.turns_clips_upright
    compat.turns_clips_upright = lambda: False
    try:
        background = do_import(take).camera.data.background_images[0]
    finally:
        compat.turns_clips_upright = heeds
    # Blender turns a plate clockwise for a positive angle (looked at in 4.3); 64 by 36 has to fill 36 by 64.
    assert background.frame_method == "FIT" and abs(background.scale - 64 / 36) < 1e-5
    assert abs(background.rotation - np.pi / 2) < 1e-5


def test_a_clip_that_is_gone_is_a_warning_and_no_failure():
    result = do_import(walking_take(clip="gone.mp4"))
    assert result.camera is not None and len(result.camera.data.background_images) == 0
    assert any("gone.mp4" in warning for warning in result.warnings)
    assert result.collection.name == "gone (take)"


def test_a_clip_that_blender_cannot_read_is_a_warning_and_no_failure(tmp_path: Path):
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    result = do_import(walking_take(clip=str(tmp_path / "broken.mp4")))
    assert result.camera is not None and result.armatures
    assert any("no frames" in warning for warning in result.warnings)
    assert len(result.camera.data.background_images) == 0 and len(bpy.data.movieclips) == 0


def test_a_clip_is_found_beside_its_take_whatever_system_named_it(tmp_path: Path):
    (tmp_path / "dance.mp4").touch()
    take_path = str(tmp_path / "take.npz")
    for name in ("dance.mp4", r"C:\Users\a\dance.mp4", "/elsewhere/dance.mp4", str(tmp_path / "dance.mp4")):
        assert find_clip(name, take_path) == tmp_path / "dance.mp4"
    assert find_clip("dance2.mp4", take_path) is None and find_clip("", take_path) is None
