"""Trajectory prediction: where somebody goes who is not seen, and how the gap is filled when they return."""

from __future__ import annotations

from .constant_velocity import ConstantVelocity
from .protocol import History, Prediction, TrajectoryPredictor
from .recurrent import Recurrent
from .refill import refill

__all__ = [
    "ConstantVelocity",
    "History",
    "Prediction",
    "Recurrent",
    "TrajectoryPredictor",
    "default_predictor",
    "refill",
]


def default_predictor() -> TrajectoryPredictor:
    """The one that is nearer to the truth on the `dev` clips, see docs/trajectories.md."""
    return Recurrent()
