"""Overlap of boxes, against counting points and cells."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.boxes import generalized_iou, iou


def _boxes(rng: np.random.Generator, count: int, dimensions: int) -> np.ndarray:
    """(count, 2 D) boxes with whole-numbered corners between 0 and 6."""
    ends = np.sort(rng.integers(0, 7, (count, 2, dimensions)), axis=1).astype(float)
    ends[:, 1] = np.maximum(ends[:, 1], ends[:, 0] + 1)
    return ends.reshape(count, -1)


def _cells(box: np.ndarray) -> set[tuple[int, ...]]:
    """Unit cells of a box with whole-numbered corners."""
    half = len(box) // 2
    axes = [range(int(low), int(high)) for low, high in zip(box[:half], box[half:])]
    return set(map(tuple, np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, half).tolist()))


def _hull(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    half = len(a) // 2
    return np.concatenate([np.minimum(a[:half], b[:half]), np.maximum(a[half:], b[half:])])


@pytest.mark.parametrize("dimensions", [2, 3])
def test_agrees_with_counting_cells(rng, dimensions):
    a, b = _boxes(rng, 12, dimensions), _boxes(rng, 9, dimensions)
    overlap, general = iou(a, b), generalized_iou(a, b)
    assert overlap.shape == general.shape == (12, 9)
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            shared, either = len(_cells(one) & _cells(other)), len(_cells(one) | _cells(other))
            around = len(_cells(_hull(one, other)))
            assert overlap[i, j] == pytest.approx(shared / either)
            assert general[i, j] == pytest.approx(shared / either - (around - either) / around)


def test_by_hand():
    a = np.array([[0.0, 0, 0, 2, 2, 2]])
    b = np.array([[1.0, 1, 1, 3, 3, 3], [0, 0, 0, 2, 2, 2], [2, 0, 0, 4, 2, 2], [4, 0, 0, 6, 2, 2]])
    np.testing.assert_allclose(iou(a, b), [[1 / 15, 1, 0, 0]])
    # Hulls of 27, 8, 16 and 24, of which 15, 8, 16 and 16 are filled.
    np.testing.assert_allclose(generalized_iou(a, b), [[1 / 15 - 12 / 27, 1, 0, -8 / 24]])


@pytest.mark.parametrize("dimensions", [2, 3])
def test_is_the_same_both_ways_and_at_any_place_and_scale(rng, dimensions):
    a, b = _boxes(rng, 5, dimensions), _boxes(rng, 6, dimensions)
    shift = np.tile(rng.normal(size=dimensions), 2)
    for function in (iou, generalized_iou):
        np.testing.assert_allclose(function(a, b), function(b, a).T)
        np.testing.assert_allclose(function(0.01 * (a + shift), 0.01 * (b + shift)), function(a, b), atol=1e-9)


def test_the_farther_apart_the_less():
    a = np.array([[0.0, 0, 0, 1, 1, 1]])
    apart = np.array([0.0, 0.5, 1.0, 2.0, 5.0, 100.0])
    b = a + np.stack([apart, 0 * apart, 0 * apart, apart, 0 * apart, 0 * apart], axis=1)
    value = generalized_iou(a, b)[0]
    assert (np.diff(value) < 0).all()
    assert value[0] == pytest.approx(1)
    assert value[-1] > -1


def test_a_box_that_is_not_known_overlaps_nothing():
    known, unknown = np.array([[0.0, 0, 1, 1]]), np.array([[0.0, np.nan, 1, 1], [0, 0, 1, 1]])
    np.testing.assert_array_equal(iou(known, unknown), [[0, 1]])
    np.testing.assert_array_equal(generalized_iou(known, unknown), [[-1, 1]])
    np.testing.assert_array_equal(iou(unknown[:1], unknown[:1]), [[0]])


def test_a_box_without_volume_overlaps_nothing_and_breaks_nothing():
    flat, solid = np.array([[0.5, 0.5, 0.5, 0.5]]), np.array([[0.0, 0, 1, 1]])
    with np.errstate(all="raise"):
        assert iou(flat, solid) == 0
        assert iou(flat, flat) == 0
        assert -1 <= generalized_iou(flat, solid) <= 0


@pytest.mark.parametrize("counts", [(0, 3), (3, 0), (0, 0)])
def test_nobody_makes_empty_tables(counts):
    a, b = (np.zeros((n, 6)) for n in counts)
    assert iou(a, b).shape == counts
    assert generalized_iou(a, b).shape == counts
