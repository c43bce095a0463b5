"""ViTPose++ with one of its experts.

Each layer of ViTPose++ ends in several small matrices, one for each data set that it learned from, and `transformers`
works out all of them to keep one (Xu et al., "ViTPose++: Vision Transformer for Generic Body Pose Estimation", 2023).
Since all people are looked at with the same one, it is joined with the part that all data sets share. The result is the
same; a third of a layer's work and of the weights is saved.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.models.vitpose_backbone.modeling_vitpose_backbone import VitPoseBackboneMLP

from ...errors import AnimePoseError


def keep_one_expert(network: torch.nn.Module, expert: Any, title: str) -> None:
    """Make a `VitPoseForPoseEstimation` use one expert for everything; nothing to do in one without experts.

    Raises:
        AnimePoseError: if it has no such expert.
    """
    backbone: Any = network.backbone
    count = int(backbone.config.num_experts)
    if count == 1:
        return
    if not isinstance(expert, int) or not 0 <= expert < count:
        raise AnimePoseError(
            f"{title} has experts 0 to {count - 1}; its record asks for dataset_index {expert!r}.",
            "Fetch the model again, or import it with a dataset_index that it has.",
        )
    for layer in backbone.encoder.layer:
        if layer.num_experts > 1:
            layer.mlp, layer.num_experts = _joined(layer.mlp, expert, backbone.config), 1


def _joined(layer: Any, expert: int, config: Any) -> VitPoseBackboneMLP:
    """A `VitPoseBackboneMoeMLP` as one without experts."""
    weight = torch.cat([layer.fc2.weight, layer.experts[expert].weight])
    bias = torch.cat([layer.fc2.bias, layer.experts[expert].bias])
    with torch.device("meta"):
        plain = VitPoseBackboneMLP(config)
    plain.fc1, plain.activation = layer.fc1, layer.act
    plain.fc2.weight = torch.nn.Parameter(weight, requires_grad=False)
    plain.fc2.bias = torch.nn.Parameter(bias, requires_grad=False)
    return plain.eval()
