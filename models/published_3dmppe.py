"""The published weights of 3DMPPE: RootNet's and PoseNet's checkpoints, converted once to the project's own form.

Reference: Moon, Chang and Lee, "Camera distance-aware top-down approach for 3D multi-person pose estimation from a
single RGB image" (ICCV 2019), and the layout of its public release (mks0601/3DMPPE_ROOTNET_RELEASE and
mks0601/3DMPPE_POSENET_RELEASE): `snapshot_<epoch>.pth.tar` is a dictionary with `network`, the tensors' names after
`module.` (data parallel), then `backbone.` (ResNet-50, torchvision's names), and `head.` for PoseNet or `root.` for
RootNet. A checkpoint is a pickle; only tensors, plain values and numpy's numbers of it are ever read (`weights_only`).

Three habits of the release are kept in the configuration, so that its weights see what they were trained with: a pixel
p of the crop, counted from its centre, is at p / 4 in a heatmap and a depth z at (z / 2 m + 1/2) 64; and pictures went
in from 0 to 255, less a mean made for 0 to 1. Joints are those of the data it was trained with (18 for Human3.6M, 21
for MuCo), in that order.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from animepose_blender.errors import AnimePoseError

from . import pose_net, root_net

CONSTRUCTORS: dict[str, Callable[[dict[str, Any]], nn.Module]] = {
    pose_net.NETWORK: pose_net.from_config,
    root_net.NETWORK: root_net.from_config,
}
"""For `load_own_file`."""
DEPTH_BINS = 64
PIXEL_CENTRE = 0.5 / pose_net.STRIDE
"""A pixel's centre, which the release counts as 0, in cells."""
WHITE = 255.0
REMEDY = "Choose a snapshot_<epoch>.pth.tar of the public release of 3DMPPE's RootNet or PoseNet (ResNet-50)."
TENSORS_ALONE = "Let whoever made it save the tensors alone: torch.save({'network': network.state_dict()}, FILE)."
_NUMBER = np.float64(0).__reduce__()[0]
NUMBERS = [
    *((_NUMBER, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),  # before and since numpy 2
    np.dtype,
    *(type(np.dtype(kind)) for kind in (np.float64, np.float32, np.int64, np.int32, np.bool_)),
]
"""What pickles name where a learning rate or an epoch is a number of numpy's; none of it runs anything else."""

# Theirs to ours, after `module.`.
POSE_NAMES = {"backbone.": "backbone.", "head.deconv_layers.": "up.", "head.final_layer.": "heatmaps."}
ROOT_NAMES = {
    "backbone.": "backbone.", "root.deconv_layers.": "up.", "root.xy_layer.": "heatmap.", "root.depth_layer.": "gamma.",
}  # fmt: skip
NAMED = 3
"""Tensors that a message names."""


def convert(checkpoint: Path, target: Path, dtype: torch.dtype = torch.float32) -> str:
    """Writes a published checkpoint as safetensors that `load_own_file` reads.

    Args:
        checkpoint: the release's file.
        target: what is written, whole or not at all.
        dtype: of the tensors that are written.
    Returns:
        The network's name, `pose_net` or `root_net`.
    Raises:
        AnimePoseError: if the checkpoint cannot be read, is not of that layout, or has values that `dtype` has not.
    """
    published = _read(checkpoint)
    if "head.final_layer.weight" in published:
        kind, names = pose_net.NETWORK, POSE_NAMES
        config = asdict(_pose_config(checkpoint, published["head.final_layer.weight"]))
    elif "root.depth_layer.weight" in published:
        kind, names = root_net.NETWORK, ROOT_NAMES
        config = asdict(root_net.Config(xy_centre=PIXEL_CENTRE, white=WHITE))
    else:
        raise AnimePoseError(f"{checkpoint} has neither a `head.final_layer` nor a `root.depth_layer`.", REMEDY)
    tensors = _renamed(checkpoint, published, names)
    _check(checkpoint, tensors, kind, config)
    tensors = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise AnimePoseError(f"{checkpoint} has values that {dtype} does not hold.", "Convert it in full precision.")
    partial = target.with_name(target.name + ".part")
    try:
        save_file(tensors, partial, {"network": kind, "config": json.dumps(config), "source": "3DMPPE public release"})
        partial.replace(target)
    except (OSError, SafetensorError) as error:  # the latter is its word for all that the system refuses
        partial.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or error
        raise AnimePoseError(f"{target} cannot be written: {reason}.", "Choose another folder.") from error
    return kind


def _read(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The network's tensors, names without `module.`, without counters that only training reads."""
    try:
        with checkpoint.open("rb") as file, torch.serialization.safe_globals(NUMBERS):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise AnimePoseError(f"{checkpoint} cannot be read: {error.strerror or error}.", REMEDY) from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, TypeError) as error:
        if named := re.search(r"GLOBAL (\S+)", str(error)):
            raise AnimePoseError(
                f"{checkpoint} holds more than tensors and plain values: {named[1]}, which may run code; not read.",
                TENSORS_ALONE,
            ) from error
        raise AnimePoseError(f"{checkpoint} is no checkpoint of tensors and plain values.", REMEDY) from error
    network = content.get("network") if isinstance(content, dict) else None
    if not isinstance(network, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in network.values()):
        raise AnimePoseError(f"{checkpoint} has no dictionary of tensors under `network`.", REMEDY)
    kept = {str(name): tensor for name, tensor in network.items() if not str(name).endswith("num_batches_tracked")}
    return {name.removeprefix("module."): tensor.float() for name, tensor in kept.items()}


def _pose_config(checkpoint: Path, final: torch.Tensor) -> pose_net.Config:
    joints, rest = divmod(len(final), DEPTH_BINS)
    if rest or not joints:
        raise AnimePoseError(f"{checkpoint} has {len(final)} heatmaps, no multiple of {DEPTH_BINS} depths.", REMEDY)
    return pose_net.Config(
        joints=joints, depth_bins=DEPTH_BINS, xy_centre=PIXEL_CENTRE, z_centre=0.0, white=WHITE
    )  # fmt: skip


def _renamed(checkpoint: Path, published: dict[str, torch.Tensor], names: dict[str, str]) -> dict[str, torch.Tensor]:
    tensors = {}
    for name, tensor in published.items():
        prefix = next((prefix for prefix in names if name.startswith(prefix)), None)
        if prefix is None:
            raise AnimePoseError(f"{checkpoint} has a tensor {name!r} that no such network has.", REMEDY)
        tensors[names[prefix] + name.removeprefix(prefix)] = tensor.contiguous()
    return tensors


def _check(checkpoint: Path, tensors: dict[str, torch.Tensor], kind: str, config: dict[str, Any]) -> None:
    with torch.device("meta"):
        expected = CONSTRUCTORS[kind](config).state_dict()
    shapes = {name: t.shape for name, t in expected.items() if not name.endswith("num_batches_tracked")}
    wrong = sorted(name for name in {*shapes, *tensors} if name not in tensors or name not in shapes)
    wrong += sorted(name for name in shapes if name in tensors and tensors[name].shape != shapes[name])
    if wrong:
        some = ", ".join(wrong[:NAMED]) + (f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else "")
        raise AnimePoseError(f"{checkpoint} does not fit a {kind} with ResNet-50: see {some}.", REMEDY)
