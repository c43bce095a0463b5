"""The One-Euro filter against a plain reading of the published algorithm; the form without lag by what it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

from animepose_blender.core.cleanup.half_life import HALF_LIFE_HZ_S, smooth_half_life
from animepose_blender.core.cleanup.one_euro import one_euro, one_euro_both_ways

RANDOM = np.random.default_rng(10)
TIME_S = np.cumsum(RANDOM.uniform(0.02, 0.05, 150))
VALUES = RANDOM.normal(size=(150, 4)).cumsum(axis=0)


class Published:
    """Algorithm 1 of Casiez, Roussel and Vogel (2012), one number at a time."""

    def __init__(self, min_cutoff: float, beta: float, d_cutoff: float):
        self.min_cutoff, self.beta, self.d_cutoff = min_cutoff, beta, d_cutoff
        self.x_hat: float | None = None
        self.dx_hat = 0.0
        self.time = 0.0

    def filter(self, x: float, time: float) -> float:
        if self.x_hat is None:
            self.x_hat, self.time = x, time
            return x
        period = time - self.time
        dx = (x - self.x_hat) / period
        self.dx_hat = self.exponential(dx, self.dx_hat, self.alpha(period, self.d_cutoff))
        cutoff = self.min_cutoff + self.beta * abs(self.dx_hat)
        self.x_hat = self.exponential(x, self.x_hat, self.alpha(period, cutoff))
        self.time = time
        return self.x_hat

    @staticmethod
    def alpha(period: float, cutoff: float) -> float:
        tau = 1.0 / (2 * math.pi * cutoff)
        return 1.0 / (1.0 + tau / period)

    @staticmethod
    def exponential(x: float, previous: float, alpha: float) -> float:
        return alpha * x + (1.0 - alpha) * previous


@pytest.mark.parametrize("min_cutoff_hz, beta, speed_cutoff_hz", [(1.0, 0.0, 1.0), (0.5, 0.1, 1.0), (3.0, 2.0, 4.0)])
def test_it_is_the_published_algorithm(min_cutoff_hz, beta, speed_cutoff_hz):
    ours = one_euro(VALUES, TIME_S, min_cutoff_hz, beta, speed_cutoff_hz)
    for series in range(VALUES.shape[1]):
        published = Published(min_cutoff_hz, beta, speed_cutoff_hz)
        theirs = [published.filter(x, time) for x, time in zip(VALUES[:, series], TIME_S)]
        assert np.abs(ours[:, series] - theirs).max() < 1e-12


def test_a_gap_is_one_long_step():
    values = VALUES[:, 0].copy()
    values[:4] = values[60:70] = np.nan
    known = np.isfinite(values)
    published = Published(1.0, 0.2, 1.0)
    theirs = [published.filter(x, time) for x, time in zip(values[known], TIME_S[known])]
    assert np.abs(one_euro(values, TIME_S, 1.0, 0.2)[known] - theirs).max() < 1e-12


def test_without_beta_both_ways_is_the_filter_of_that_cutoff():
    expected = smooth_half_life(VALUES, TIME_S, HALF_LIFE_HZ_S / 2.0)
    assert np.abs(one_euro_both_ways(VALUES, TIME_S, 2.0, 0.0) - expected).max() < 1e-9


def test_rest_is_smoothed_and_fast_motion_followed_without_lag():
    time_s = np.arange(300) / 60
    speed = np.where((time_s > 2) & (time_s < 3), 4.0, 0.0)
    motion = np.cumsum(speed) / 60
    noise = 0.01 * np.random.default_rng(1).normal(size=300)
    smooth = one_euro_both_ways(motion + noise, time_s, 0.5, 2.0)
    plain = one_euro_both_ways(motion + noise, time_s, 0.5, 0.0)
    live = one_euro(motion + noise, time_s, 0.5, 2.0)
    resting = (time_s < 1.2) | (time_s > 3.8)
    moving = (time_s > 2.2) & (time_s < 2.8)
    assert np.std((smooth - motion)[resting]) < 0.4 * 0.01
    assert np.abs((smooth - motion)[moving]).max() < 0.03
    assert np.abs(smooth - motion).max() < 0.5 * np.abs(plain - motion).max()
    assert abs((smooth - motion)[moving].mean()) < 0.1 * abs((live - motion)[moving].mean())


@pytest.mark.parametrize("filtered", [one_euro, one_euro_both_ways])
def test_together_does_not_depend_on_how_the_axes_lie(filtered):
    points = VALUES[:, :3]
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    turned = filtered(points @ turn, TIME_S, 1.0, 0.3, together=True)
    assert np.abs(turned - filtered(points, TIME_S, 1.0, 0.3, together=True) @ turn).max() < 1e-8
