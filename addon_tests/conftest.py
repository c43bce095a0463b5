"""What every test may use."""

from __future__ import annotations

import os

import numpy as np
import pytest

# The tests run on shared machines and on several workers at once; a library that takes every core makes all slower.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20240501)
