"""Curves have Blender's own values."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.keyframes.curve import BEZIER, CONSTANT, LINEAR, Curve, evaluate, from_slopes

bpy = pytest.importorskip("bpy")
_NAMES = {CONSTANT: "CONSTANT", LINEAR: "LINEAR", BEZIER: "BEZIER"}


def _random_curve(rng: np.random.Generator, keys: int, reach: float) -> Curve:
    # Single precision, as Blender stores them.
    frames = np.cumsum(rng.uniform(0.6, 12.0, keys)).astype(np.float32).astype(np.float64)
    values = rng.normal(0, 2, keys).astype(np.float32).astype(np.float64)
    key = np.stack([frames, values], axis=1)
    away = rng.uniform(0.0, reach, (2, keys, 2))
    away[..., 1] *= rng.choice([-1, 1], (2, keys))
    left, right = key - away[0], key + away[1]
    return Curve(frames, values, left, right, rng.choice([CONSTANT, LINEAR, BEZIER, BEZIER, BEZIER], keys))


def _in_blender(curve: Curve, fcurve) -> None:
    points = fcurve.keyframe_points
    points.add(len(curve.frames))
    for point, frame, value, left, right, kind in zip(
        points, curve.frames, curve.values, curve.left, curve.right, curve.interpolation
    ):
        point.co = (frame, value)
        point.handle_left_type = point.handle_right_type = "FREE"
        point.handle_left, point.handle_right = left, right
        point.interpolation = _NAMES[int(kind)]


@pytest.fixture
def fcurve():
    action = bpy.data.actions.new("curve")
    slot = action.slots.new("OBJECT", "thing")
    bag = action.layers.new("layer").strips.new(type="KEYFRAME").channelbag(slot, ensure=True)
    yield bag.fcurves.new("location", index=0)
    bpy.data.actions.remove(action)


# Handles up to 40 frames long lie over each other and beyond their neighbours: Blender shortens them.
@pytest.mark.parametrize("reach", [2.0, 40.0])
def test_values_are_blenders(fcurve, rng, reach):
    curve = _random_curve(rng, 40, reach)
    _in_blender(curve, fcurve)
    frames = np.concatenate([curve.frames, rng.uniform(curve.frames[0] - 5, curve.frames[-1] + 5, 3000)])
    frames = frames.astype(np.float32).astype(np.float64)
    expected = np.array([fcurve.evaluate(frame) for frame in frames])
    # Blender finds the place on a segment in single precision; where time nearly stands still, that is coarse.
    error = np.abs(evaluate(curve, frames) - expected)
    assert np.quantile(error, 0.99) < 1e-4
    assert error.max() < 2e-2


def test_even_handles_are_blenders_to_single_precision(fcurve, rng):
    frames = np.cumsum(rng.integers(1, 9, 30)).astype(float)
    curve = from_slopes(frames, *rng.normal(0, 1, (3, 30)))
    _in_blender(curve, fcurve)
    at = np.arange(frames[0], frames[-1] + 0.25, 0.25)
    expected = np.array([fcurve.evaluate(frame) for frame in at])
    np.testing.assert_allclose(evaluate(curve, at), expected, atol=2e-5)


def test_aligned_handles_stay_when_blender_updates_the_curve(fcurve, rng):
    frames = np.cumsum(rng.integers(1, 9, 30)).astype(float)
    values, slopes = rng.normal(0, 1, (2, 30))
    curve = from_slopes(frames, values, slopes, slopes)
    assert curve.aligned.all()
    _in_blender(curve, fcurve)
    for point in fcurve.keyframe_points:
        point.handle_left_type = point.handle_right_type = "ALIGNED"
    fcurve.update()
    at = np.arange(frames[0], frames[-1] + 0.5, 0.5)
    np.testing.assert_allclose(evaluate(curve, at), [fcurve.evaluate(frame) for frame in at], atol=2e-5)


def test_handles_of_a_corner_are_not_aligned():
    assert from_slopes(np.arange(3.0), np.zeros(3), np.zeros(3), np.array([0.0, 1.0, 0.0])).aligned.tolist() == [
        True,
        False,
        True,
    ]


def test_one_key_is_level():
    curve = from_slopes(np.array([4.0]), np.array([2.5]), np.zeros(1), np.zeros(1))
    assert evaluate(curve, np.array([-3.0, 4.0, 90.0])).tolist() == [2.5, 2.5, 2.5]


def test_a_hold_keeps_its_value_up_to_the_next_key():
    curve = from_slopes(np.array([0.0, 10.0]), np.array([1.0, 3.0]), np.zeros(2), np.zeros(2), np.array([0, 0]))
    assert evaluate(curve, np.array([0.0, 9.99, 10.0])).tolist() == [1.0, 1.0, 3.0]


def test_keys_out_of_order_are_refused():
    with pytest.raises(ValueError, match="increase"):
        from_slopes(np.array([1.0, 1.0]), np.zeros(2), np.zeros(2), np.zeros(2))
