"""Trajectory prediction: where somebody goes who is not seen, and how the gap is filled when they return."""

from __future__ import annotations

from ...store.installed import find_network, weights_file
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
    "predictor_of",
    "refill",
]


def default_predictor() -> TrajectoryPredictor:
    """The one that is nearer to the truth on the `dev` clips, see docs/trajectories.md."""
    return Recurrent()


def predictor_of(id_: str) -> Recurrent:
    """A predictor of the weight store, or one that is shipped.

    Raises:
        AnimePoseError: if it is not there, or is no network of this kind.
    """
    path, record = find_network(id_)
    return Recurrent(weights_file(path, record), f"AnimePose {record.title} ({record.licence})")
