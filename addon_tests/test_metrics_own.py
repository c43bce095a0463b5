"""Figures of a take without a truth."""

from __future__ import annotations

import dataclasses

import numpy as np

from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.metrics.own import own_figures


def test_a_walk_whose_feet_stand_slides_not_and_one_that_drifts_does():
    take = walking_take(people=1, frames=60, gaps=False)
    stands = np.zeros_like(take.contact)
    stands[:, 10:20, :2] = 1.0
    still = take.joints_world_m.copy()
    still[:, 10:20] = still[:, 10:11]
    take = dataclasses.replace(take, contact=stands, joints_world_m=still)
    assert own_figures(take)["foot_slide_mm"] == 0
    drifting = still + 0.01 * np.arange(60)[None, :, None, None] * [1.0, 0.0, 0.0]
    assert 9 < own_figures(dataclasses.replace(take, joints_world_m=drifting))["foot_slide_mm"] < 11


def test_what_cannot_be_told_is_none():
    take = walking_take(people=1, frames=2, gaps=False)
    figures = own_figures(dataclasses.replace(take, contact=np.zeros_like(take.contact)))
    assert figures["foot_slide_mm"] is None and figures["jitter_10m_s3"] is None
    assert figures["penetration_mm"] is not None
