"""What the project's own networks see comes back to where it is in the picture."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.hub import own_network
from animepose_blender.estimate.hub.device import Device
from animepose_blender.estimate.hub.loading import Loaded
from animepose_blender.estimate.hub.own_crops import Squares, cut_out, fitted_size, squares_around
from animepose_blender.estimate.hub.own_depth import OwnDepth
from animepose_blender.estimate.hub.own_detect import OwnDetector
from animepose_blender.estimate.hub.own_network import OwnNetwork, load_own_network
from animepose_blender.estimate.hub.own_pose import OwnPose, calibrated, peaks, spreads
from animepose_blender.estimate.hub.own_root import OwnRoot
from animepose_blender.estimate.metric_joints import metres_a_pixel
from animepose_blender.skeleton import JOINT_COUNT, REST_JOINTS_M, J
from animepose_blender.store.installed import find_network
from animepose_blender.store.record import ModelFile, ModelRecord
from models import cascade, depth_net, detect_net, pose_net, root_net
from models.backbones import MEAN, normalised

CPU = Device(torch.device("cpu"), torch.float32)
HEIGHT, WIDTH = 240, 400


def loaded(network: nn.Module, module: ModuleType, role: str, **more) -> Loaded:
    files = (ModelFile("model.safetensors", 1, ""),)
    record = ModelRecord("x", "X", role, module.NETWORK, files, "CC0-1.0", True, "a test", **more)
    return Loaded(network.eval(), {}, record, CPU)


def pictures_of(*boxes: tuple[int, int, int, int]) -> torch.Tensor:
    """(B, H, W, 3) uint8: dark, each with one bright box."""
    pictures = torch.full((len(boxes), HEIGHT, WIDTH, 3), 20, dtype=torch.uint8)
    for picture, (x0, y0, x1, y1) in zip(pictures, boxes, strict=True):
        picture[y0:y1, x0:x1] = 250
    return pictures


def brightness(inputs: torch.Tensor) -> torch.Tensor:
    """(N, H, W) 0 dark to 1 bright, of normalised (N, 3, H, W)."""
    low, high = (normalised(torch.full((1, 3, 1, 1), v / 255)) for v in (20, 250))
    return ((inputs - low) / (high - low)).mean(dim=1).clamp(0, 1)


def centre(shade: torch.Tensor) -> torch.Tensor:
    """(N, 2) x, y of the middle of what is bright, pixel centres at +0.5."""
    shade = (shade - 0.3).clamp_min(0)
    y, x = (torch.arange(n) + 0.5 for n in shade.shape[-2:])
    total = shade.sum(dim=(1, 2))
    return torch.stack([(shade.sum(1) * x).sum(1), (shade.sum(2) * y).sum(1)], dim=-1) / total[:, None]


# Crops.


def test_a_crop_shows_the_places_of_the_picture_that_it_says():
    ramp = torch.zeros((1, HEIGHT, WIDTH, 3), dtype=torch.uint8)
    ramp[0, :, :, 0] = torch.arange(WIDTH)[None].clamp_max(255)
    ramp[0, :, :, 1] = torch.arange(HEIGHT)[:, None]
    for side in (30.0, 64.0, 150.0, 200.0):
        squares = Squares(np.array([[120.0, 115.0]]), np.array([side]))
        crop = cut_out(ramp, np.array([0]), squares, 64)[0]
        values = (crop * torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)) * 255
        place = np.array([[[9.5, 40.5], [50.5, 20.5]]])
        in_picture = squares.to_picture(place, 64)[0]
        found = values[:2, [40, 20], [9, 50]].T.numpy()
        np.testing.assert_allclose(found, in_picture - 0.5, atol=0.6)


def test_beyond_the_picture_crops_are_the_mean_colour_and_small_patterns_are_averaged():
    stripes = torch.zeros((1, HEIGHT, WIDTH, 3), dtype=torch.uint8)
    stripes[:, :, ::2] = 255
    squares = Squares(np.array([[200.0, 120.0], [-300.0, 120.0]]), np.array([220.0, 200.0]))
    crops = cut_out(stripes, np.array([0, 0]), squares, 32)
    grey = normalised(torch.full((1, 3, 1, 1), 0.5))
    assert (crops[0] - grey[0])[:, 2:-2, 2:-2].abs().max() < 0.4
    assert not crops[1].any()


def test_crops_of_many_pictures_are_those_of_each_alone():
    pictures = torch.randint(0, 255, (3, HEIGHT, WIDTH, 3), dtype=torch.uint8, generator=torch.manual_seed(0))
    squares = squares_around(np.array([[10, 20, 60, 120], [50, 0, 350, 240], [-30, 40, 80, 90], [200, 10, 230, 60.0]]))
    owner = np.array([2, 0, 2, 1])
    together = cut_out(pictures, owner, squares, 48)
    for k in range(4):
        alone = cut_out(pictures[owner[k]][None], np.array([0]), squares.part(slice(k, k + 1)), 48)
        torch.testing.assert_close(alone[0], together[k])


def test_squares_are_the_longer_side_of_the_box_and_a_quarter():
    squares = squares_around(np.array([[10.0, 20.0, 50.0, 120.0]]))
    np.testing.assert_allclose(squares.centre_px, [[30.0, 70.0]])
    np.testing.assert_allclose(squares.side_px, [125.0])
    assert len(squares_around(np.zeros((0, 4)))) == 0
    assert fitted_size(1080, 1920, 640) == (360, 640) and fitted_size(1920, 1080, 384) == (384, 216)


# DetectNet.


class SeesBox(nn.Module):
    """Says what is bright, as DetectNet would."""

    config = detect_net.SMALL

    def forward(self, inputs: torch.Tensor) -> detect_net.Outputs:
        shade = brightness(inputs)
        at = detect_net.places(inputs.shape[-2], inputs.shape[-1])
        score, box = torch.full((len(inputs), len(at)), -9.0), torch.zeros((len(inputs), len(at), 4))
        for n, one in enumerate(shade > 0.5):
            rows, columns = one.any(1).nonzero()[:, 0], one.any(0).nonzero()[:, 0]
            own = torch.stack([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]).float()
            nearest = ((at[:, :2] - (own[:2] + own[2:]) / 2) ** 2).sum(1).argmin()
            score[n, nearest] = 3.0
            box[n] = detect_net.encode_boxes(own.expand(len(at), 4), at)
        height, width = (-(-n // 32) * 32 for n in inputs.shape[-2:])
        padded = functional.pad(shade, (0, width - inputs.shape[-1], 0, height - inputs.shape[-2]))
        prototypes = 20 * (functional.avg_pool2d(padded[:, None], 4) - 0.5)
        return detect_net.Outputs(score, box, torch.ones(*score.shape, 1), prototypes, at)


def test_boxes_and_masks_lie_where_people_are_in_the_picture():
    boxes = [(30, 40, 130, 200), (250, 10, 380, 230)]
    detector = OwnDetector(loaded(SeesBox(), detect_net, "detector", options={"longer_px": 320}))
    found = detector.find(pictures_of(*boxes))
    for one, box in zip(found, boxes, strict=True):
        np.testing.assert_allclose(one.box_px, [box], atol=2.0)
        assert one.masks is not None and one.masks.dtype == np.uint8
        rows, columns = np.nonzero(one.masks[0] > 127)
        scale = np.array([WIDTH / one.masks.shape[2], HEIGHT / one.masks.shape[1]])
        middle = (np.array([columns.mean(), rows.mean()]) + 0.5) * scale
        np.testing.assert_allclose(middle, [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], atol=3.0)
        assert 0 < one.score[0] <= 1


# PoseNet and the cascade.


class SeesPoint(nn.Module):
    """A cascade all of whose joints lie where it is bright."""

    config = replace(cascade.SMALL, input_px=64)

    def forward(self, crops: torch.Tensor) -> cascade.Outputs:
        shade = brightness(crops)
        px = centre(shade)[:, None].expand(-1, JOINT_COUNT, -1)
        heatmaps = functional.avg_pool2d(shade[:, None], 4).expand(-1, JOINT_COUNT, -1, -1)
        rest = torch.from_numpy((REST_JOINTS_M - REST_JOINTS_M[0]) * [1, -1, -1]).float()
        nothing = torch.zeros(len(crops), JOINT_COUNT)
        return cascade.Outputs(None, heatmaps, None, None, heatmaps, px, nothing, rest.expand(len(crops), -1, -1))


class SeesPointAsPoseNet(pose_net.PoseNet):
    """A PoseNet whose heatmaps are the brightness, in the third of four depths."""

    def __init__(self) -> None:
        super().__init__(pose_net.Config(backbone="small", depth_bins=4, width=8, input_px=64))

    def volumes(self, pictures: torch.Tensor) -> torch.Tensor:
        shade = functional.avg_pool2d(brightness(pictures)[:, None], 4)[:, :, None]
        bins = torch.tensor([0.0, 0.0, 60.0, 0.0]).view(1, 1, 4, 1, 1)
        return (bins * shade).expand(-1, JOINT_COUNT, -1, -1, -1)


@pytest.mark.parametrize(
    ("network", "module"), [(SeesPoint(), cascade), (SeesPointAsPoseNet(), pose_net)], ids=["cascade", "pose net"]
)
def test_joints_lie_where_they_are_seen(network, module):
    pose = OwnPose(loaded(network, module, "pose", skeleton="animepose_28"))
    spots = [(96, 60, 104, 68), (300, 150, 308, 158)]
    picture = np.array([1, 0, 0])
    boxes = np.array([[230.0, 80, 370, 200], [60, 40, 120, 100], [90, 20, 190, 130]])
    keypoints_px, sure, joints_m = pose.bodies(pictures_of(*spots), picture, boxes)
    assert keypoints_px.shape == (3, JOINT_COUNT, 2) and sure.shape == (3, JOINT_COUNT)
    assert joints_m.shape == (3, JOINT_COUNT, 3)
    for k, want in enumerate([(304, 154), (100, 64), (100, 64)]):
        # A pixel of the crop is 2.7 pixels of the picture in the first box, a cell of PoseNet's four of those.
        np.testing.assert_allclose(keypoints_px[k] - want, 0.0, atol=1.0 if module is cascade else 4.0)
    assert (sure >= 0).all() and (sure <= 1).all() and sure.min() > 0.05
    np.testing.assert_allclose(pose.keypoints(pictures_of(*spots), picture, boxes)[0], keypoints_px)
    nobody = pose.bodies(pictures_of(*spots), np.zeros(0, int), np.zeros((0, 4)))
    assert [one.shape for one in nobody] == [(0, JOINT_COUNT, 2), (0, JOINT_COUNT), (0, JOINT_COUNT, 3)]


def test_joints_of_the_cascade_are_metres_as_they_are():
    pose = OwnPose(loaded(SeesPoint(), cascade, "pose", skeleton="animepose_28"))
    _, _, joints_m = pose.bodies(pictures_of((100, 60, 108, 68)), np.array([0]), np.array([[60.0, 20, 160, 120]]))
    np.testing.assert_allclose(joints_m[0], (REST_JOINTS_M - REST_JOINTS_M[0]) * [1, -1, -1], atol=1e-5)


def test_joints_of_another_skeleton_are_metres_in_its_own_order():
    network = pose_net.from_config({"backbone": "small", "joints": 21, "depth_bins": 4, "width": 8, "input_px": 64})
    pose = OwnPose(loaded(network, pose_net, "pose", skeleton="muco_21"))
    boxes = np.array([[60.0, 20, 160, 120]])
    keypoints_px, sure, joints_m = pose.bodies(pictures_of((100, 60, 108, 68)), np.array([0]), boxes)
    assert keypoints_px.shape == (1, 21, 2) and sure.shape == (1, 21) and np.isfinite(joints_m).all()
    np.testing.assert_allclose(joints_m[0, 14, :2], 0.0, atol=1e-3)  # the pelvis


def test_a_skeleton_of_another_number_of_joints_is_refused():
    with pytest.raises(AnimePoseError, match="28 joints, which are not those of the skeleton coco_17"):
        OwnPose(loaded(SeesPoint(), cascade, "pose", skeleton="coco_17"))
    blind = SeesPoint()
    blind.config = replace(blind.config, joint_heatmaps=False)
    with pytest.raises(AnimePoseError, match="how sure"):
        OwnPose(loaded(blind, cascade, "pose", skeleton="animepose_28"))


def test_narrow_heatmaps_are_sure_and_wide_ones_are_not():
    place = torch.arange(16.0)
    square = (place[:, None] - 8) ** 2 + (place - 8) ** 2
    heatmaps = torch.stack([-square / 0.5, -square / 30.0, torch.zeros(16, 16)])[None, :, None].repeat(1, 1, 3, 1, 1)
    narrow, wide, flat = spreads(heatmaps, torch.tensor([[[8.0, 8, 1]] * 2 + [[7.5, 7.5, 1]]]))[0].tolist()
    assert narrow == pytest.approx(0.5, abs=0.1) and wide == pytest.approx(3.6, abs=0.4) and flat > wide
    sure = calibrated(np.array([narrow, 2.0, wide, 0.0]), 2.0, -3.0)
    assert sure[0] > 0.9 and sure[1] == pytest.approx(0.5) and sure[2] < 0.2 and sure[3] > 0.99


def test_a_peak_counts_only_where_the_joint_is():
    heatmaps = torch.zeros(1, 3, 16, 16)
    heatmaps[0, :2, 4, 10] = 0.9
    at = torch.tensor([[[42.0, 18.0], [10.0, 50.0], [-5.0, 3.0]]])
    here, elsewhere, outside = peaks(heatmaps, at)[0].tolist()
    assert here == pytest.approx(0.9) and elsewhere == 0.0 and outside == 0.0


def test_pixels_become_metres_by_the_length_of_bones():
    joints_m = (REST_JOINTS_M - REST_JOINTS_M[0]) * [1, -1, -1]
    sure = np.ones((1, JOINT_COUNT))
    scale = metres_a_pixel(joints_m[None, :, :2] * 200, joints_m[None, :, 2], sure, np.array([400.0]))
    np.testing.assert_allclose(scale, 1 / 200, rtol=1e-6)
    unseen = metres_a_pixel(np.full((1, JOINT_COUNT, 2), np.nan), joints_m[None, :, 2], 0 * sure, np.array([400.0]))
    assert 1 / 400 < unseen[0] < 1 / 100
    assert J["pelvis"] == 0


# RootNet and DepthNet.


class SeesRoot(nn.Module):
    """A RootNet that is told how far people are by their boxes alone."""

    config = replace(root_net.SMALL, input_px=64)

    def forward(self, crops: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        cells = centre(brightness(crops)) / root_net.STRIDE - self.config.xy_centre
        return torch.cat([cells, k[:, None]], dim=-1)

    def pixels(self, cells: torch.Tensor) -> torch.Tensor:
        return (cells + self.config.xy_centre) * root_net.STRIDE


def test_roots_lie_where_they_are_seen_and_as_far_as_their_boxes_say():
    root = OwnRoot(loaded(SeesRoot(), root_net, "root"))
    box = np.array([[60.0, 20, 160, 140]])
    root_px, depth = root.roots(pictures_of((100, 60, 108, 68)), np.array([0]), box)
    np.testing.assert_allclose(root_px, [[104.0, 64.0]], atol=0.7)
    # At a focal length of 600 pixels: k of the paper, with its square box of 150 pixels.
    np.testing.assert_allclose(600 * depth, np.sqrt(600 * 600 * 4.0 / 150**2), rtol=1e-5)
    assert [len(one) for one in root.roots(pictures_of((0, 0, 2, 2)), np.zeros(0, int), np.zeros((0, 4)))] == [0, 0]


class SeesRamp(nn.Module):
    config = replace(depth_net.SMALL, input_px=80)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return 1.0 + torch.arange(inputs.shape[-1]).float().expand(len(inputs), inputs.shape[-2], -1)


def test_depth_spans_the_picture_in_its_proportions():
    depth = OwnDepth(loaded(SeesRamp(), depth_net, "depth"))
    maps = depth.depth(pictures_of((1, 1, 9, 9), (20, 20, 40, 40)))
    assert maps.shape == (2, 48, 80) and maps.dtype == np.float32 and depth.metric
    np.testing.assert_allclose(maps[0, 0] / maps[0, 0, 0], np.arange(80) + 1.0, rtol=1e-5)
    assert depth.depth(pictures_of((1, 1, 9, 9))[:0]).shape == (0, 48, 80)


def test_what_is_no_number_in_half_precision_is_computed_again_in_single():
    class Overflows(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 1000 if x.dtype is torch.float32 else x / 0

    half = replace(loaded(Overflows(1, 1), root_net, "root"), device=Device(torch.device("cpu"), torch.float16))
    one = OwnNetwork(half, {"": 1})
    (value,) = one.answer(lambda dtype: (one.network(torch.ones(1, dtype=dtype)),))
    assert value.item() == 1000 and one.dtype is torch.float32
    with pytest.raises(AnimePoseError, match="not a number"):
        one.answer(lambda dtype: (torch.full((1,), torch.nan),))


@pytest.mark.parametrize("supported", [True, False])
def test_a_cpu_s_own_bfloat16_changes_a_distance_by_next_to_nothing(monkeypatch, supported):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: supported, raising=False)
    path, _ = find_network("root-net")
    pictures, box = pictures_of((150, 40, 220, 210)), np.array([[140.0, 30, 230, 220]])
    here = OwnRoot(load_own_network(path, CPU))
    monkeypatch.setattr(own_network, "in_bfloat16", lambda device: False)
    single = OwnRoot(load_own_network(path, CPU))
    (root_px, depth), (expected_px, expected) = (one.roots(pictures, np.zeros(1, int), box) for one in (here, single))
    np.testing.assert_allclose(depth, expected, rtol=0.03 if supported else 0)
    np.testing.assert_allclose(root_px, expected_px, atol=2.0 if supported else 0)
    assert depth.dtype == np.float64
