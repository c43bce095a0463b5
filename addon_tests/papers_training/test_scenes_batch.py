"""Whole pictures for training: the truth stays in step with what is done to a picture, and a seed gives it again."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import torch
from papers_training import depth_task, detect_task, scene_task
from papers_training.backdrops import backdrop, clutter
from papers_training.pictures import Pictures
from papers_training.scenes_batch import (
    Recipe,
    Scene,
    augmented,
    boxes_of,
    cut,
    mirrored,
    seen_shares,
    whole,
)

from models import depth_net, detect_net
from models.backbones import backbone
from models.depth_net import CANONICAL_FOCAL_PX
from models.detect_net import Found

SIDE, FOCAL_PX = 128, 150.0
FLOOR_M, PERSON_M = 6.0, np.array([3.0, 4.5])
AS_IT_IS = Recipe(swap=0, behind=0, before=0)


def scene(rng: np.random.Generator, side: int = SIDE) -> Scene:
    """Two people, one partly before the other: blue ellipses with a red spot at the first joint of each."""
    y, x = np.mgrid[:side, :side] + 0.5
    ids, colour = np.zeros((side, side), np.uint8), np.full((side, side, 3), 90, np.uint8)
    depth = np.full((side, side), FLOOR_M, np.float32)
    depth[: side // 5] = np.inf
    joints = np.zeros((2, 28, 2), np.float32)
    for k in (1, 0):  # the nearer last
        centre, half = rng.uniform(0.35, 0.65, 2) * side, side * np.array([0.1, 0.25])
        mask = (((x - centre[0]) / half[0]) ** 2 + ((y - centre[1]) / half[1]) ** 2) < 1
        ids[mask], depth[mask], colour[mask] = k + 1, PERSON_M[k], (30, 30, 200)
        joints[k] = centre + rng.uniform(-0.6, 0.6, (28, 2)) * half
        joints[k, 0] = centre
        spot = np.hypot(x - centre[0], y - centre[1]) < 3
        colour[spot] = (250, 20, 20) if k == 0 else colour[spot]
    return Scene(colour, ids, depth, FOCAL_PX, joints)


def save(folder: Path, number: int, count: int, side: int = SIDE) -> None:
    scenes = [scene(np.random.default_rng((number, k)), side) for k in range(count)]
    intrinsics = np.tile(np.array([[FOCAL_PX, 0, side / 2], [0, FOCAL_PX, side / 2], [0, 0, 1]]), (count, 1, 1))
    np.savez(
        folder / f"train_{number:05d}.npz",
        first=np.arange(count + 1) * 2, intrinsics=intrinsics, colour=np.stack([s.colour for s in scenes]),
        ids=np.stack([s.ids for s in scenes]), depth_m=np.stack([s.depth_m for s in scenes]).astype(np.float16),
        joints_px=np.concatenate([s.joints_px for s in scenes]),
        joints_camera_m=np.zeros((2 * count, 28, 3), np.float32), visible=np.ones((2 * count, 28), bool),
        box_px=np.concatenate([boxes_of(s.ids, 2) for s in scenes]).astype(np.int32),
    )  # fmt: skip


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    save(tmp_path, 0, 4)
    return Pictures(tmp_path)


def red_px(colour: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(colour[..., 0].astype(int) > colour[..., 2].astype(int) + 100)
    return np.array([columns.mean(), rows.mean()]) + 0.5


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.9])
def test_a_piece_moves_picture_joints_masks_and_depth_alike(scale: float) -> None:
    whole_one = scene(np.random.default_rng(1))
    left, top = whole_one.joints_px[0, 0] - 30 / scale
    piece = cut(whole_one, float(left), float(top), scale, 64, 60)
    for one in (piece, mirrored(piece)):
        np.testing.assert_allclose(red_px(one.colour), one.joints_px[0, 0], atol=0.6)
        own = one.depth_m[one.ids == 1]
        assert len(own) > 50 and (own == PERSON_M[0]).all()
        assert one.focal_px == pytest.approx(FOCAL_PX * scale)
    np.testing.assert_allclose(mirrored(piece).joints_px[..., 0], 60 - piece.joints_px[..., 0], atol=1e-4)


def test_beyond_the_scene_there_is_nobody_and_no_depth() -> None:
    piece = cut(scene(np.random.default_rng(1)), -20.0, -10.0, 1.0, SIDE + 30, SIDE + 30)
    assert not piece.ids[:9].any() and np.isnan(piece.depth_m[:9]).all()
    assert np.isnan(piece.depth_m[:, -8:]).all() and np.isfinite(piece.depth_m[60, 21])


def test_boxes_hold_the_masks_exactly() -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        one = augmented(scene(rng), rng, 96, 64, Recipe(swap=0.5, behind=0.8, before=0.8))
        for k, (left, top, right, bottom) in enumerate(boxes_of(one.ids, 2)):
            rows, columns = np.nonzero(one.ids == k + 1)
            if len(rows):
                assert (left, top, right, bottom) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            else:
                assert (left, top, right, bottom) == (0, 0, 0, 0)


def test_a_new_background_leaves_people_where_they_are_and_no_depth_behind_them() -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        one = augmented(scene(rng), rng, 96, 96, Recipe(swap=1, behind=1, before=0))
        assert np.isnan(one.depth_m[one.ids == 0]).all()
        assert np.isfinite(one.depth_m[one.ids > 0]).all()


def test_things_in_front_hide_people_and_their_depth() -> None:
    hidden = 0
    for seed in range(8):
        parts = [
            augmented(scene(np.random.default_rng(seed)), np.random.default_rng(seed + 9), 96, 96, recipe)
            for recipe in (AS_IT_IS, Recipe(swap=0, behind=0, before=1))
        ]
        gone = (parts[0].ids > 0) & (parts[1].ids == 0)
        assert np.isnan(parts[1].depth_m[gone]).all()
        assert (parts[1].ids[~gone] == parts[0].ids[~gone]).all()
        hidden += int(gone.sum())
    assert hidden > 0


def test_nobody_is_in_an_empty_picture() -> None:
    rng = np.random.default_rng(0)
    one = augmented(scene(rng), rng, 64, 64, Recipe(empty=1))
    truth = detect_task.truth_of(one, "cpu")
    assert not one.ids.any() and truth.box_px.shape == (0, 4) and truth.masks is not None and not len(truth.masks)


def test_canonical_depth_follows_from_size_in_pixels() -> None:
    """What is seen twice as large, by a longer lens or in a larger picture, is half as far."""
    one = scene(np.random.default_rng(2))
    plain = depth_task.canonical(one, 20.0)
    np.testing.assert_allclose(plain[one.ids == 1], PERSON_M[0] * CANONICAL_FOCAL_PX / FOCAL_PX, rtol=1e-6)
    large = cut(one, 0.0, 0.0, 2.0, 2 * SIDE, 2 * SIDE)
    np.testing.assert_allclose(depth_task.canonical(large, 20.0)[large.ids == 1], plain[one.ids == 1][0] / 2, rtol=1e-6)
    assert (plain[np.isinf(one.depth_m)] == 0).all()
    assert (depth_task.canonical(one, 5.0) <= 5.0).all()


def test_the_tiny_and_the_hidden_are_let_alone() -> None:
    one = scene(np.random.default_rng(3))
    assert (seen_shares(one) > 0.3).any()
    both = detect_task.truth_of(one, "cpu")
    assert both.ignored_px is not None and len(both.box_px) + len(both.ignored_px) == 2
    small = detect_task.truth_of(cut(one, 0.0, 0.0, 0.12, 16, 16), "cpu")
    assert small.ignored_px is not None and not len(small.box_px) and len(small.ignored_px) == 2
    covered = one.ids.copy()
    left, top, right, bottom = boxes_of(one.ids, 2)[0].astype(int)
    covered[top + 4 : bottom, left:right] = np.where(covered == 1, 0, covered)[top + 4 : bottom, left:right]
    hidden = detect_task.truth_of(Scene(one.colour, covered, one.depth_m, FOCAL_PX, one.joints_px), "cpu")
    assert hidden.ignored_px is not None and len(hidden.ignored_px) == len(both.ignored_px) + 1


def tasks(pictures: Pictures) -> list[detect_task.DetectTask | depth_task.DepthTask]:
    torch.manual_seed(0)
    return [
        detect_task.DetectTask(detect_net.DetectNet(backbone("small"), detect_net.SMALL), pictures, pictures),
        depth_task.DepthTask(depth_net.DepthNet(backbone("small"), depth_net.SMALL), pictures, pictures),
    ]


def test_a_seed_gives_the_same_batch_and_another_another(pictures: Pictures) -> None:
    detect, depth = tasks(pictures)
    for task in (detect, depth):
        drawn = [task.batch(np.random.default_rng(seed), 2, 0.0) for seed in (5, 5, 6)]
        images = [b["pictures"] if isinstance(b, dict) else b[0] for b in drawn]
        assert torch.equal(images[0], images[1])
        assert images[0].shape != images[2].shape or not torch.equal(images[0], images[2])
        assert images[0].shape[0] == 2 and images[0].shape[2] % 32 == 0 and images[0].shape[3] % 32 == 0
    first, second = (depth.batch(np.random.default_rng(5), 2, 0.0) for _ in range(2))
    assert isinstance(first, dict) and isinstance(second, dict)
    assert torch.equal(first["depth_m"], second["depth_m"])


def test_new_shards_are_found_while_training(pictures: Pictures) -> None:
    detect, _ = tasks(pictures)
    save(pictures.folder, 1, 2)
    for seed in range(scene_task.LOOK_EVERY):
        detect.batch(np.random.default_rng(seed), 1, 0.0)
    assert len(pictures.shards) == 2


def test_losses_are_finite_in_mixed_precision_and_reach_the_backbone(pictures: Pictures) -> None:
    for task in tasks(pictures):
        batch = task.batch(np.random.default_rng(1), 2, 0.0)
        with torch.autocast("cpu", torch.bfloat16):
            terms = task.loss(batch, 0.0)  # type: ignore[arg-type]
        total = torch.stack([term.float() for term in terms.values()]).sum()
        total.backward()
        first = next(task.network.parameters())
        assert torch.isfinite(total) and first.grad is not None and first.grad.abs().sum() > 0


def test_weights_are_remade_from_what_the_task_says(pictures: Pictures) -> None:
    for task, module in zip(tasks(pictures), (detect_net, depth_net)):
        module.from_config(task.config()).load_state_dict(task.network.state_dict())


def test_figures_of_a_detector_that_knows_and_of_one_that_does_not(pictures: Pictures) -> None:
    truths = [detect_task.truth_of(whole(pictures.shards[0], k), "cpu") for k in range(4)]
    found = []
    for truth in truths:
        assert truth.masks is not None
        masks = torch.nn.functional.interpolate(truth.masks[None].float(), scale_factor=0.25, mode="area")[0]
        found.append(Found(truth.box_px, torch.full((len(truth.box_px),), 0.9), (255 * masks).to(torch.uint8)))
    figures = detect_task.figures(found, truths)
    assert figures["ap50"] == 100 and figures["recall"] == 100 and figures["false"] == 0
    assert figures["mask_iou"] > 85
    away = [Found(f.box_px + 500, f.score, f.masks) for f in found]
    figures = detect_task.figures(away, truths)
    assert figures["ap50"] == 0 and figures["recall"] == 0 and figures["false"] >= 1
    alone = [
        detect_task.Truth(torch.zeros(0, 4), torch.zeros(0, SIDE, SIDE, dtype=torch.bool), t.box_px) for t in truths
    ]
    assert detect_task.figures(found, alone)["false"] == 0


class Knowing(torch.nn.Module):
    """Says what it was told, in order, times a factor."""

    def __init__(self, depths: list[torch.Tensor], factor: float) -> None:
        super().__init__()
        self.depths, self.factor = iter(depths), factor

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return next(self.depths)[None] * self.factor


def test_figures_of_a_depth_network_that_knows_and_of_one_that_is_off_in_scale(pictures: Pictures) -> None:
    _, task = tasks(pictures)
    scale = depth_task.CHECK_PX / SIDE
    depths = []
    for number in range(4):
        piece = cut(whole(pictures.shards[0], number), 0.0, 0.0, scale, depth_task.CHECK_PX, depth_task.CHECK_PX)
        depths.append(torch.from_numpy(depth_task.canonical(piece, 20.0)))
    figures = task.measure(Knowing(depths, 1.0))
    assert figures["delta1"] == figures["delta1_people"] == figures["order"] == 100
    assert figures["relative_people"] == 0
    figures = task.measure(Knowing(depths, 1.3))
    assert figures["delta1"] == 0 and figures["order"] == 100
    assert figures["relative_people"] == pytest.approx(30, abs=0.1)


def test_backdrops_have_the_size_asked_for_and_come_again_from_a_seed() -> None:
    pieces = [backdrop(np.random.default_rng(seed), 70, 90) for seed in (1, 1, 2)]
    assert pieces[0].shape == (70, 90, 3) and pieces[0].dtype == np.uint8
    assert (pieces[0] == pieces[1]).all() and (pieces[0] != pieces[2]).any()
    things, where = clutter(np.random.default_rng(1), 70, 90)
    assert things.shape == (70, 90, 3) and where.shape == (70, 90) and set(np.unique(where)) <= {0, 255}
