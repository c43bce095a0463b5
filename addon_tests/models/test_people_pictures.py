"""Training pictures: joints, masks, boxes and depth agree with each other, and a seed gives the same picture."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("moderngl", reason="moderngl is not installed")

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from people_pictures.bank import Bank, make_bank  # noqa: E402
from people_pictures.casting import corners_of_box  # noqa: E402
from people_pictures.drawing import Camera, Renderer, Setting  # noqa: E402
from people_pictures.pictures import Picture, make_picture  # noqa: E402

from animepose_blender.errors import AnimePoseError  # noqa: E402
from animepose_blender.skeleton import J  # noqa: E402

DATA = Path(os.environ.get("ANIMEPOSE_DATA", ROOT.parent / "shared" / "data"))
SIZE = (192, 160)


def renderer_of(bank: Bank | None) -> Renderer:
    try:
        return Renderer(bank, *SIZE, samples=1)
    except AnimePoseError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def bank() -> Bank:
    if not (DATA / "humans").is_dir() or not (DATA / "mocap").is_dir():
        pytest.skip(f"no humans and mocap in {DATA}")
    return make_bank(DATA, figures=2, poses=16)


@pytest.fixture(scope="module")
def pictures(bank: Bank) -> list[Picture]:
    renderer = renderer_of(bank)
    return [make_picture(bank, renderer, 5, number) for number in range(8)]


def test_a_cube_lands_on_the_right_pixels_with_the_right_depth() -> None:
    view = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])  # looks along +Y from the origin
    camera = Camera(np.array([[100.0, 0, 96], [0, 100.0, 80], [0, 0, 1]]), view, *SIZE)
    paint = np.array([1, 1, 1, 1, 1, 1, 0, 1.0])
    cube = corners_of_box(np.array([0.5, 4.5, 1.0]), np.full(3, 0.5), 0.0, paint)
    zero = np.zeros(3)
    setting = Setting(cube, np.ones(3), np.zeros((3, 3)), np.eye(3), zero, zero, zero)
    _, ids, depth = renderer_of(None).draw(camera, setting, [])
    # Its near face is 4 m away: x from 0 to 1 m, heights from 0.5 to 1.5 m, 25 px a metre.
    face = np.abs(depth - 4.0) < 1e-3
    rows, columns = np.flatnonzero(face.any(1)), np.flatnonzero(face.any(0))
    assert (columns[0], columns[-1] + 1) == (96, 121)
    assert abs(rows[0] - 42.5) <= 0.5 and abs(rows[-1] + 1 - 67.5) <= 0.5
    assert np.isinf(depth[0, 0]) and not ids.any()


def test_visible_joints_lie_in_their_own_mask_just_under_its_surface(pictures: list[Picture]) -> None:
    count = 0
    for picture in pictures:
        for k, seen in enumerate(picture.visible):
            x, y = np.floor(picture.joints_px[k][seen]).astype(int).T
            assert (picture.ids[y, x] == k + 1).all()
            under_m = picture.joints_camera_m[k][seen, 2] - picture.depth_m[y, x].astype(float)
            assert (under_m < 0.35).all()
            count += int(seen.sum())
    assert count > 50


def test_joints_project_to_their_pixels(pictures: list[Picture]) -> None:
    for picture in pictures:
        ahead = picture.joints_camera_m[..., 2] > 0.1
        projected = picture.joints_camera_m @ picture.intrinsics.T
        projected = projected[..., :2] / projected[..., 2:]
        np.testing.assert_allclose(projected[ahead], picture.joints_px[ahead], atol=0.02)


def test_mixed_poses_are_others_whose_bones_keep_their_lengths_on_the_same_floor() -> None:
    if not (DATA / "humans").is_dir() or not (DATA / "mocap").is_dir():
        pytest.skip(f"no humans and mocap in {DATA}")
    (plain,), (mixed,) = (make_bank(DATA, figures=1, poses=12, mixed_share=share).figures for share in (0.0, 1.0))

    def lengths_m(joints_m: np.ndarray) -> np.ndarray:
        ends = [("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")]
        pairs = np.array([[J[f"{side}_{name}"] for name in names] for side in ("left", "right") for names in ends])
        return np.linalg.norm(joints_m[:, pairs[:, 0]] - joints_m[:, pairs[:, 1]], axis=-1)

    np.testing.assert_allclose(lengths_m(mixed.joints_m), lengths_m(plain.joints_m), atol=0.01)
    moved = np.linalg.norm(mixed.joints_m - plain.joints_m, axis=-1)
    assert (np.median(moved[:, [J["left_wrist"], J["right_ankle"]]], axis=0) > 0.1).all()
    assert mixed.joints_m[..., 2].min() > plain.joints_m[..., 2].min() - 0.15


def test_boxes_are_those_of_the_masks(pictures: list[Picture]) -> None:
    for picture in pictures:
        assert set(np.unique(picture.ids)) - {0} == set(range(1, len(picture.box_px) + 1))
        for k, (left, top, right, bottom) in enumerate(picture.box_px):
            rows, columns = np.nonzero(picture.ids == k + 1)
            assert (left, top, right, bottom) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_the_same_seed_gives_the_same_picture(bank: Bank, pictures: list[Picture]) -> None:
    again = make_picture(bank, renderer_of(bank), 5, 3)
    for name in ("colour", "ids", "depth_m", "joints_px", "visible", "box_px"):
        np.testing.assert_array_equal(getattr(again, name), getattr(pictures[3], name))
