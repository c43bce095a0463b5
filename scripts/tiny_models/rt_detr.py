"""A tiny RT-DETRv2: boxes only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from transformers import RTDetrV2Config, RTDetrV2ForObjectDetection

from .detection import CLASSES, boxes_of, cell_loss, centres_of, pixels_of, query_loss
from .fitting import fit, prepare
from .labels import Labelled

NAME = "rt-detr-v2-r18"
SIZE = 256
"""Width and height of the input; pictures are stretched to it."""
_STRIDES = (8, 16, 32)
PROCESSOR: dict[str, Any] = {
    "image_processor_type": "RTDetrImageProcessor",
    "do_resize": True,
    "size": {"height": SIZE, "width": SIZE},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": False,
    "do_pad": False,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}
"""The published ones scale to 0 to 1 and do not normalise."""


def make() -> RTDetrV2ForObjectDetection:
    """A random one."""
    torch.manual_seed(0)
    backbone = {
        "model_type": "rt_detr_resnet", "embedding_size": 16, "hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 1, 1],
        "layer_type": "basic", "out_indices": [2, 3, 4],
    }  # fmt: skip
    config = RTDetrV2Config(
        backbone_config=backbone, freeze_backbone_batch_norms=False, encoder_hidden_dim=64,
        encoder_in_channels=[32, 48, 64], encoder_ffn_dim=128, encoder_attention_heads=4, hidden_expansion=0.5,
        d_model=64, num_queries=10, decoder_in_channels=[64, 64, 64], decoder_ffn_dim=128, decoder_layers=2,
        decoder_attention_heads=4, num_denoising=0, id2label=CLASSES,
        label2id={name: number for number, name in CLASSES.items()},
    )  # fmt: skip
    network = RTDetrV2ForObjectDetection(config)
    prepare(network)
    return network


def fitted(
    frames: list[Labelled],
    minutes: float,
    told: Callable[[str], None],
    batch: int = 8,
    start: RTDetrV2ForObjectDetection | None = None,
) -> RTDetrV2ForObjectDetection:
    """One that finds the people of these frames."""
    network = start or make()
    pixels = pixels_of(frames, SIZE, [0.0] * 3, [1.0] * 3, smooth=True)
    people = [boxes_of(frame) for frame in frames]
    centres = torch.cat([centres_of(SIZE // stride) for stride in _STRIDES])

    def loss_of(chosen: np.ndarray) -> torch.Tensor:
        wanted = [people[i] for i in chosen]
        output = network(pixels[chosen])
        proposed = output.enc_outputs_coord_logits.sigmoid()
        loss = cell_loss(output.enc_outputs_class, proposed, centres, wanted)
        for layer in range(output.intermediate_logits.shape[1]):
            found = output.intermediate_logits[:, layer], output.intermediate_reference_points[:, layer]
            loss = loss + query_loss(*found, wanted)
        return loss

    fit(network, len(frames), loss_of, minutes=minutes, batch=min(batch, len(frames)), rate=2e-3, told=told)
    return network
