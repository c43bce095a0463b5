"""Crops of one person: their truth moves with their pixels."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from papers_training.crops import Changes, PhotographCrops, RenderedCrops
from papers_training.photographs import Photographs
from papers_training.pictures import Pictures

from animepose_blender.skeleton import JOINT_COUNT, REST_JOINTS_M, J

SIZE = 128
MIDDLE = np.array([128.0, 100.0])


@pytest.fixture
def people(tmp_path) -> RenderedCrops:
    """One person, far off the axis, in a black picture; only the right wrist is white."""
    intrinsics = np.array([[400.0, 0, 128], [0, 400.0, 100], [0, 0, 1]])
    camera_m = REST_JOINTS_M * [1, -1, 1]
    camera_m = camera_m[:, [0, 2, 1]] * [1, -1, 1] + [0.9, 0.9, 6.0]
    px = camera_m @ intrinsics.T
    px = (px[:, :2] / px[:, 2:]).astype(np.float32)
    y, x = np.mgrid[:200, :256] + 0.5
    near = np.exp(-((x - px[J["right_wrist"], 0]) ** 2 + (y - px[J["right_wrist"], 1]) ** 2) / 8)
    colour = np.repeat((255 * near).astype(np.uint8)[..., None], 3, axis=-1)[None]
    np.savez(
        tmp_path / "one.npz", colour=colour, ids=np.ones((1, 200, 256), np.uint8),
        depth_m=np.ones((1, 200, 256), np.float16), intrinsics=intrinsics[None], joints_px=px[None],
        joints_camera_m=camera_m[None].astype(np.float32), visible=np.ones((1, JOINT_COUNT), bool),
        box_px=np.concatenate([px.min(0), px.max(0)])[None].astype(np.int32), first=np.array([0, 1]),
    )  # fmt: skip
    return RenderedCrops(Pictures(tmp_path))


def brightest(image: np.ndarray) -> np.ndarray:
    weight = np.maximum(image[..., 0].astype(float) - 140, 0)
    y, x = np.mgrid[: len(image), : len(image)] + 0.5
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


MOVED = replace(Changes.none(), scale=0.15, shift=0.04, any_turn=1.0)


@pytest.mark.parametrize("changes", [Changes.none(), MOVED], ids=["as it is", "turned and moved"])
def test_a_joint_is_where_the_crop_shows_it(people: RenderedCrops, changes: Changes) -> None:
    for seed in range(5):
        crops = people.draw(np.random.default_rng(seed), 1, SIZE, changes)
        np.testing.assert_allclose(brightest(crops.colour[0]), crops.joints_px[0, J["right_wrist"]], atol=0.7)


def test_a_flipped_crop_shows_the_right_wrist_as_the_left(people: RenderedCrops) -> None:
    wrists = {J["left_wrist"], J["right_wrist"]}
    found = set()
    for seed in range(8):
        crops = people.draw(np.random.default_rng(seed), 1, SIZE, replace(Changes.none(), flip=True))
        at = np.linalg.norm(crops.joints_px[0] - brightest(crops.colour[0]), axis=-1)
        found.add(int(at.argmin()))
    assert found == wrists


def test_joints_in_space_turn_and_flip_with_the_crop(people: RenderedCrops) -> None:
    for seed in range(8):
        crops = people.draw(np.random.default_rng(seed), 1, SIZE, replace(MOVED, flip=True))
        px = crops.joints_px[0] - crops.joints_px[0, J["pelvis"]]
        joints_m = crops.joints_m[0]
        # Six metres away it is nearly a parallel projection: what is left is perspective.
        scale = (px * joints_m[:, :2]).sum() / (joints_m[:, :2] ** 2).sum()
        assert np.abs(px - scale * joints_m[:, :2]).max() < 0.12 * np.abs(px).max()


def test_joints_beyond_the_crop_are_not_taught_in_2d(people: RenderedCrops) -> None:
    crops = people.draw(np.random.default_rng(0), 20, SIZE, replace(Changes.none(), shift=0.4))
    inside = ((crops.joints_px >= 0) & (crops.joints_px <= SIZE)).all(-1)
    np.testing.assert_array_equal(crops.known_2d, inside)
    assert not inside.all()
    assert crops.known_3d.all()


def test_the_same_seed_gives_the_same_crops(people: RenderedCrops) -> None:
    one, two = (people.draw(np.random.default_rng(3), 4, SIZE, Changes()) for _ in range(2))
    np.testing.assert_array_equal(one.colour, two.colour)
    np.testing.assert_array_equal(one.joints_m, two.joints_m)


def test_photographs_teach_what_is_known_and_nothing_in_depth() -> None:
    known = np.zeros((1, JOINT_COUNT), bool)
    known[0, [J["left_knee"], J["neck"], J["right_hip"], J["left_hip"], J["head_top"], J["nose"]]] = True
    px = np.random.default_rng(0).uniform(20, 80, (1, JOINT_COUNT, 2)).astype(np.float32)
    photographs = PhotographCrops(Photographs([np.zeros((100, 100, 3), np.uint8)], px, known))
    crops = photographs.draw(np.random.default_rng(0), 1, SIZE, Changes.none())
    np.testing.assert_array_equal(crops.known_2d, known)
    assert not crops.known_3d.any()
