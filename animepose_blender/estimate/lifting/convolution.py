"""The temporal network `models/temporal_lifter.py` in plain numpy: the worker of the preset `offline` has no torch.

Convolutions are matrix products of shifted frames; batch normalisation is folded into them. Clips are read in chunks
with the receptive field's margin on both sides, so that memory does not grow with length.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from ...errors import AnimePoseError
from ...skeleton import JOINT_COUNT
from .encoding import FEATURES
from .network import Answer, NetworkLifter

NAME = "AnimePose Temporal lifter (GPL-3.0-or-later)"
WEIGHTS = Path(__file__).resolve().parents[3] / "models" / "weights" / "lifter.safetensors"
CHUNK = 1024
"""Frames that are worked on at a time."""
EPSILON = 1e-5
"""Of torch's batch normalisation."""
LOG_SIGMA = (-5.0, 0.7)
"""As in `models/lifter_heads.py`."""
CONTACT_GAIN = 10.0
_REMEDY = "Install the extension again."


@dataclass(frozen=True, eq=False)
class Layer:
    """A convolution with what follows it folded in: relu(sum_k x[t + (k - middle) dilation] @ weight[k] + bias)."""

    weight: np.ndarray
    """(W, in, out)."""
    bias: np.ndarray
    dilation: int

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(T, out) of (T, in), zeros beyond both ends."""
        taps, steps = len(self.weight), len(x)
        total = np.broadcast_to(self.bias, (steps, len(self.bias))).copy()
        for k in range(taps):
            shift = (k - taps // 2) * self.dilation
            low, high = max(-shift, 0), min(steps - shift, steps)
            if low < high:
                total[low:high] += x[low + shift : high + shift] @ self.weight[k]
        return np.maximum(total, 0.0, out=total)


@dataclass(frozen=True, eq=False)
class Convolution:
    """The network with its weights."""

    first: Layer
    blocks: tuple[tuple[Layer, Layer], ...]
    out: tuple[np.ndarray, np.ndarray]
    """Weight (H, outputs) and bias."""
    skip: np.ndarray
    """(C, J * 3)."""

    @property
    def reach(self) -> int:
        """Frames to either side that an answer depends on."""
        layers = [self.first, *(dilated for dilated, _ in self.blocks)]
        return sum(layer.dilation * (len(layer.weight) // 2) for layer in layers)

    @property
    def parameters(self) -> int:
        """How many numbers it has, normalisation folded in."""
        layers = [self.first, *(layer for pair in self.blocks for layer in pair)]
        return sum(x.size for layer in layers for x in (layer.weight, layer.bias)) + sum(
            x.size for x in (*self.out, self.skip)
        )

    def __call__(self, inputs: np.ndarray) -> Answer:
        """Joints (T, J, 3), log sigma (T, J, 2) and contact logits (T, 4) of features (T, C)."""
        steps, reach = len(inputs), self.reach
        parts = []
        for start in range(0, steps, CHUNK):
            low, high = max(start - reach, 0), min(start + CHUNK + reach, steps)
            answer = self._chunk(inputs[low:high])
            parts.append(answer[start - low : start - low + min(CHUNK, steps - start)])
        answer = np.concatenate(parts)
        joints_m = answer[:, : JOINT_COUNT * 3].reshape(-1, JOINT_COUNT, 3)
        log_sigma = answer[:, JOINT_COUNT * 3 : JOINT_COUNT * 5].reshape(-1, JOINT_COUNT, 2)
        return joints_m - joints_m[:, :1], np.clip(log_sigma, *LOG_SIGMA), CONTACT_GAIN * answer[:, JOINT_COUNT * 5 :]

    def _chunk(self, inputs: np.ndarray) -> np.ndarray:
        x = self.first(inputs)
        for dilated, plain in self.blocks:
            x = x + plain(dilated(x))
        answer = x @ self.out[0] + self.out[1]
        answer[:, : JOINT_COUNT * 3] += inputs @ self.skip
        return answer


@lru_cache(maxsize=2)
def load_network(path: Path = WEIGHTS) -> Convolution:
    """Read the weights.

    Raises:
        AnimePoseError: if the file is missing or is not this network's.
    """
    if not path.is_file():
        raise AnimePoseError(f"The weights {path} are missing.", _REMEDY)
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise AnimePoseError(f"The weights {path} cannot be read ({error}).", _REMEDY) from error
    if about.get("network") != "temporal":
        raise AnimePoseError(f"{path} does not hold the temporal lifting network.", _REMEDY)
    config = json.loads(about["config"])
    kernel, blocks = int(config["kernel"]), int(config["blocks"])
    try:
        network = Convolution(
            _layer(tensors, "first", 1),
            tuple(
                (_layer(tensors, f"blocks.{b}.0", kernel ** (b + 1)), _layer(tensors, f"blocks.{b}.1", 1))
                for b in range(blocks)
            ),
            (tensors["heads.out.weight"].T.copy(), tensors["heads.out.bias"]),
            tensors["heads.skip.weight"].T.copy(),
        )
    except KeyError as error:
        raise AnimePoseError(f"{path} lacks {error}.", _REMEDY) from error
    if network.first.weight.shape[1] != FEATURES:
        raise AnimePoseError(f"{path} was made for other features.", _REMEDY)
    return network


def _layer(tensors: dict[str, np.ndarray], name: str, dilation: int) -> Layer:
    """Convolution and batch normalisation in one: y = g (w x - m) / sqrt(v + e) + b."""
    scale = tensors[f"{name}.1.weight"] / np.sqrt(tensors[f"{name}.1.running_var"] + EPSILON)
    weight = tensors[f"{name}.0.weight"] * scale[:, None, None]
    bias = tensors[f"{name}.1.bias"] - tensors[f"{name}.1.running_mean"] * scale
    return Layer(np.ascontiguousarray(weight.transpose(2, 1, 0)), bias, dilation)


def convolution_lifter(
    path: Path = WEIGHTS, *, flip: bool = True, fuse: bool = True, name: str = NAME
) -> NetworkLifter:
    """The temporal network as a lifter."""
    return NetworkLifter(name, load_network(path), flip=flip, fuse=fuse)
