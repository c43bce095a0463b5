"""Least squares over many pieces of curves at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline

from animepose_blender.core.keyframes import spline, tridiagonal
from animepose_blender.core.keyframes.spline import Pieces


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 16, 33])
def test_block_chains_are_solved(rng, count):
    diagonal = rng.normal(size=(count, 2, 2))
    diagonal = diagonal @ diagonal.transpose(0, 2, 1) + 6 * np.eye(2)
    coupling, right = rng.normal(size=(count, 2, 2)), rng.normal(size=(count, 2, 3))
    whole = np.zeros((2 * count, 2 * count))
    for i in range(count):
        whole[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = diagonal[i]
        if i + 1 < count:
            whole[2 * i : 2 * i + 2, 2 * i + 2 : 2 * i + 4] = coupling[i]
            whole[2 * i + 2 : 2 * i + 4, 2 * i : 2 * i + 2] = coupling[i].T
    expected = np.linalg.solve(whole, right.reshape(2 * count, 3)).reshape(count, 2, 3)
    np.testing.assert_allclose(tridiagonal.solve(diagonal, coupling, right), expected, atol=1e-10)


def _pieces(times, values, last):
    return Pieces(times, values, last, spline.slopes_of(times, values, last))


def test_a_spline_with_those_keys_is_found_again(rng):
    times = np.arange(100.0)
    keys = np.isin(times, [0, 12, 30, 55, 76, 99])
    made = CubicHermiteSpline(times[keys], rng.normal(size=(6, 3)), rng.normal(size=(6, 3)) / 20)
    last = times == 99
    found = spline.fit(_pieces(times, made(times), last), keys, last | (times == 0))
    # A slope is pulled a little towards the samples' own, hence not to the last digit.
    np.testing.assert_allclose(spline.sample(_pieces(times, made(times), last), found, False), made(times), atol=1e-2)


def test_with_all_keys_the_samples_are_met_and_the_middles_follow_them(rng):
    times = np.cumsum(rng.uniform(0.5, 2, 60))
    values, last = rng.normal(size=(60, 2)), np.isin(np.arange(60), [20, 59])
    pieces = _pieces(times, values, last)
    found = spline.fit(pieces, np.ones(60, dtype=bool), last)
    np.testing.assert_allclose(spline.sample(pieces, found, False), values, atol=1e-9)
    np.testing.assert_allclose(spline.sample(pieces, found, True), spline.halfway(pieces), atol=1e-9)


def test_pieces_have_nothing_to_do_with_each_other(rng):
    times, values = np.tile(np.arange(40.0), 2), rng.normal(size=(80, 2))
    last = np.isin(np.arange(80), [39, 79])
    keys = np.tile(np.isin(np.arange(40), [0, 13, 22, 39]), 2)
    both = spline.sample(_pieces(times, values, last), spline.fit(_pieces(times, values, last), keys, last), False)
    one = _pieces(times[:40], values[:40], last[:40])
    alone = spline.sample(one, spline.fit(one, keys[:40], last[:40]), False)
    np.testing.assert_allclose(both[:40], alone, atol=1e-9)
