"""A tiny RF-DETR with masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from transformers import RfDetrConfig, RfDetrForInstanceSegmentation

from .detection import CLASSES, boxes_of, cell_loss, centres_of, pixels_of, query_loss
from .fitting import fit, prepare
from .labels import Labelled
from .saving import IMAGENET

NAME = "rf-detr-seg-medium"
SIZE = 288
"""Width and height of the input; pictures are stretched to it as for the published ones, between the nearest pixels
alone."""
PATCH = 12
PROCESSOR: dict[str, Any] = {
    "image_processor_type": "RfDetrImageProcessor",
    "do_resize": True,
    "size": {"height": SIZE, "width": SIZE},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "do_pad": False,
    **IMAGENET,
}


def make() -> RfDetrForInstanceSegmentation:
    """A random one."""
    torch.manual_seed(0)
    backbone = {
        "model_type": "rf_detr_dinov2", "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4,
        "image_size": SIZE, "patch_size": PATCH, "num_windows": 2, "out_features": ["stage2", "stage4"],
        "use_mask_token": False,
    }  # fmt: skip
    config = RfDetrConfig(
        backbone_config=backbone, d_model=64, decoder_layers=2, decoder_self_attention_heads=4,
        decoder_cross_attention_heads=4, decoder_ffn_dim=128, decoder_n_points=4, c2f_num_blocks=1, dropout=0.0,
        num_queries=10, group_detr=1, mask_downsample_ratio=3, intermediate_size=128, id2label=CLASSES,
        label2id={name: number for number, name in CLASSES.items()},
    )  # fmt: skip
    network = RfDetrForInstanceSegmentation(config)
    prepare(network)
    torch.nn.init.normal_(network.model.model.backbone.backbone.embeddings.position_embeddings, std=0.3)
    return network


def fitted(
    frames: list[Labelled],
    minutes: float,
    told: Callable[[str], None],
    batch: int = 4,
    start: RfDetrForInstanceSegmentation | None = None,
) -> RfDetrForInstanceSegmentation:
    """One that finds the people of these frames."""
    network = start or make()
    pixels = pixels_of(frames, SIZE, IMAGENET["image_mean"], IMAGENET["image_std"], smooth=False)
    people = [boxes_of(frame) for frame in frames]
    side = SIZE // network.config.mask_downsample_ratio
    masks = [_resized(frame.masks, side) for frame in frames]
    centres = centres_of(SIZE // PATCH)
    inner = network.model.model
    seen: dict[str, torch.Tensor] = {}

    # What all cells say is not among the outputs, which have only the best of them: take it where it is made.
    def keep_all(name: str) -> Callable[..., None]:
        def hook(module: torch.nn.Module, inputs: tuple, output: torch.Tensor) -> None:
            if output.shape[1] == len(centres):
                seen[name] = output

        return hook

    hooks = [
        inner.enc_out_class_embed[0].register_forward_hook(keep_all("logits")),
        inner.enc_out_bbox_embed[0].register_forward_hook(keep_all("deltas")),
    ]

    def loss_of(chosen: np.ndarray) -> torch.Tensor:
        wanted, wanted_masks = [people[i] for i in chosen], [masks[i] for i in chosen]
        output = network(pixels[chosen])
        # As `refine_bboxes` does, from proposals of 5 % of the picture around each cell.
        middle = centres + seen["deltas"][..., :2] * 0.05
        proposed = torch.cat([middle, seen["deltas"][..., 2:].exp() * 0.05], dim=-1)
        return cell_loss(seen["logits"], proposed, centres, wanted) + query_loss(
            output.logits, output.pred_boxes, wanted, output.pred_masks, wanted_masks
        )

    fit(network, len(frames), loss_of, minutes=minutes, batch=batch, rate=1e-3, told=told)
    for hook in hooks:
        hook.remove()
    return network


def _resized(masks: np.ndarray, side: int) -> torch.Tensor:
    """(n, side, side) 0 to 1 of (n, h, w) uint8."""
    values = torch.from_numpy(masks).float()[:, None] / 255
    return F.interpolate(values, size=(side, side), mode="area")[:, 0] if len(masks) else values[:, 0]
