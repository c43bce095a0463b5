"""The detector that gives masks: as `transformers`' own processor and post-processing, which need torchvision and get a
stand-in for the few of its functions that they use."""

from __future__ import annotations

import importlib
import sys
from enum import Enum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transformers.image_processing_backends as backends
from transformers.image_utils import PILImageResampling, SizeDict

from addon_tests.hub import tiny_detectors
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.hub.detr import MIN_SCORE
from animepose_blender.estimate.hub.device import Device
from animepose_blender.estimate.hub.loading import HubClasses, Loaded, load_network
from animepose_blender.estimate.hub.rf_detr import RfDetrDetector

CPU = Device(torch.device("cpu"), torch.float32)
CLASSES = HubClasses("RfDetrForInstanceSegmentation", "RfDetrForObjectDetection")
PERSON = 1


class _Interpolation(Enum):
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    LANCZOS = "lanczos"


def _resize(image: torch.Tensor, size: tuple[int, int], interpolation: _Interpolation, antialias: bool) -> torch.Tensor:
    """torchvision's, for floating point."""
    assert image.is_floating_point()
    return torch.nn.functional.interpolate(
        image, size, mode=interpolation.value, align_corners=False, antialias=antialias
    )


def _normalize(image: torch.Tensor, mean: list[float], std: list[float], inplace: bool = False) -> torch.Tensor:
    return (image - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


@pytest.fixture
def processor_class(monkeypatch) -> Any:
    """`transformers`' processor."""
    functional = SimpleNamespace(resize=_resize, normalize=_normalize, InterpolationMode=_Interpolation)
    v2 = ModuleType("torchvision.transforms.v2")
    v2.functional = functional  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.transforms", ModuleType("torchvision.transforms"))
    monkeypatch.setitem(sys.modules, "torchvision.transforms.v2", v2)
    monkeypatch.setattr(backends, "tvF", functional, raising=False)
    filters = {PILImageResampling.BILINEAR: _Interpolation.BILINEAR, PILImageResampling.BICUBIC: _Interpolation.BICUBIC}
    monkeypatch.setattr(backends, "pil_torch_interpolation_mapping", filters)
    name = "transformers.models.rf_detr.image_processing_rf_detr"
    monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module(name)
    monkeypatch.delitem(sys.modules, name)
    return module.RfDetrImageProcessor


@pytest.fixture
def pictures(rng: np.random.Generator) -> torch.Tensor:
    """(5, 90, 161, 3): noise, dark, large patches, half black, a slope."""
    some = rng.integers(0, 256, (5, 90, 161, 3)).astype(np.uint8)
    some[1] //= 4
    some[2] = np.kron(some[2, :9, :7], np.ones((10, 23, 1), dtype=np.uint8))
    some[3, :, :80] = 0
    some[4] = np.linspace(0, 255, 161, dtype=np.uint8)[:, None]
    return torch.from_numpy(some)


def _opened(folder: Path, device: Device = CPU) -> tuple[RfDetrDetector, Loaded]:
    loaded = load_network(folder, CLASSES, device)
    return RfDetrDetector(loaded), loaded


def _inputs(processor_class: Any, pictures: torch.Tensor, settings: dict[str, Any]) -> dict[str, torch.Tensor]:
    """What the processor makes of pictures."""
    given = {
        "do_resize": True, "do_rescale": True, "do_pad": True, "pad_size": None, "annotations": None,
        "return_segmentation_masks": None, "masks_path": None, "do_convert_annotations": True,
        "return_tensors": "pt", "disable_grouping": None, **settings,
    }  # fmt: skip
    given["size"] = SizeDict(**given["size"])
    given["resample"] = PILImageResampling(given["resample"])
    given.pop("image_processor_type")
    processor = object.__new__(processor_class)
    # Its own padding needs more of torchvision; pictures of one size need none.
    processor.pad = lambda images, size, annotation, update_bboxes: (
        images, torch.ones(len(images), *size, dtype=torch.int64), annotation
    )  # fmt: skip
    given.setdefault("format", "coco_detection")
    return dict(processor._preprocess(list(pictures.permute(0, 3, 1, 2)), **given))


@pytest.mark.parametrize("size", [(90, 161), (161, 90), (64, 64), (33, 47)])
def test_people_and_masks_are_those_that_transformers_finds(tmp_path, pictures, processor_class, size):
    height, width = size
    pictures = torch.nn.functional.interpolate(pictures.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1).contiguous()
    detector, loaded = _opened(tiny_detectors.save_tiny_rf_detr_seg(tmp_path / "tiny"))
    inputs = _inputs(processor_class, pictures, loaded.processor)
    assert inputs["pixel_mask"].all()
    np.testing.assert_allclose(detector.prepared(pictures).numpy(), inputs["pixel_values"].numpy(), atol=1e-4)
    with torch.no_grad():
        output = loaded.network(**inputs)
    sizes = [size] * len(pictures)
    processor = SimpleNamespace()
    boxes = processor_class.post_process_object_detection(processor, output, MIN_SCORE, sizes)
    for k, ours in enumerate(detector.find(pictures)):
        people = boxes[k]["labels"] == PERSON
        theirs = boxes[k]["boxes"][people].double().clamp(min=0).minimum(torch.tensor([width, height] * 2)).numpy()
        # Repeated boxes are left out by us; each of ours is there in theirs with its score, in the same order.
        rows = [int(np.abs(theirs - box).max(axis=1).argmin()) for box in ours.box_px]
        assert rows == sorted(set(rows))
        np.testing.assert_allclose(ours.box_px, theirs[rows], atol=1e-4 * max(width, height))
        np.testing.assert_allclose(ours.score, boxes[k]["scores"][people].numpy()[rows], atol=1e-4)
        assert len(ours.score) > 0
        assert ours.masks is not None
        assert ours.masks.shape == (len(ours.score), 16, 16)

        one = SimpleNamespace(logits=output.logits[k : k + 1], pred_masks=output.pred_masks[k : k + 1])
        found = processor_class.post_process_instance_segmentation(
            processor, one, MIN_SCORE, 0.0, [(16, 16)], return_binary_maps=True
        )[0]  # fmt: skip
        scores = {round(float(score), 6): mask.numpy() for score, mask in zip(
            [info["score"] for info in found["segments_info"]], found["segmentation"], strict=True)}  # fmt: skip
        for score, mask in zip(ours.score, ours.masks, strict=True):
            near = [other for key, other in scores.items() if abs(key - score) < 2e-6]
            if not near:  # theirs leaves empty masks out
                assert (mask <= 128).all()
            else:
                assert any(((mask > 127.5) == other).mean() > 0.99 for other in near)


@pytest.mark.parametrize(
    "settings",
    [
        {"do_normalize": False},
        {"resample": 3, "size": {"height": 64, "width": 128}},
        {"size": {"shortest_edge": 64, "longest_edge": 128}},
        {"rescale_factor": 1 / 127.5, "image_mean": [0.5] * 3, "image_std": [0.25] * 3},
    ],
)
def test_pictures_are_prepared_as_the_file_says(tmp_path, pictures, processor_class, settings):
    detector, loaded = _opened(tiny_detectors.save_tiny_rf_detr_seg(tmp_path / "tiny", **settings))
    theirs = _inputs(processor_class, pictures, loaded.processor)["pixel_values"]
    np.testing.assert_allclose(detector.prepared(pictures).numpy(), theirs.numpy(), atol=1e-4)


def test_a_filter_that_is_not_known_is_refused(tmp_path):
    with pytest.raises(AnimePoseError, match="filter 0"):
        _opened(tiny_detectors.save_tiny_rf_detr_seg(tmp_path / "tiny", resample=0))


@pytest.mark.parametrize("size", [1, 2, 16])
def test_many_pictures_give_what_each_gives_alone(tmp_path, pictures, size):
    detector, _ = _opened(tiny_detectors.save_tiny_rf_detr_seg(tmp_path / "tiny"))
    detector._batches.size = size
    together = detector.find(pictures)
    assert len(together) == 5
    for k, one in enumerate(together):
        (alone,) = detector.find(pictures[k : k + 1])
        np.testing.assert_allclose(one.box_px, alone.box_px, atol=1e-3)
        np.testing.assert_allclose(one.score, alone.score, atol=1e-5)
        assert one.masks is not None
        assert alone.masks is not None
        assert np.abs(one.masks.astype(int) - alone.masks).max() <= 1


def test_without_a_head_for_masks_there_are_boxes_alone(tmp_path, pictures):
    detector, _ = _opened(tiny_detectors.save_tiny_rf_detr(tmp_path / "tiny"))
    found = detector.find(pictures)
    assert all(one.masks is None for one in found)
    assert any(len(one.score) for one in found)


def test_a_detector_that_knows_no_people_is_refused(tmp_path):
    folder = tiny_detectors.save_tiny_rf_detr_seg(tmp_path / "tiny", labels={0: "car", 1: "dog"})
    with pytest.raises(AnimePoseError, match="finds no people"):
        _opened(folder)


def _with_output(detector: RfDetrDetector, **output: torch.Tensor) -> RfDetrDetector:
    """The detector with a network that gives the same whatever it sees."""
    detector._network = lambda _inputs: SimpleNamespace(**output)  # type: ignore[assignment]
    return detector


def _output(pictures: int, queries: int) -> dict[str, torch.Tensor]:
    """Of nobody: logits (B, Q, 3), boxes, and masks of 12 x 24."""
    return {
        "logits": torch.full((pictures, queries, 3), -9.0), "pred_boxes": torch.full((pictures, queries, 4), 0.5),
        "pred_masks": torch.full((pictures, queries, 12, 24), -9.0),
    }  # fmt: skip


@pytest.fixture
def detector(tmp_path) -> RfDetrDetector:
    return _opened(tiny_detectors.save_tiny_rf_detr_seg(tmp_path / "tiny"))[0]


@pytest.mark.parametrize(("height", "width"), [(120, 240), (241, 119)])
def test_masks_lie_over_the_picture_where_their_boxes_do(detector, height, width):
    """Masks and boxes of squares whose place is known."""
    output = _output(2, 4)
    for picture, query, column, row, score in ((0, 2, 3, 1, 2.0), (0, 0, 15, 7, 1.0), (1, 3, 20, 8, 3.0)):
        output["logits"][picture, query, PERSON] = score
        output["pred_masks"][picture, query, row : row + 4, column : column + 4] = 9.0
        output["pred_boxes"][picture, query] = torch.tensor([(column + 2) / 24, (row + 2) / 12, 4 / 24, 4 / 12])
    first, second = _with_output(detector, **output).find(torch.zeros(2, height, width, 3, dtype=torch.uint8))
    assert [len(first.score), len(second.score)] == [2, 1]
    for found in (first, second):
        assert found.masks is not None
        for box, mask in zip(found.box_px, found.masks, strict=True):
            assert mask.dtype == np.uint8
            assert set(np.unique(mask)) == {0, 255}
            rows, columns = np.nonzero(mask > 127)
            around = np.array([columns.min() / 24 * width, rows.min() / 12 * height,
                               (columns.max() + 1) / 24 * width, (rows.max() + 1) / 12 * height])  # fmt: skip
            np.testing.assert_allclose(box, around, atol=1e-3)
    np.testing.assert_allclose(first.box_px[0, 0], 3 / 24 * width, atol=1e-3)


def test_masks_say_how_probable_a_pixel_is(detector):
    output = _output(1, 2)
    output["logits"][0, 1, PERSON] = 4.0
    output["pred_masks"][0, 1, 0, :3] = torch.tensor([0.0, 1.0, -1.0])
    (found,) = _with_output(detector, **output).find(torch.zeros(1, 50, 60, 3, dtype=torch.uint8))
    assert found.masks is not None
    np.testing.assert_array_equal(found.masks[0, 0, :3], [128, 186, 69])


def test_where_nobody_is_there_are_no_masks(detector):
    found = _with_output(detector, **_output(3, 2)).find(torch.zeros(3, 50, 60, 3, dtype=torch.uint8))
    assert [one.box_px.shape for one in found] == [(0, 4)] * 3
    assert all(one.masks is not None and one.masks.shape == (0, 12, 24) for one in found)


def test_an_edge_in_the_picture_is_where_it_was_in_the_input(detector):
    """Dark to the left of two fifths of the width, bright to the right: so it is in the input, to a fraction of a
    pixel."""
    pictures = torch.zeros(1, 100, 300, 3, dtype=torch.uint8)
    pictures[:, :, 120:] = 255
    row = detector.prepared(pictures)[0, 0, 30]
    share = (row - row.min()) / (row.max() - row.min())
    assert float((1 - share).sum()) == pytest.approx(0.4 * tiny_detectors.SIZE, abs=0.5)
