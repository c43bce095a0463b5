"""How sure joints are is made to agree with how often they are right."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from calibrate_joints import fit, table

from animepose_blender.estimate.hub.own_pose import calibrated


@pytest.mark.parametrize(("half", "power"), [(2.5, -3.0), (0.4, 5.0)])
def test_the_fit_finds_what_made_the_joints_right(half, power):
    rng = np.random.default_rng(0)
    measure = half * np.exp(rng.normal(0, 0.6, 20_000))
    right = rng.random(len(measure)) < calibrated(measure, half, power)
    found = fit(measure, right)
    np.testing.assert_allclose(found, (half, power), rtol=0.08)


def test_the_table_says_how_often_joints_are_right():
    sure, right = np.array([0.1, 0.1, 0.9, 0.95, 1.0]), np.array([False, True, True, True, True])
    low, high = table(sure, right).splitlines()
    assert low.startswith("0.0 to 0.2:  40.0% of joints,  50.0% right") and high.endswith("100.0% right")
