"""The learned predictor: `models/trajectory_gru.py` in plain numpy, since the worker of the preset `offline` has no
torch."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from ...errors import AnimePoseError
from ...skeleton import J
from .body import size_of, unit
from .carried import Carried
from .constant_velocity import ConstantVelocity
from .encoding import (
    HORIZON_S,
    LATE_GROWTH_M_S,
    OTHER_FEATURES,
    OWN_FEATURES,
    Encoded,
    encode,
    pose_basis,
    root_basis,
    sigma_basis,
)
from .gait import find_walk
from .past import RATE_HZ, Past, gather
from .protocol import History, Prediction

MODEL_NAME = "AnimePose Trajectory network (GPL-3.0-or-later)"
WEIGHTS = Path(__file__).resolve().parents[3] / "models" / "weights" / "trajectory_gru.safetensors"
EARLY_S = 0.2
"""Over which the speed is measured by which a walk is known."""
STEP_S = 0.005
"""Over which the velocity at the very beginning is measured."""
EASE_S = 0.1
"""Time constant with which the measured velocity gives way to the network's."""
TRUNK_UP = (0.3, 0.6)
"""Vertical part of the trunk's direction below which and above which somebody is not and is upright; in 98 of 100
moments of the training and validation recordings it is above 0.8."""
PELVIS_UP = (0.4, 0.55)
"""The same for the pelvis's height over the body's size, in metres at 1.70 m; in 98 of 100 moments it is above 0.6."""
POSTURE_S = 0.5
_TRUNK = [J[name] for name in ("spine", "chest", "neck")]
WALK_SHARE, WALK_RISE_S = 0.7, 0.5
"""The network alone lets a walker's legs come to rest in their mean, since it is less and less sure of their phase:
after 2 s their ankles are 0.10 m apart instead of 0.35. Where somebody evidently walks, so much of the pose comes
from the walk itself; on the validation and training recordings that keeps 0.28 m at the same error of the joints."""


class Recurrent:
    """A recurrent network that read two seconds of one person and the people around."""

    def __init__(self, weights: Path = WEIGHTS, name: str = MODEL_NAME) -> None:
        """Load the weights.

        Raises:
            AnimePoseError: if the file is missing or is not the network's.
        """
        self.name = name
        self._weights = load_weights(weights)
        self._otherwise = ConstantVelocity()

    def predict(self, history: History, time_s: np.ndarray) -> Prediction:
        """See `TrajectoryPredictor.predict`."""
        past = gather(history)
        since_s = past.since(time_s)
        known = familiarity(past)
        carried = self.carry(past, since_s)
        if known < 1.0:
            carried = self._otherwise.carry(past, since_s).mixed(carried, known)
        return carried.above_floor(past, since_s)

    def carry(self, past: Past, since_s: np.ndarray) -> Carried:
        """What the network says, without the floor, `since_s` (n,) seconds after the end of the past."""
        size = float(size_of(past.lengths_m))
        encoded = encode(past.root_m, past.directions, past.known, past.others_m, past.camera_m, np.array(size))
        root, pose, sigma = coefficients(self._weights, encoded)

        way_m = size * (root_basis(np.append(since_s, STEP_S)) @ root) @ encoded.axes.T
        # The network moves at once from where a noisy history ends towards where it believes the person to be. That is
        # near the truth on average, but a jump of velocity in what is seen; it is spread over a moment instead.
        missing_m_s = self._otherwise.velocity_m_s(past) - way_m[-1] / STEP_S
        root_m = past.root_m[-1] + way_m[:-1] + missing_m_s * (since_s * np.exp(-since_s / EASE_S))[:, None]
        changed = (pose_basis(since_s) @ pose).reshape(len(since_s), -1, 3) @ encoded.axes.T
        last = past.directions[-1]
        directions = np.concatenate([np.zeros((len(since_s), 1, 3)), unit(last[1:] + changed, last[1:])], axis=1)
        early_m = size * (root_basis(np.array([EARLY_S])) @ root)[0] @ encoded.axes.T
        walk = find_walk(past, early_m / EARLY_S)
        if walk is not None:
            # The line of the root's basis is time that slows down beyond the horizon.
            steps = walk.poses(HORIZON_S * root_basis(since_s)[:, 0])
            share = (WALK_SHARE * (1 - np.exp(-since_s / WALK_RISE_S)))[:, None, None]
            directions = unit((1 - share) * directions + share * steps, directions)
        return Carried(root_m, directions, _sigma_m(past, since_s, size * sigma))


