"""Folders of the weight store with pose and depth networks of random weights: the real classes, a few megabytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import (
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    VitPoseConfig,
    VitPoseForPoseEstimation,
)

from animepose_blender.store.record import RECORD, ModelFile, ModelRecord, record_text

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
POSE_SIZE = (128, 96)
"""Height and width of the pose network's input; its heatmaps have a quarter of it."""
DEPTH_SIZE = 70
"""Height and width that pictures are brought near, a multiple of the patches' 14."""
EXPERTS = 3
MAX_DEPTH_M = {"indoor": 20, "outdoor": 80}


def save_tiny_vitpose(
    folder: Path,
    plus: bool = True,
    simple: bool = True,
    keypoints: int = 17,
    skeleton: str = "coco_17",
    dataset_index: int = 1,
    seed: int = 0,
) -> Path:
    """Make the folder of a ViTPose, or a ViTPose++ with `EXPERTS` experts, as the hub has it, and give it back."""
    torch.manual_seed(seed)
    backbone = {
        "model_type": "vitpose_backbone", "image_size": POSE_SIZE, "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "mlp_ratio": 2, "num_experts": EXPERTS if plus else 1, "part_features": 8,
        "out_indices": [2],
    }  # fmt: skip
    config = VitPoseConfig(
        backbone_config=backbone,
        use_simple_decoder=simple,
        id2label={k: str(k) for k in range(keypoints)},
        label2id={str(k): k for k in range(keypoints)},
    )
    network = _spread(VitPoseForPoseEstimation(config))
    processor = {
        "image_processor_type": "VitPoseImageProcessor", "do_affine_transform": True, "do_normalize": True,
        "do_rescale": True, "normalize_factor": 200.0, "rescale_factor": 1 / 255,
        "size": {"height": POSE_SIZE[0], "width": POSE_SIZE[1]}, **IMAGENET,
    }  # fmt: skip
    return _saved(
        folder, network, processor, "pose", "VitPoseForPoseEstimation", skeleton,
        {"dataset_index": dataset_index} if plus else {},
    )  # fmt: skip


def save_tiny_depth_anything(folder: Path, scene: str = "indoor", seed: int = 0) -> Path:
    """Make the folder of a Depth Anything as the hub has it, and give it back.

    Args:
        folder: to make.
        scene: indoor or outdoor (both metric), or relative.
        seed: of the weights.
    """
    torch.manual_seed(seed)
    backbone = {
        "model_type": "dinov2", "image_size": DEPTH_SIZE, "patch_size": 14, "hidden_size": 32, "num_hidden_layers": 4,
        "num_attention_heads": 2, "mlp_ratio": 2, "out_indices": [1, 2, 3, 4], "reshape_hidden_states": False,
        "apply_layernorm": True,
    }  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, patch_size=14, reassemble_hidden_size=32, neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=8, head_hidden_size=8, max_depth=MAX_DEPTH_M.get(scene, 1),
        depth_estimation_type="metric" if scene in MAX_DEPTH_M else "relative",
    )  # fmt: skip
    network = _spread(DepthAnythingForDepthEstimation(config))
    processor = {
        "image_processor_type": "DPTImageProcessor", "do_normalize": True, "do_pad": False, "do_rescale": True,
        "do_resize": True, "ensure_multiple_of": 14, "keep_aspect_ratio": True, "resample": 3,
        "rescale_factor": 1 / 255, "size": {"height": DEPTH_SIZE, "width": DEPTH_SIZE}, "size_divisor": None,
        **IMAGENET,
    }  # fmt: skip
    options = {"scene": scene, "max_depth_m": MAX_DEPTH_M[scene]} if scene in MAX_DEPTH_M else {}
    return _saved(folder, network, processor, "depth", "DepthAnythingForDepthEstimation", "", options)


def _spread(network: Any) -> Any:
    """Random weights so large that what the network says depends on the picture."""
    with torch.no_grad():
        for weight in network.parameters():
            if weight.dim() > 1:
                weight.normal_(std=1.5 / max(weight[0].numel(), 1) ** 0.5)
    return network.eval()


def _saved(
    folder: Path, network: Any, processor: dict[str, Any], role: str, architecture: str, skeleton: str,
    options: dict[str, Any],
) -> Path:  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    network.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    files = tuple(
        ModelFile(path.name, path.stat().st_size, "") for path in sorted(folder.iterdir()) if path.name != RECORD
    )
    record = ModelRecord(
        folder.name, f"Tiny {architecture}", role, architecture, files, "Apache-2.0", True, "random weights",
        skeleton, options=options,
    )  # fmt: skip
    (folder / RECORD).write_text(record_text(record), encoding="utf-8")
    return folder
