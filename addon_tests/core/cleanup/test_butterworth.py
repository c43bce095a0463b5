"""The Butterworth filter against SciPy's and against its closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from animepose_blender.core.cleanup.butterworth import butterworth, padding, sections

TIME_S = np.arange(600) / 30
VALUES = np.random.default_rng(8).normal(size=(600, 6)).cumsum(axis=0)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("cutoff_hz", [0.5, 4.0, 12.0])
def test_one_pass_is_that_of_scipy(order, cutoff_hz):
    own = np.array([(b0, b1, b2, 1.0, a1, a2) for b0, b1, b2, a1, a2 in sections(cutoff_hz / 30, order)])
    w = np.linspace(0.01, np.pi * 0.99, 200)
    _, ours = signal.sosfreqz(own, w)
    _, theirs = signal.sosfreqz(signal.butter(order, cutoff_hz, fs=30, output="sos"), w)
    assert np.abs(ours - theirs).max() < 1e-9


@pytest.mark.parametrize("order", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("cutoff_hz", [1.0, 3.0, 6.0, 12.0])
def test_both_passes_are_those_of_scipy(order, cutoff_hz):
    sos = signal.butter(order, cutoff_hz, fs=30, output="sos")
    reach = padding(cutoff_hz / 30, order, len(VALUES))
    theirs = signal.sosfiltfilt(sos, VALUES, axis=0, padtype="odd", padlen=reach)
    assert np.abs(butterworth(VALUES, TIME_S, cutoff_hz, order) - theirs).max() < 2e-4 * np.ptp(VALUES)


def test_it_is_filtfilt_to_the_last_digit_where_no_line_is_to_set_aside():
    values = VALUES - VALUES[0] - np.linspace(0, 1, 600)[:, None] * (VALUES[-1] - VALUES[0])
    b, a = signal.butter(2, 4.0, fs=30)
    theirs = signal.filtfilt(b, a, values, axis=0, padlen=padding(4.0 / 30, 2, 600))
    assert np.abs(butterworth(values, TIME_S, 4.0, 2) - theirs).max() < 1e-9


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("frequency_hz", [1.0, 3.0, 6.0])
def test_the_gain_is_that_of_the_closed_form_and_one_half_at_the_cutoff(order, frequency_hz):
    wave = np.exp(2j * np.pi * frequency_hz * TIME_S)
    result = butterworth(wave.real, TIME_S, 3.0, order) + 1j * butterworth(wave.imag, TIME_S, 3.0, order)
    warped = np.tan(np.pi * frequency_hz / 30) / np.tan(np.pi * 3.0 / 30)
    middle = slice(200, 400)
    assert np.abs(result[middle] / wave[middle] - 1 / (1 + warped ** (2 * order))).max() < 1e-3


@pytest.mark.parametrize("cutoff_hz", [15.0, 100.0])
def test_a_cutoff_beyond_what_the_frames_can_show_changes_nothing(cutoff_hz):
    assert np.array_equal(butterworth(VALUES, TIME_S, cutoff_hz), VALUES)


def test_a_very_low_cutoff_on_a_short_clip_stays_in_range():
    values = VALUES[:20]
    assert np.abs(butterworth(values, TIME_S[:20], 0.01, 4)).max() < 3 * np.abs(values).max()
