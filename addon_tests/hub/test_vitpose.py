"""People are cut out as `transformers`' own processor does it, and keypoints come back to where they are seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers.models.vitpose.image_processing_pil_vitpose import VitPoseImageProcessorPil

from addon_tests.hub.tiny_pose_depth import EXPERTS, POSE_SIZE, save_tiny_vitpose
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.hub.device import Device
from animepose_blender.estimate.hub.loading import Loaded, load_network
from animepose_blender.estimate.hub.one_by_one_pose import keypoints_in
from animepose_blender.estimate.hub.person_crops import crops_around, cut_out
from animepose_blender.estimate.hub.vitpose import POSE_CLASSES, VitPose, mirror_order
from animepose_blender.estimate.hub.vitpose_heatmaps import LONGEST_STEP, peaks, steps
from animepose_blender.skeleton import COCO_17, COCO_WHOLEBODY_133

CPU = Device(torch.device("cpu"), torch.float32)
BOXES = np.array([
    [40.0, 20.0, 90.0, 110.0],  # upright
    [10.3, 60.7, 150.9, 95.2],  # lying
    [-30.0, -20.0, 60.0, 80.0],  # partly outside
    [150.0, 90.0, 260.0, 190.0],
    [-80.0, -90.0, 260.0, 260.0],  # larger than the picture
    [70.2, 50.1, 71.4, 51.3],  # tiny
    [400.0, 400.0, 450.0, 500.0],  # outside
    [0.0, 0.0, 171.0, 131.0],
])  # fmt: skip
SIZES = [(131, 171), (171, 131), (64, 48), (6, 5)]
"""Height and width of pictures: odd, portrait, as small as may be."""


def _pictures(rng: np.random.Generator, height: int, width: int, count: int = 3) -> np.ndarray:
    """(B, H, W, 3) uint8: noise over a slope, with black and white edges."""
    slope = np.linspace(0, 200, width)[:, None] + np.zeros((count, height, 1, 3))
    pictures = slope + rng.normal(0, 40, (count, height, width, 3))
    pictures[:, height // 3 : height // 2] = 255
    pictures[:, :, : width // 9] = 0
    return pictures.clip(0, 255).astype(np.uint8)


def _processor(**settings: Any) -> Any:
    return VitPoseImageProcessorPil(size={"height": POSE_SIZE[0], "width": POSE_SIZE[1]}, **settings)


def _coco(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=-1)


@pytest.fixture(scope="module")
def plus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_vitpose(tmp_path_factory.mktemp("plus") / "tiny-vitpose-plus")


def _open(folder: Path, **settings: Any) -> VitPose:
    return VitPose(load_network(folder, POSE_CLASSES, CPU), **settings)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_crops_are_the_processors(plus: Path, rng: np.random.Generator, height: int, width: int) -> None:
    pictures = _pictures(rng, height, width)
    picture = np.arange(len(BOXES)) % len(pictures)
    crops = crops_around(BOXES, POSE_SIZE[1], POSE_SIZE[0])
    ours = _open(plus).inputs(torch.from_numpy(pictures), picture, crops)
    for person, box in enumerate(_coco(BOXES)):
        theirs = _processor()(
            pictures[picture[person]], boxes=[[box.tolist()]], input_data_format="channels_last", return_tensors="pt"
        )["pixel_values"][0]
        torch.testing.assert_close(ours[person], theirs, rtol=0, atol=1e-4)


def test_crops_of_random_boxes_are_the_processors_to_the_last_bit(rng: np.random.Generator) -> None:
    pictures = _pictures(rng, 90, 160, 1)
    corner = rng.uniform(-40, 120, (20, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 150, (20, 2))], axis=-1)
    boxes[:10] = boxes[:10].round()
    cut = cut_out(torch.from_numpy(pictures), np.zeros(20, int), crops_around(boxes, 96, 128), 96, 128)
    processor = _processor(do_rescale=False, do_normalize=False)
    theirs = processor(pictures[0], boxes=[_coco(boxes).tolist()], return_tensors="pt")["pixel_values"]
    assert torch.equal(cut, theirs)


@pytest.mark.parametrize("plus_plus", [True, False])
@pytest.mark.parametrize("simple", [True, False])
def test_keypoints_are_those_of_the_whole_of_transformers(
    tmp_path: Path, rng: np.random.Generator, plus_plus: bool, simple: bool
) -> None:
    folder = save_tiny_vitpose(tmp_path / "tiny", plus_plus, simple, dataset_index=2)
    pictures = _pictures(rng, 131, 171)
    boxes = BOXES[:4]
    loaded = load_network(folder, POSE_CLASSES, CPU)
    # The processor counts places from the middle of the first pixel, we from its corner.
    their_boxes = [_coco(boxes - 0.5).tolist()]
    inputs = _processor()(list(pictures[:1]), boxes=their_boxes, return_tensors="pt")["pixel_values"]
    index = torch.full((len(boxes),), 2) if plus_plus else None
    with torch.no_grad():
        outputs = loaded.network(inputs, dataset_index=index)
    theirs = _processor().post_process_pose_estimation(outputs, boxes=their_boxes)[0]
    points, confidence = VitPose(loaded).keypoints(torch.from_numpy(pictures), np.zeros(4, int), boxes)
    at, peak = peaks(outputs.heatmaps)
    # Elsewhere the processor may throw keypoints out of the picture, and ours are reined in.
    straight = ((steps(outputs.heatmaps, at).norm(dim=-1) <= LONGEST_STEP) & (peak > 0)).numpy()
    assert straight.mean() > 0.7
    for person, one in enumerate(theirs):
        sound = straight[person]
        assert confidence[person] == pytest.approx(one["scores"].numpy().clip(0, 1), abs=1e-4)
        assert points[person, sound] == pytest.approx(one["keypoints"].numpy()[sound] + 0.5, abs=1e-3)


def test_one_expert_alone_says_what_it_says_among_all(plus: Path) -> None:
    inputs = torch.randn(3, 3, *POSE_SIZE, generator=torch.manual_seed(3))
    heatmaps = []
    for expert in range(EXPERTS):
        loaded = load_network(plus, POSE_CLASSES, CPU)
        loaded = replace(loaded, record=replace(loaded.record, options={"dataset_index": expert}))
        with torch.no_grad():
            whole = loaded.network(inputs, dataset_index=torch.full((3,), expert)).heatmaps
        before = sum(weight.numel() for weight in loaded.network.parameters())
        heatmaps.append(VitPose(loaded).heatmaps(inputs))
        torch.testing.assert_close(heatmaps[-1], whole, rtol=0, atol=1e-5)
        assert sum(weight.numel() for weight in loaded.network.parameters()) < before
    assert abs(heatmaps[0] - heatmaps[1]).max() > 1e-3


def test_many_people_of_many_pictures_at_once_are_the_same_as_one_by_one(plus: Path, rng: np.random.Generator) -> None:
    pictures = torch.from_numpy(_pictures(rng, 131, 171))
    picture = np.array([2, 0, 1, 1, 0, 2, 2, 0])
    points, confidence = _open(plus, at_once=5).keypoints(pictures, picture, BOXES)
    alone = _open(plus)
    for person in range(len(BOXES)):
        one = keypoints_in(alone, CPU, pictures[picture[person]].numpy(), BOXES[person : person + 1])
        assert one[0][0] == pytest.approx(points[person], abs=1e-3)
        assert one[1][0] == pytest.approx(confidence[person], abs=1e-5)


def test_half_precision_gives_nearly_the_same(plus: Path, rng: np.random.Generator) -> None:
    pictures = torch.from_numpy(_pictures(rng, 131, 171, 1))
    half = VitPose(load_network(plus, POSE_CLASSES, Device(torch.device("cpu"), torch.bfloat16)))
    crops = crops_around(BOXES[:4], POSE_SIZE[1], POSE_SIZE[0])
    one, other = (pose.heatmaps(pose.inputs(pictures, np.zeros(4, int), crops)) for pose in (half, _open(plus)))
    assert one.dtype == torch.float32
    assert abs(one - other).median() < 0.02 * other.std()
    points, confidence = half.keypoints(pictures, np.zeros(4, int), BOXES[:4])
    assert np.isfinite(points).all() and points.dtype == confidence.dtype == np.float64


def test_nobody_gives_nothing(plus: Path) -> None:
    pictures = torch.zeros(2, 20, 30, 3, dtype=torch.uint8)
    points, confidence = _open(plus).keypoints(pictures, np.zeros(0, int), np.zeros((0, 4)))
    assert points.shape == (0, 17, 2)
    assert confidence.shape == (0, 17)


def test_boxes_without_size_do_no_harm(plus: Path) -> None:
    pictures = torch.zeros(1, 20, 30, 3, dtype=torch.uint8)
    boxes = np.array([[5.0, 5.0, 5.0, 5.0], [9.0, 9.0, 4.0, 4.0]])
    points, _ = _open(plus).keypoints(pictures, np.zeros(2, int), boxes)
    assert np.isfinite(points).all()


class _SeesColours(torch.nn.Module):
    """Stands in for the network: its heatmaps are the crop's brightness, learned as ViTPose learns: the outermost
    points of both grids lie on the crop's rim."""

    def __init__(self) -> None:
        super().__init__()
        backbone = SimpleNamespace(image_size=POSE_SIZE, num_experts=1)
        self.config = SimpleNamespace(num_labels=17, backbone_config=backbone)
        self.backbone = SimpleNamespace(config=backbone)

    def forward(self, inputs: torch.Tensor) -> Any:
        size = [side // 4 for side in POSE_SIZE]
        small = torch.nn.functional.interpolate(inputs[:, :1], size, mode="bilinear", align_corners=True)
        return SimpleNamespace(heatmaps=small.expand(-1, 17, -1, -1))


def _seeing(plus: Path, **settings: Any) -> VitPose:
    record = load_network(plus, POSE_CLASSES, CPU).record
    return VitPose(Loaded(_SeesColours(), {"do_normalize": False}, record, CPU), **settings)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("scale", [1.0, 2.3])
def test_a_bright_dot_is_found_where_it_is(plus: Path, rng: np.random.Generator, scale: float, mirrored: bool) -> None:
    """Errors are measured in pixels of the heatmap, and have no bias."""
    height, width, count = 260, 340, 12
    boxes = np.concatenate([corner := rng.uniform(20, 100, (count, 2)), corner + scale * np.array([60, 80])], axis=-1)
    dots = boxes[:, :2] + rng.uniform(0.1, 0.9, (count, 2)) * (boxes[:, 2:] - boxes[:, :2])
    per_heatmap_px = scale * 1.25 * 60 / (POSE_SIZE[1] / 4 - 1)
    rows, columns = np.mgrid[:height, :width] + 0.5
    square = (columns - dots[:, 0, None, None]) ** 2 + (rows - dots[:, 1, None, None]) ** 2
    dot = np.exp(-square / (2 * (2 * per_heatmap_px) ** 2))
    pictures = (255 * dot).round().astype(np.uint8)[..., None].repeat(3, axis=-1)
    points, confidence = _seeing(plus, mirrored=mirrored).keypoints(torch.from_numpy(pictures), np.arange(count), boxes)
    error = (points - dots[:, None]) / per_heatmap_px
    assert abs(error).max() < 0.1
    assert abs(error.mean(axis=(0, 1))).max() < 0.02
    assert (confidence > 0.9).all()


def test_a_mirrored_picture_gives_mirrored_keypoints(plus: Path, rng: np.random.Generator) -> None:
    """With the second look in the mirror nothing distinguishes left from right but the names."""
    picture = _pictures(rng, 131, 171, 1)
    network = _open(plus, mirrored=True)
    boxes = BOXES[:3]
    mirrored_boxes = np.stack([171 - boxes[:, 2], boxes[:, 1], 171 - boxes[:, 0], boxes[:, 3]], axis=-1)
    crops = [crops_around(one - 0.5, POSE_SIZE[1], POSE_SIZE[0]) for one in (boxes, mirrored_boxes)]
    pictures = [torch.from_numpy(one) for one in (picture, picture[:, :, ::-1].copy())]
    one, other = (
        network.heatmaps(network.inputs(p, np.zeros(3, int), c)) for p, c in zip(pictures, crops, strict=True)
    )
    order = mirror_order(COCO_17)
    torch.testing.assert_close(one, other[:, order].flip(-1), rtol=0, atol=0.05)
    assert abs(one - other).max() > 0.2


def test_left_and_right_are_exchanged_in_the_mirror() -> None:
    for names in (COCO_17, COCO_WHOLEBODY_133):
        order = mirror_order(names)
        assert (order[order] == np.arange(len(names))).all()
        assert names[order[names.index("left_wrist")]] == "right_wrist"
        assert names[order[names.index("nose")]] == "nose"
    order = mirror_order(COCO_WHOLEBODY_133)
    pairs = {"face_0": "face_16", "face_8": "face_8", "face_36": "face_45", "face_41": "face_46", "face_48": "face_54",
             "face_67": "face_65", "face_30": "face_30", "left_hand_8": "right_hand_8"}  # fmt: skip
    for name, other in pairs.items():
        assert COCO_WHOLEBODY_133[order[COCO_WHOLEBODY_133.index(name)]] == other


def test_a_whole_body_head_gives_its_133_keypoints(tmp_path: Path) -> None:
    for skeleton in ("coco_wholebody_133", ""):
        pose = _open(save_tiny_vitpose(tmp_path / f"w{len(skeleton)}", keypoints=133, skeleton=skeleton))
        assert pose.skeleton == "coco_wholebody_133"
        pictures = torch.zeros(1, 20, 30, 3, dtype=torch.uint8)
        assert pose.keypoints(pictures, np.zeros(1, int), np.array([[2.0, 2, 9, 9]]))[0].shape == (1, 133, 2)


@pytest.mark.parametrize(("keypoints", "skeleton", "words"), [(21, "coco_17", "21"), (17, "octopus_8", "octopus_8"),
                                                              (5, "", "5 keypoints")])  # fmt: skip
def test_keypoints_of_another_skeleton_are_refused(tmp_path: Path, keypoints: int, skeleton: str, words: str) -> None:
    folder = save_tiny_vitpose(tmp_path / "tiny", keypoints=keypoints, skeleton=skeleton)
    with pytest.raises(AnimePoseError, match=words):
        _open(folder)


@pytest.mark.parametrize("index", [EXPERTS, -1, "coco"])
def test_an_expert_that_is_not_there_is_refused(plus: Path, index: Any) -> None:
    loaded = load_network(plus, POSE_CLASSES, CPU)
    loaded = replace(loaded, record=replace(loaded.record, options={"dataset_index": index}))
    with pytest.raises(AnimePoseError, match="dataset_index"):
        VitPose(loaded)


def test_a_network_that_overflows_in_float16_goes_on_in_float32(plus):
    exact = VitPose(load_network(plus, POSE_CLASSES, CPU))
    half = VitPose(load_network(plus, POSE_CLASSES, Device(CPU.torch, torch.float16)))
    for pose in (exact, half):  # values beyond 65504 in between, and as before at the end
        norm, last = pose._network.backbone.layernorm, pose._network.head.conv
        norm.weight.data.mul_(2.0**15)
        norm.bias.data.mul_(2.0**15)
        last.weight.data.mul_(2.0**-10)
    inputs = torch.randn(2, 3, *POSE_SIZE)
    expected = exact.heatmaps(inputs)
    assert torch.isfinite(expected).all()
    assert torch.allclose(half.heatmaps(inputs), expected, rtol=0.02, atol=0.02 * float(expected.std()))
    assert half._network.dtype == torch.float32
