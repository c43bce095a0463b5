"""Fixtures of the tests of data set readers, whose files are small and made by the tests."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from animepose_blender import cli
from animepose_blender.core.synthetic import walking_take


@pytest.fixture
def take():
    """Two people, 24 frames, equally sure of everything."""
    made = walking_take(people=2, frames=24, gaps=False)
    return dataclasses.replace(made, joint_confidence=np.full(made.joint_confidence.shape, 0.9))


@pytest.fixture
def evaluated(capsys):
    """The JSON that `animepose evaluate` prints."""

    def run(words):
        assert cli.main(["evaluate", *map(str, words)]) == 0
        return json.loads(capsys.readouterr().out)

    return run
