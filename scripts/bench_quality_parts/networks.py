"""The networks of the preset quality at their published sizes, with random weights: speed does not depend on these.

Sizes come from the configurations of `transformers`' classes and from what their publishers state; the number of
parameters is compared with the published one, so that a wrong size would be seen. RF-DETR Seg Medium: `rfdetr`'s own
RFDETRSegMediumConfig. ViTPose++ base: six experts with 192 features each, as its conversion script has them (assumed).
Depth Anything V2 small: its README and the hub's documentation. The others are their classes' defaults.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from animepose_blender.store.record import RECORD, ModelFile, ModelRecord, record_text

LIBRARY: Any = transformers
"""Its configurations take more than their types say."""
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
COCO_91 = {number: f"class {number}" for number in range(91)} | {1: "person"}
COCO_80 = {number: f"class {number}" for number in range(80)} | {0: "person"}


@dataclass(frozen=True)
class Network:
    """A network that can be made."""

    id: str
    role: str
    architecture: str
    make: Callable[[], Any]
    """Makes it, on the CPU."""
    processor: dict[str, Any]
    """preprocessor_config.json."""
    published_millions: float
    """Parameters, as its publisher says."""
    skeleton: str = ""
    options: dict[str, Any] | None = None


def _rf_detr() -> Any:
    backbone = LIBRARY.RfDetrDinov2Config(
        hidden_size=384, num_attention_heads=6, image_size=432, patch_size=12, num_windows=2, out_indices=[3, 6, 9, 12]
    )
    labels = {"id2label": COCO_91, "label2id": {name: number for number, name in COCO_91.items()}}
    return LIBRARY.RfDetrForInstanceSegmentation(
        LIBRARY.RfDetrConfig(backbone_config=backbone, decoder_layers=5, decoder_n_points=2, num_queries=200, **labels)
    )


def _rt_detr() -> Any:
    labels = {"id2label": COCO_80, "label2id": {name: number for number, name in COCO_80.items()}}
    return LIBRARY.RTDetrV2ForObjectDetection(LIBRARY.RTDetrV2Config(**labels))


def _vitpose() -> Any:
    backbone = LIBRARY.VitPoseBackboneConfig(num_experts=6, part_features=192, out_indices=[12])
    return LIBRARY.VitPoseForPoseEstimation(
        LIBRARY.VitPoseConfig(backbone_config=backbone, num_labels=17, use_simple_decoder=False)
    )


def _depth(max_depth: int = 20) -> Any:
    backbone = LIBRARY.Dinov2Config(
        hidden_size=384, num_attention_heads=6, image_size=518, patch_size=14, out_indices=[3, 6, 9, 12],
        reshape_hidden_states=False,
    )  # fmt: skip
    return LIBRARY.DepthAnythingForDepthEstimation(
        LIBRARY.DepthAnythingConfig(backbone_config=backbone, depth_estimation_type="metric", max_depth=max_depth)
    )


def _sam2() -> Any:
    return LIBRARY.Sam2VideoModel(LIBRARY.Sam2VideoConfig())


_DEPTH_LOOK = {
    "size": {"height": 518, "width": 518}, "keep_aspect_ratio": True, "ensure_multiple_of": 14, "resample": 3,
    "do_resize": True, "do_rescale": True, "do_normalize": True, "rescale_factor": 1 / 255, **IMAGENET,
}  # fmt: skip
NETWORKS = (
    Network("rf-detr-seg-medium", "detector", "RfDetrForInstanceSegmentation", _rf_detr,
            {"size": {"height": 432, "width": 432}, "do_resize": True, "do_normalize": True, **IMAGENET}, 35.7),
    Network("vitpose-plus-base", "pose", "VitPoseForPoseEstimation", _vitpose,
            {"size": {"height": 256, "width": 192}, **IMAGENET}, 125.0, "coco_17", {"dataset_index": 0}),
    Network("depth-anything-v2-metric-indoor-small", "depth", "DepthAnythingForDepthEstimation", _depth,
            _DEPTH_LOOK, 24.8, "", {"scene": "indoor"}),
    Network("depth-anything-v2-metric-outdoor-small", "depth", "DepthAnythingForDepthEstimation", lambda: _depth(80),
            _DEPTH_LOOK, 24.8, "", {"scene": "outdoor"}),
    Network("rt-detr-v2-r50", "detector", "RTDetrV2ForObjectDetection", _rt_detr,
            {"size": {"height": 640, "width": 640}, "do_normalize": False}, 42.0),
    Network("sam-2.1-hiera-tiny", "masks", "Sam2VideoModel", _sam2,
            {"size": {"height": 1024, "width": 1024}, **IMAGENET}, 38.9),
)  # fmt: skip


def put_into_store(network: Network, store: Path) -> int:
    """Make a network, save it in the hub's format with a record, and give its number of parameters.

    Nothing is done if it is there already.
    """
    folder = store / network.id
    if not (folder / RECORD).is_file():
        torch.manual_seed(0)
        made = network.make().eval()
        made.save_pretrained(folder)
        (folder / "preprocessor_config.json").write_text(json.dumps(network.processor), encoding="utf-8")
        files = tuple(ModelFile(path.name, path.stat().st_size, "") for path in sorted(folder.iterdir()))
        record = ModelRecord(
            network.id, network.id, network.role, network.architecture, files, "none", True, "random weights",
            network.skeleton, options=network.options or {},
        )  # fmt: skip
        (folder / RECORD).write_text(record_text(record), encoding="utf-8")
    return parameters(folder)


def parameters(folder: Path) -> int:
    """How many numbers the weights in a folder are."""
    from math import prod

    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", framework="np") as file:
        return sum(prod(file.get_slice(name).get_shape()) for name in file.keys())