def familiarity(past: Past) -> float:
    """0 to 1: how far somebody is upright, as nearly everybody in the training recordings is.

    Who lies, crawls or squats is carried on by the damped velocity instead; the network would have them get up and go.
    """
    recent = slice(-round(POSTURE_S * RATE_HZ), None)
    trunk = past.directions[recent, _TRUNK, 2].mean()
    height = past.root_m[recent, 2].mean() / size_of(past.lengths_m)
    upright = [(value - low) / (high - low) for value, (low, high) in ((trunk, TRUNK_UP), (height, PELVIS_UP))]
    return float(np.prod(np.clip(upright, 0.0, 1.0)))


def _sigma_m(past: Past, since_s: np.ndarray, steps_m: np.ndarray) -> np.ndarray:
    """(n, 2) uncertainty; what the history says of its end takes the place of what the network was trained with."""
    late_s = np.maximum(since_s - HORIZON_S, 0.0)[:, None]
    last_m_s = steps_m[-1] / (HORIZON_S / (len(steps_m) - 1))
    sigma_m = sigma_basis(since_s) @ steps_m + np.maximum(last_m_s, LATE_GROWTH_M_S) * late_s
    if past.start_sigma_m is None:
        return sigma_m
    return np.sqrt(np.maximum(sigma_m**2 - steps_m[0] ** 2, 0.0) + np.asarray(past.start_sigma_m) ** 2)


def coefficients(weights: dict[str, np.ndarray], encoded: Encoded) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The network for one person: root (9, 3), pose (12, 81) and uncertainty (9, 2) as `TrajectoryGRU.forward`.

    The gated recurrent unit in torch's form, with gates r, z and candidate n:

        r = s(W_r x + U_r h)    z = s(W_z x + U_z h)    n = tanh(W_n x + r (U_n h))    h' = (1 - z) n + z h
    """
    w, own, others = weights, encoded.own, encoded.others
    seen = np.maximum(_linear(w, "other", others), 0.0) * others[..., -1:]
    summary = seen.max(axis=0) if len(others) else np.zeros((len(own), len(w["other.bias"])))
    inputs = np.concatenate([own, summary], axis=-1) @ w["gru.weight_ih_l0"].T + w["gru.bias_ih_l0"]
    h = np.zeros(w["gru.weight_hh_l0"].shape[1])
    for x in inputs:
        x_r, x_z, x_n = np.split(x, 3)
        h_r, h_z, h_n = np.split(w["gru.weight_hh_l0"] @ h + w["gru.bias_hh_l0"], 3)
        r, z = _logistic(x_r + h_r), _logistic(x_z + h_z)
        h = (1 - z) * np.tanh(x_n + r * h_n) + z * h
    x = np.maximum(_linear(w, "head", np.concatenate([h, own[-1]])), 0.0)
    components = w["pose_basis"]
    pose = _linear(w, "pose", x).reshape(-1, len(components)) @ components
    sigma = np.logaddexp(0.0, _linear(w, "sigma", x)).reshape(-1, 2) * w["sigma_scale"]
    return _linear(w, "root", x).reshape(-1, 3), pose, sigma


@lru_cache(maxsize=2)
def load_weights(path: Path) -> dict[str, np.ndarray]:
    """All tensors of a file, as float64.

    Raises:
        AnimePoseError: if it is missing or is not this network's.
    """
    remedy = "Install the extension again."
    if not path.is_file():
        raise AnimePoseError(f"The weights {path} are missing.", remedy)
    try:
        tensors = {name: tensor.astype(np.float64) for name, tensor in load_file(path).items()}
    except SafetensorError as error:
        raise AnimePoseError(f"The weights {path} cannot be read ({error}).", remedy) from error
    wanted = {"other.weight": OTHER_FEATURES, "gru.weight_ih_l0": None, "pose_basis": 81, "sigma_scale": 2}
    for name, inputs in wanted.items():
        if name not in tensors or (inputs and tensors[name].shape[-1] != inputs):
            raise AnimePoseError(f"{path} does not hold the trajectory network: {name} is missing or differs.", remedy)
    if tensors["gru.weight_ih_l0"].shape[1] != OWN_FEATURES + len(tensors["other.bias"]):
        raise AnimePoseError(f"{path} was made for other features.", remedy)
    return tensors


def _linear(weights: dict[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _logistic(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))
