"""Contact figures, against cases counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.estimate.metrics.contact import contact_figures

EVERYBODY = np.ones(2, bool)


def test_joints_and_feet_are_counted_apart():
    # Left heel, left toe, right heel, right toe in two frames.
    said = np.array([[0.9, 0.1, 0.5, 0.0], [0.0, 0.8, 0.2, 0.0]])
    stands = np.array([[True, True, False, False], [True, False, False, True]])
    figures = contact_figures(said, stands, EVERYBODY)
    # Said: heel (right), right heel (wrong), toe (wrong); standing are four joints.
    assert figures["contact_precision"] == pytest.approx(1 / 3)
    assert figures["contact_recall"] == pytest.approx(1 / 4)
    # Of feet: left (right), right (wrong), left (right); the right foot of the second frame is missed.
    assert figures["foot_contact_precision"] == pytest.approx(2 / 3)
    assert figures["foot_contact_recall"] == pytest.approx(2 / 3)


def test_who_is_not_asked_for_does_not_count():
    said, stands = np.ones((2, 4)), np.array([[True] * 4, [False] * 4])
    assert contact_figures(said, stands, EVERYBODY)["contact_precision"] == pytest.approx(0.5)
    assert contact_figures(said, stands, np.array([True, False]))["contact_precision"] == 1.0


def test_figures_without_anything_to_count_are_not_defined():
    nothing = contact_figures(np.full((2, 4), np.nan), np.zeros((2, 4), bool), EVERYBODY)
    assert set(nothing.values()) == {None}
    assert contact_figures(np.zeros((2, 4)), np.ones((2, 4), bool), EVERYBODY)["contact_recall"] == 0.0
