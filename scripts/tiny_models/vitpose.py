"""A tiny ViTPose++: crops by transformers' own processor, heatmaps as the published ones were trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from transformers import VitPoseConfig, VitPoseForPoseEstimation
from transformers.models.vitpose.image_processing_pil_vitpose import VitPoseImageProcessorPil, box_to_center_and_scale

from animepose_blender.skeleton import COCO_17

from .fitting import fit, prepare
from .labels import Labelled
from .saving import IMAGENET

NAME = "vitpose-plus-base"
SKELETON = "coco_17"
DATASET = 0
"""The expert that is fitted; the others stay random, so that a wrong one shows."""
OPTIONS = {"dataset_index": DATASET}
HEIGHT, WIDTH = 256, 192
_SHRINK = 4
"""A heatmap is this many times smaller than the crop."""
_SIGMA = 2.0
_LOUD = 30.0
"""Weight of the heatmap's peaks against the empty rest."""
PROCESSOR: dict[str, Any] = {
    "image_processor_type": "VitPoseImageProcessor",
    "do_affine_transform": True,
    "do_normalize": True,
    "do_rescale": True,
    "normalize_factor": 200.0,
    "rescale_factor": 1 / 255,
    "size": {"height": HEIGHT, "width": WIDTH},
    **IMAGENET,
}


def make() -> VitPoseForPoseEstimation:
    """A random one."""
    torch.manual_seed(0)
    backbone = {
        "model_type": "vitpose_backbone", "image_size": [HEIGHT, WIDTH], "patch_size": [16, 16], "hidden_size": 96,
        "num_hidden_layers": 6, "num_attention_heads": 6, "num_experts": 6, "part_features": 24,
        "out_features": ["stage6"],
    }  # fmt: skip
    names = dict(enumerate(COCO_17))
    config = VitPoseConfig(
        backbone_config=backbone, id2label=names, label2id={name: k for k, name in names.items()},
        use_simple_decoder=True, scale_factor=_SHRINK,
    )  # fmt: skip
    network = VitPoseForPoseEstimation(config)
    prepare(network)
    torch.nn.init.normal_(network.backbone.embeddings.position_embeddings, std=0.3)
    return network


def fitted(
    frames: list[Labelled],
    minutes: float,
    told: Callable[[str], None],
    crops: int = 4,
    batch: int = 8,
    start: VitPoseForPoseEstimation | None = None,
) -> VitPoseForPoseEstimation:
    """One that finds the joints of these people in their boxes, and in boxes that are `crops` - 1 times a little
    off."""
    network = start or make()
    pixels, maps = samples(frames, crops)
    told(f"{len(pixels)} crops")

    def loss_of(chosen: np.ndarray) -> torch.Tensor:
        wanted = maps[chosen].float()
        index = torch.full((len(chosen),), DATASET)
        found = network(pixels[chosen].float(), dataset_index=index).heatmaps
        return ((found - wanted) ** 2 * (1 + _LOUD * wanted)).mean() * 100

    fit(network, len(pixels), loss_of, minutes=minutes, batch=batch, rate=1e-3, told=told)
    return network


def samples(frames: list[Labelled], crops: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(S, 3, 256, 192) crops and (S, 17, 64, 48) heatmaps, both float16, of every person and `crops` boxes each."""
    processor = VitPoseImageProcessorPil(**{k: v for k, v in PROCESSOR.items() if k != "image_processor_type"})
    rng = np.random.default_rng(0)
    pixels, maps = [], []
    for frame in frames:
        boxes = [_off(box, rng) if again else box for box in frame.boxes_px for again in range(crops)]
        if not boxes:
            continue
        # The processor counts pixels from the middle of the first one, and wants corner and size.
        corner = [np.concatenate([box[:2] - 0.5, box[2:] - box[:2]]) for box in boxes]
        made = processor.preprocess(frame.rgb, [[list(map(float, box)) for box in corner]], return_tensors="np")
        pixels.append(np.asarray(made["pixel_values"], dtype=np.float16))
        for n, box in enumerate(corner):
            person = n // crops
            maps.append(heatmaps(frame.keypoints_px[person] - 0.5, frame.confidence[person], box))
    return torch.from_numpy(np.concatenate(pixels)), torch.from_numpy(np.stack(maps))


def _off(box: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A box as another detector might find it."""
    size = box[2:] - box[:2]
    corners = box.reshape(2, 2) + rng.normal(0, 0.06, (2, 2)) * size
    return np.concatenate([corners[0], np.maximum(corners[1], corners[0] + 0.3 * size)])


def heatmaps(points: np.ndarray, confidence: np.ndarray, box: np.ndarray) -> np.ndarray:
    """(17, 64, 48) float16 Gaussians as high as each point is sure, at the places of unbiased data processing.

    A crop spans the padded box from the middle of its first pixel to that of its last (Huang et al. 2020), and so does
    a heatmap.

    Args:
        points: (17, 2) pixels counted from the middle of the first one.
        confidence: (17,).
        box: (4,) corner and size, counted likewise.
    """
    height, width = HEIGHT // _SHRINK, WIDTH // _SHRINK
    centre, scale = box_to_center_and_scale(box, WIDTH, HEIGHT)
    extent = scale * 200.0
    at = (points - (centre - extent / 2)) / extent * (width - 1, height - 1)
    row, column = np.indices((height, width))
    away = (column - at[:, 0, None, None]) ** 2 + (row - at[:, 1, None, None]) ** 2
    return (np.nan_to_num(np.exp(-away / (2 * _SIGMA**2))) * confidence[:, None, None]).astype(np.float16)
