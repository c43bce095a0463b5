"""The learned predictor: `models/trajectory_gru.py` in plain numpy, since the worker of the preset `offline` has no
torch."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from ...errors import AnimePoseError
from .body import above_floor, assemble, size_of, unit
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
from .past import Past, gather
from .protocol import History, Prediction

WEIGHTS = Path(__file__).resolve().parents[3] / "models" / "weights" / "trajectory_gru.safetensors"


class Recurrent:
    """A recurrent network that read two seconds of one person and the people around."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        """Load the weights.

        Raises:
            AnimePoseError: if the file is missing or is not the network's.
        """
        self._weights = load_weights(weights)

    def predict(self, history: History, time_s: np.ndarray) -> Prediction:
        """See `TrajectoryPredictor.predict`."""
        past = gather(history)
        since_s = past.since(time_s)
        size = float(size_of(past.lengths_m))
        encoded = encode(past.root_m, past.directions, past.known, past.others_m, past.camera_m, np.array(size))
        root, pose, sigma = coefficients(self._weights, encoded)

        root_m = past.root_m[-1] + size * (root_basis(since_s) @ root) @ encoded.axes.T
        changed = (pose_basis(since_s) @ pose).reshape(len(since_s), -1, 3) @ encoded.axes.T
        last = past.directions[-1]
        directions = np.concatenate([np.zeros((len(since_s), 1, 3)), unit(last[1:] + changed, last[1:])], axis=1)
        relative_m = assemble(np.zeros_like(root_m), directions, past.lengths_m)
        lowest_m = past.root_m[-1, 2] + assemble(np.zeros(3), last, past.lengths_m)[:, 2].min()
        root_m = above_floor(root_m, relative_m, since_s, max(0.0, -float(lowest_m)))
        return Prediction(root_m[:, None] + relative_m, _sigma_m(past, since_s, size * sigma))


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
