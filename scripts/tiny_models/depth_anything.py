"""A tiny Depth Anything V2, metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

from .fitting import fit, prepare
from .labels import Labelled
from .saving import IMAGENET

NAMES = {"indoor": "depth-anything-v2-metric-indoor-small", "outdoor": "depth-anything-v2-metric-outdoor-small"}
FURTHEST_M = {"indoor": 20, "outdoor": 80}
PATCH = 14
PROCESSOR: dict[str, Any] = {
    "image_processor_type": "DPTImageProcessor",
    "do_resize": True,
    "size": {"height": 126, "width": 126},
    "keep_aspect_ratio": True,
    "ensure_multiple_of": PATCH,
    "resample": 3,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "do_pad": False,
    "size_divisor": None,
    **IMAGENET,
}


def make(scene: str) -> DepthAnythingForDepthEstimation:
    """A random one for `indoor` or `outdoor`."""
    torch.manual_seed(0)
    backbone = {
        "model_type": "dinov2", "hidden_size": 48, "num_hidden_layers": 4, "num_attention_heads": 4,
        "image_size": 126, "patch_size": PATCH, "out_indices": [1, 2, 3, 4], "reshape_hidden_states": False,
        "use_mask_token": False,
    }  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, patch_size=PATCH, reassemble_hidden_size=48, neck_hidden_sizes=[16, 24, 32, 48],
        fusion_hidden_size=32, head_hidden_size=16, depth_estimation_type="metric", max_depth=FURTHEST_M[scene],
    )  # fmt: skip
    network = DepthAnythingForDepthEstimation(config)
    prepare(network)
    torch.nn.init.normal_(network.backbone.embeddings.position_embeddings, std=0.3)
    return network


def fitted(
    frames: list[Labelled],
    minutes: float,
    told: Callable[[str], None],
    scene: str,
    batch: int = 4,
    start: DepthAnythingForDepthEstimation | None = None,
) -> DepthAnythingForDepthEstimation:
    """One that gives about the depth of these frames."""
    network = start or make(scene)
    processor = DPTImageProcessorPil(**{k: v for k, v in PROCESSOR.items() if k != "image_processor_type"})
    made = [processor(frame.rgb, return_tensors="pt")["pixel_values"] for frame in frames]
    pixels = torch.cat(made)
    furthest = float(FURTHEST_M[scene])
    wanted = torch.cat([_resized(frame.depth_m, pixels.shape[-2:], furthest) for frame in frames])
    people = torch.cat([_resized(_anybody(frame), pixels.shape[-2:], 1.0) for frame in frames])

    def loss_of(chosen: np.ndarray) -> torch.Tensor:
        found = network(pixels[chosen]).predicted_depth
        # What counts is the depth of people: relative, and theirs ten times.
        weight = (1 + 10 * people[chosen]) / wanted[chosen]
        return ((found - wanted[chosen]).abs() * weight).mean()

    fit(network, len(frames), loss_of, minutes=minutes, batch=batch, rate=2e-3, told=told)
    return network


def _anybody(frame: Labelled) -> np.ndarray:
    """(h, w) float32 0 to 1: where people are."""
    empty = np.zeros((1, *frame.depth_m.shape), dtype=np.uint8)
    return np.concatenate([frame.masks, empty]).max(axis=0).astype(np.float32) / 255


def _resized(values: np.ndarray, shape: torch.Size, most: float) -> torch.Tensor:
    """(1, H, W) of (h, w), none above `most`."""
    return F.interpolate(torch.from_numpy(values)[None, None], size=tuple(shape), mode="area")[:, 0].clamp(max=most)
