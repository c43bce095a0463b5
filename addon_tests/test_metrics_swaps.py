"""Left and right exchanged: found where they are, and how long it lasts."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.metrics.swaps import LIMBS, swap_figures, swapped_limbs
from animepose_blender.skeleton import MIRROR, REST_JOINTS_M

FPS = 30.0
TIME_S = np.arange(90) / FPS
LEGS = list(LIMBS[1])


def exchanged(joints, limbs):
    """The same joints with left and right of some exchanged."""
    result = joints.copy()
    result[..., limbs, :] = joints[..., MIRROR[limbs], :]
    return result


def figures_of(frames):
    """Of one person whose legs are exchanged in some frames."""
    swapped = np.zeros((1, len(TIME_S), 2), bool)
    swapped[0, frames, 1] = True
    return swap_figures(swapped, np.ones((1, len(TIME_S)), bool), TIME_S)


def test_exchanged_legs_are_found_and_the_arms_left_alone():
    true = REST_JOINTS_M[None]
    assert swapped_limbs(exchanged(true, LEGS), true).tolist() == [[False, True]]
    assert not swapped_limbs(true, true).any()


def test_an_estimate_that_is_merely_poor_is_not_exchanged(rng):
    true = walking_take(people=1, frames=60, gaps=False).joints_world_m[0].astype(float)
    poor = true + rng.normal(scale=0.05, size=true.shape)
    assert not swapped_limbs(poor, true).any()


def test_legs_side_by_side_tell_nothing():
    together = REST_JOINTS_M[None].copy()
    together[..., LEGS, 0] *= 0.2
    assert not swapped_limbs(exchanged(together, LEGS), together).any()


def test_joints_that_are_not_known_are_left_out():
    true = REST_JOINTS_M[None].copy()
    true[:, LEGS[0]] = np.nan
    assert swapped_limbs(exchanged(REST_JOINTS_M[None], LEGS), true).tolist() == [[False, True]]
    assert not swapped_limbs(np.full_like(true, np.nan), true).any()


def test_runs_are_measured_in_seconds():
    figures = figures_of(slice(10, 46))
    assert figures == {"swap_percent": pytest.approx(40.0), "swap_longest_s": pytest.approx(1.2), "swaps_over_1s": 1}
    assert figures_of(slice(10, 40))["swaps_over_1s"] == 0
    assert figures_of(slice(0, 0)) == {"swap_percent": 0.0, "swap_longest_s": 0.0, "swaps_over_1s": 0}


def test_a_short_break_does_not_end_a_run():
    with_break = np.setdiff1d(np.arange(10, 50), [30, 31])
    assert figures_of(with_break)["swap_longest_s"] == pytest.approx(40 / FPS)
    assert figures_of(np.setdiff1d(np.arange(10, 50), np.arange(28, 33)))["swap_longest_s"] == pytest.approx(18 / FPS)


def test_nobody_to_compare_is_not_defined():
    figures = swap_figures(np.zeros((1, 90, 2), bool), np.zeros((1, 90), bool), TIME_S)
    assert set(figures.values()) == {None}
