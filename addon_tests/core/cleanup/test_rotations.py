"""Filters on rotations: no dependence on signs or axes, and amounts in radians."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import quaternions as quat
from animepose_blender.core.cleanup.butterworth import butterworth
from animepose_blender.core.cleanup.gaps import fill_gaps
from animepose_blender.core.cleanup.half_life import smooth_half_life
from animepose_blender.core.cleanup.hold_still import hold_still
from animepose_blender.core.cleanup.one_euro import one_euro, one_euro_both_ways
from animepose_blender.core.cleanup.pops import remove_pops
from animepose_blender.core.cleanup.rotations import on_rotations
from animepose_blender.core.cleanup.savitzky_golay import savitzky_golay
from animepose_blender.core.retarget.euler import angle_between

FILTERS = {
    "half-life": lambda v, t: smooth_half_life(v, t, 0.1),
    "butterworth": lambda v, t: butterworth(v, t, 3.0),
    "savitzky-golay": lambda v, t: savitzky_golay(v, t, 0.4),
    "one-euro": lambda v, t: one_euro(v, t, 1.0, 0.5, together=True),
    "one-euro both ways": lambda v, t: one_euro_both_ways(v, t, 1.0, 0.5, together=True),
    "pops": lambda v, t: remove_pops(v, t, least=0.2, together=True)[0],
    "hold still": lambda v, t: hold_still(v, t, 0.03, together=True),
    "gaps": lambda v, t: fill_gaps(v, t, together=True),
}
SMOOTHERS = ("half-life", "butterworth", "savitzky-golay", "one-euro both ways")
every_filter = pytest.mark.parametrize("name", FILTERS)
TIME_S = np.arange(180) / 30


def motion(bones: int = 6) -> np.ndarray:
    """Swings of up to two radians about various axes, with rests, noise and a few pops."""
    random = np.random.default_rng(16)
    axes = random.normal(size=(bones, 3))
    axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
    half = np.sin(2 * np.pi * random.uniform(0.3, 1.0, bones) * np.maximum(TIME_S - 2.0, 0)[:, None])
    q = np.concatenate([np.cos(half)[..., None], np.sin(half)[..., None] * axes], axis=-1)
    q = quat.normalize(
        quat.multiply(quat.normalize(random.normal(size=(bones, 4))), q) + 0.004 * random.normal(size=q.shape)
    )
    q[100, ::2] = quat.normalize(random.normal(size=(3, 4)))
    return q


@every_filter
@pytest.mark.parametrize("side", ["before", "behind"])
def test_turning_everything_by_one_rotation_turns_the_result(name, side):
    q, turn = motion(), quat.normalize(np.array([0.3, -0.8, 0.5, 0.2]))

    def turned(rotations):
        return quat.multiply(turn, rotations) if side == "before" else quat.multiply(rotations, turn)

    result = on_rotations(FILTERS[name], turned(q), TIME_S)
    assert angle_between(result, turned(on_rotations(FILTERS[name], q, TIME_S))).max() < 1e-6


@every_filter
def test_signs_do_nothing(name):
    q = motion()
    flipped = q * np.random.default_rng(3).choice([-1.0, 1.0], q.shape[:-1])[..., None]
    result = on_rotations(FILTERS[name], flipped, TIME_S)
    assert angle_between(result, on_rotations(FILTERS[name], q, TIME_S)).max() < 1e-6


@every_filter
def test_results_have_unit_length_and_lie_on_one_side(name):
    result = on_rotations(FILTERS[name], 3.0 * motion(), TIME_S)
    assert np.abs(np.linalg.norm(result, axis=-1) - 1).max() < 1e-12
    dots = (result[1:] * result[:-1]).sum(-1)
    assert np.delete(dots, [99, 100], axis=0).min() > 0


@every_filter
@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_clips(name, count):
    q = motion()[:count]
    result = on_rotations(FILTERS[name], q, TIME_S[:count])
    assert result.shape == q.shape and np.isfinite(result).all()


@pytest.mark.parametrize("name", SMOOTHERS)
def test_a_steady_spin_through_many_turns_stays(name):
    half = np.pi * 0.5 * TIME_S
    spin = np.stack([np.cos(half), np.zeros(180), np.sin(half), np.zeros(180)], axis=-1)
    error_deg = np.rad2deg(angle_between(on_rotations(FILTERS[name], spin, TIME_S), spin))
    assert error_deg[30:-30].max() < 0.01 and error_deg.max() < 1.0


@pytest.mark.parametrize("name", SMOOTHERS)
def test_small_swings_are_filtered_as_their_angle_in_radians(name):
    angle = 0.3 * np.sin(2 * np.pi * 0.7 * TIME_S) + 0.1 * np.sin(2 * np.pi * 3.0 * TIME_S)
    q = np.stack([np.cos(angle / 2), np.sin(angle / 2), 0 * angle, 0 * angle], axis=-1)
    result = on_rotations(FILTERS[name], q, TIME_S)
    expected = FILTERS[name](angle[:, None], TIME_S)[:, 0]
    assert np.abs(2 * np.arctan2(result[:, 1], result[:, 0]) - expected).max() < 0.003


def test_unknown_rotations_stay_unknown_or_are_filled():
    q = motion()
    q[100] = q[99]
    gapped = q.copy()
    gapped[120:124, 1, 2] = np.nan
    gapped[130, 2] = 0.0
    for name, filtered in FILTERS.items():
        result = on_rotations(filtered, gapped, TIME_S)
        known = np.isfinite(result).all(-1)
        if name == "gaps":
            assert known.all() and np.rad2deg(angle_between(result, q)[120:124, 1]).max() < 6.0
        else:
            assert not known[120:124, 1].any() and not known[130, 2] and known.sum() == known.size - 5


def test_opposite_rotations_in_turn_leave_no_holes():
    q = np.tile([[1.0, 0, 0, 0], [0, 1.0, 0, 0]], (90, 1))
    for filtered in FILTERS.values():
        assert np.isfinite(on_rotations(filtered, q, TIME_S)).all()
