"""A detector of many pictures serves where people are followed one frame after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from addon_tests.hub.tiny_detectors import save_tiny_rt_detr
from animepose_blender.estimate.completion import REGION_SCALE
from animepose_blender.estimate.hub.device import Device
from animepose_blender.estimate.hub.loading import HubClasses, load_network
from animepose_blender.estimate.hub.one_by_one import OneByOneDetector
from animepose_blender.estimate.hub.protocols import PeopleFound
from animepose_blender.estimate.hub.rt_detr import RtDetrDetector

CPU = Device(torch.device("cpu"), torch.float32)


class _Rectangles:
    """Sees every rectangle of a colour of its own (its red is its score in percent) that is tall enough, whole or in
    part."""

    name = "rectangles"

    def __init__(self, least_share: float = 0.0) -> None:
        self.least_share = least_share
        """Of the height of what it looks at."""
        self.shapes: list[tuple[int, ...]] = []

    def find(self, pictures: torch.Tensor) -> list[PeopleFound]:
        self.shapes.append(tuple(pictures.shape))
        return [self._find(one.numpy()) for one in pictures]

    def _find(self, picture: np.ndarray) -> PeopleFound:
        boxes, scores = [], []
        marks = picture[..., 0].astype(int) * 256 + picture[..., 1]
        for mark in sorted(set(np.unique(marks).tolist()) - {0}, reverse=True):
            rows, columns = np.nonzero(marks == mark)
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            if box[3] - box[1] >= self.least_share * len(picture):
                boxes.append(box)
                scores.append(mark // 256 / 100)
        return PeopleFound(np.array(boxes, dtype=float).reshape(-1, 4), np.array(scores))


def _picture(*people: tuple[int, int, int, int, int], height: int = 200, width: int = 400) -> np.ndarray:
    """Black, with rectangles x0, y0, x1, y1, score in percent."""
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    for number, (x0, y0, x1, y1, score) in enumerate(people):
        picture[y0:y1, x0:x1] = score, number + 1, 0
    return picture


def test_regions_are_upright_squares_around_the_boxes_best_first():
    picture = _picture((20, 50, 60, 150, 70), (200, 20, 300, 80, 90))
    seen = OneByOneDetector(_Rectangles(), CPU).detect(picture, 0)
    np.testing.assert_allclose(seen.score, [0.9, 0.7])
    np.testing.assert_allclose(seen.region, [[250, 50, 100 * REGION_SCALE, 0], [40, 100, 100 * REGION_SCALE, 0]])


@pytest.mark.parametrize("detail", [0, 1, 2])
@pytest.mark.parametrize("shape", [(200, 400), (400, 200), (200, 200), (97, 311)])
def test_everybody_is_found_once_at_any_detail(detail, shape):
    height, width = shape
    people = [(5, 10, 25, 60, 90), (width // 2, height // 2, width // 2 + 20, height // 2 + 45, 80),
              (width - 30, height - 50, width, height, 60)]  # fmt: skip
    seen = OneByOneDetector(_Rectangles(), CPU).detect(_picture(*people, height=height, width=width), detail)
    np.testing.assert_allclose(seen.score, [0.9, 0.8, 0.6])
    assert seen.region[0][:2].tolist() == [15, 35]


def test_at_more_detail_smaller_people_are_found():
    picture = _picture((60, 100, 75, 150, 90), (300, 60, 310, 90, 80))
    detector = OneByOneDetector(_Rectangles(0.24), CPU)
    assert [len(detector.detect(picture, detail).score) for detail in (0, 1, 2)] == [1, 1, 2]


def test_two_people_close_together_stay_two():
    picture = _picture((100, 50, 150, 150, 90), (100, 50, 143, 150, 80))
    picture[50:150, 149] = 90, 1, 0
    seen = OneByOneDetector(_Rectangles(), CPU).detect(picture, 0)
    assert len(seen.score) == 2


def test_parts_of_the_picture_are_looked_at_together():
    rectangles = _Rectangles()
    OneByOneDetector(rectangles, CPU).detect(_picture(), 2)
    assert len(rectangles.shapes) == 3
    assert rectangles.shapes[0] == (1, 200, 400, 3)
    assert rectangles.shapes[1][1:] == (200, 200, 3)
    assert rectangles.shapes[2][1:] == (120, 120, 3)


def test_near_a_region_those_of_its_size_are_found_and_nobody_else():
    picture = _picture((100, 50, 140, 150, 90), (150, 120, 155, 135, 95), (320, 40, 360, 140, 99))
    detector = OneByOneDetector(_Rectangles(), CPU)
    seen = detector.detect_near(picture, np.array([[125.0, 95.0, 130.0, 0.3]]))
    np.testing.assert_allclose(seen.region, [[120, 100, 125, 0]])
    both = detector.detect_near(picture, np.array([[125.0, 95.0, 130.0, 0.3], [345.0, 95.0, 130.0, 0.0]]))
    np.testing.assert_allclose(both.score, [0.99, 0.9])


def test_near_regions_that_overlap_a_person_is_found_once():
    picture = _picture((100, 50, 140, 150, 90))
    regions = np.array([[125.0, 95.0, 130.0, 0.0], [115.0, 105.0, 140.0, 0.0]])
    assert len(OneByOneDetector(_Rectangles(), CPU).detect_near(picture, regions).score) == 1


def test_someone_at_the_rim_of_the_picture_is_found_near_too():
    picture = _picture((360, 100, 400, 200, 90))
    seen = OneByOneDetector(_Rectangles(), CPU).detect_near(picture, np.array([[385.0, 150.0, 130.0, 0.0]]))
    np.testing.assert_allclose(seen.region, [[380, 150, 125, 0]])


def test_regions_outside_and_none_at_all_give_nobody():
    detector = OneByOneDetector(_Rectangles(), CPU)
    picture = _picture((100, 50, 140, 150, 90))
    for regions in (np.zeros((0, 4)), np.array([[-300.0, -300.0, 80.0, 0.0]]), np.array([[900.0, 100.0, 1e4, 0.0]])):
        seen = detector.detect_near(picture, regions)
        assert seen.region.shape == (0, 4)
        assert seen.score.shape == (0,)
    assert detector.detect(_picture(), 2).region.shape == (0, 4)


def test_a_real_detector_does(tmp_path, rng):
    loaded = load_network(save_tiny_rt_detr(tmp_path / "tiny"), HubClasses("RTDetrV2ForObjectDetection"), CPU)
    detector = OneByOneDetector(RtDetrDetector(loaded), CPU)
    picture = rng.integers(0, 256, (90, 161, 3), dtype=np.uint8)
    seen = detector.detect(picture, 1)
    assert len(seen.score) > 0
    assert (np.diff(seen.score) <= 0).all()
    assert detector.detect_near(picture, seen.region[:2]).region.shape[1] == 4
