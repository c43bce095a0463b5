"""MediaPipe behind our protocols: tiles cover the picture, both dancers are found, and turns of a region are undone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mediapipe", reason="the preset `offline` needs mediapipe")

from animepose_blender.estimate.appearance import ZONES, colour_distance
from animepose_blender.estimate.backends import PoseObservation, region_overlap
from animepose_blender.estimate.mediapipe_pose import (
    CROP_SIZE,
    MediaPipePose,
    _tiles,
    _tiles_near,
    _without_repeats,
)
from animepose_blender.estimate.video import open_clip
from animepose_blender.skeleton import BLAZEPOSE_33

DEMO = Path(__file__).parents[2] / "scripts" / "demo_clip" / "salsa.mp4"


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080), (360, 640), (500, 500), (3000, 400), (33, 20)])
@pytest.mark.parametrize("detail", [0, 1, 2])
def test_the_tiles_of_each_size_cover_the_picture_and_stay_in_it(size, detail):
    width, height = size
    by_size: dict[int, np.ndarray] = {}
    for x, y, extent in _tiles(width, height, detail):
        assert 0 <= x < width
        assert 0 <= y < height
        assert x + extent <= width or x == 0
        assert y + extent <= height or y == 0
        by_size.setdefault(extent, np.zeros((height, width), bool))[y : y + extent, x : x + extent] = True
    assert all(covered.all() for covered in by_size.values())
    assert max(width, height) in by_size


def test_more_detail_means_more_and_smaller_tiles():
    counts = [len(_tiles(1280, 720, detail)) for detail in range(3)]
    assert counts == sorted(set(counts))
    assert min(t[2] for t in _tiles(1280, 720, 2)) < min(t[2] for t in _tiles(1280, 720, 0))


@pytest.mark.parametrize("center", [(320, 180), (5, 5), (639, 359), (-200, 900)])
@pytest.mark.parametrize("extent", [10.0, 200.0, 5000.0])
def test_tiles_around_a_person_lie_in_the_picture(center, extent):
    for x, y, size in _tiles_near(np.array([*center, extent, 0.3]), 640, 360):
        assert 0 <= x < 640
        assert 0 <= y < 360
        assert 32 <= size <= 640


def test_overlap_is_one_for_the_same_region_and_falls_with_distance_and_size():
    region = np.array([100.0, 100.0, 90.0, 0.0])
    assert region_overlap(region, region) == 1
    shares = [region_overlap(region, region + [d, 0, 0, 0]) for d in (0, 5, 15, 29, 31, 200)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-2:] == [0, 0]
    assert region_overlap(region, region * [1, 1, 2.1, 1]) == 0
    other = region + [9, 3, 20, 0]
    assert region_overlap(region, other) == pytest.approx(region_overlap(other, region))


def test_of_repeated_finds_the_best_is_kept():
    regions = np.array([[100, 100, 90, 0], [103, 101, 92, 0], [300, 100, 90, 0], [302, 99, 88, 0.1]], float)
    assert _without_repeats(regions, np.array([0.6, 0.9, 0.8, 0.7])).tolist() == [1, 2]


@pytest.fixture(scope="module")
def backend():
    backend = MediaPipePose(threads=2)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """A frame of the demo clip, in which both dancers are seen whole."""
    if not DEMO.is_file():
        pytest.skip("the demo clip is not there")
    *_, (_, _, rgb) = open_clip(DEMO).frames(0.0, 0.1)
    return rgb


@pytest.fixture(scope="module")
def dancers(backend, picture) -> list[PoseObservation]:
    """Both, from left to right, in the regions that a first pose asked for."""
    candidates = backend.detect(picture, 2)
    first = [o for o in backend.estimate(picture, candidates.region[:2]) if o is not None]
    second = backend.estimate(picture, np.array([o.next_region for o in first]))
    return sorted((o for o in second if o is not None), key=lambda o: o.box_px[0])


def _point(name: str) -> int:
    return BLAZEPOSE_33.index(name)


def test_both_dancers_are_found_with_all_fields_of_the_contract(dancers, picture):
    assert len(dancers) == 2
    height, width = picture.shape[:2]
    for seen in dancers:
        assert seen.landmarks_px.shape == (33, 2)
        assert seen.landmarks_m.shape == (33, 3)
        assert seen.confidence.shape == (33,)
        assert ((seen.confidence >= 0) & (seen.confidence <= 1)).all()
        assert seen.mask.shape == (CROP_SIZE, CROP_SIZE)
        assert seen.mask.dtype == np.uint8
        assert 0.6 < seen.score <= 1
        x0, y0, x1, y1 = seen.box_px
        assert -20 < x0 < x1 < width + 20
        assert -20 < y0 < y1 < height + 20
    assert np.abs(dancers[0].next_region[:2] - dancers[1].next_region[:2]).max() > 30


def test_the_dancers_are_told_apart_by_their_clothes(backend, picture, dancers):
    again = backend.estimate(picture, np.stack([d.next_region for d in dancers]))
    for seen in dancers:
        assert seen.colours.shape == (len(ZONES), 3)
        assert np.isfinite(seen.colours).all(axis=1).sum() >= 3
    own = [float(colour_distance(a.colours, b.colours)) for a, b in zip(dancers, again, strict=True)]
    assert max(own) < 0.5
    assert colour_distance(dancers[0].colours, dancers[1].colours) > 2 * max(own)


def test_people_stand_upright_and_their_landmarks_lie_in_their_box(dancers):
    for seen in dancers:
        assert np.abs(seen.next_region[3]) < 0.5
        assert seen.landmarks_px[_point("nose"), 1] < seen.landmarks_px[_point("left_ankle"), 1]
        assert seen.landmarks_m[_point("nose"), 1] < seen.landmarks_m[_point("left_ankle"), 1]
        x0, y0, x1, y1 = seen.box_px
        inside = (seen.landmarks_px > [x0 - 15, y0 - 15]).all(axis=1) & (seen.landmarks_px < [x1 + 15, y1 + 15]).all(
            axis=1
        )
        assert inside.mean() > 0.9


def test_metric_landmarks_are_those_of_a_grown_person(dancers):
    for seen in dancers:
        legs_m = [
            np.linalg.norm(seen.landmarks_m[_point(f"{side}_hip")] - seen.landmarks_m[_point(f"{side}_knee")])
            for side in ("left", "right")
        ]
        assert all(0.25 < leg_m < 0.6 for leg_m in legs_m)


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_turned_picture_gives_the_same_person_turned(backend, picture, dancers, quarter_turns):
    """With the region turned along, the network sees the same crop; everything else must turn back."""
    seen = dancers[0]
    turned = np.ascontiguousarray(np.rot90(picture, -quarter_turns))  # clockwise
    height, width = picture.shape[:2]
    angle = quarter_turns * np.pi / 2
    c, s = round(np.cos(angle)), round(np.sin(angle))
    turn = np.array([[c, -s], [s, c]])  # clockwise as seen, since y points down
    middle = np.array([width, height]) / 2
    turned_middle = np.array([turned.shape[1], turned.shape[0]]) / 2

    def along(points_px: np.ndarray) -> np.ndarray:
        return (points_px - middle) @ turn.T + turned_middle

    region = np.array([*along(seen.region[:2]), seen.region[2], seen.region[3] + angle])
    (again,) = backend.estimate(turned, region[None])
    assert again is not None
    sure = seen.confidence > 0.5
    # A shift by half a pixel in the crop would move the median by more than that.
    error_px = np.abs(again.landmarks_px - along(seen.landmarks_px))[sure]
    assert np.median(error_px) < 0.1
    assert error_px.max() < 1.5
    expected_m = seen.landmarks_m.copy()
    expected_m[:, :2] = expected_m[:, :2] @ turn.T
    assert np.abs(again.landmarks_m - expected_m)[sure].max() < 0.01
    np.testing.assert_allclose(again.next_region[:2], along(seen.next_region[:2]), atol=0.5)
    assert np.abs(np.angle(np.exp(1j * (again.next_region[3] - seen.next_region[3] - angle)))) < 0.01
    assert again.confidence == pytest.approx(seen.confidence, abs=0.02)


def test_who_is_hidden_by_a_matte_is_not_seen(backend, picture, dancers):
    seen = dancers[0]
    nothing, everything = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8), np.full((CROP_SIZE, CROP_SIZE), 255, np.uint8)
    regions = np.stack([seen.region, seen.region])
    shown, hidden = backend.estimate(picture, regions, [nothing, everything])
    assert shown is not None
    assert shown.score > 0.6
    assert hidden is None or hidden.score < shown.score - 0.2


def test_the_answers_do_not_depend_on_the_order_of_the_questions(backend, picture, dancers):
    regions = np.stack([d.region for d in dancers])
    forth = backend.estimate(picture, regions)
    back = backend.estimate(picture, regions[::-1])[::-1]
    for a, b in zip(forth, back, strict=True):
        np.testing.assert_array_equal(a.landmarks_px, b.landmarks_px)
        np.testing.assert_array_equal(a.landmarks_m, b.landmarks_m)


def test_looking_near_somebody_finds_them(backend, picture, dancers):
    for seen in dancers:
        near = backend.detect_near(picture, seen.next_region[None])
        assert len(near.region)
        assert np.linalg.norm(near.region[:, :2] - seen.next_region[:2], axis=1).min() < 0.3 * seen.next_region[2]


def test_an_empty_picture_has_nobody(backend):
    empty = np.full((120, 160, 3), 128, np.uint8)
    found = backend.detect(empty, 1)
    assert found.region.shape == (0, 4)
    assert found.score.shape == (0,)
    assert backend.estimate(empty, found.region) == []
