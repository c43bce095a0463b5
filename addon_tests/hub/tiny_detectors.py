"""Folders of the weight store with detectors of random weights: the real classes, some hundred thousand numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import (
    DFineConfig,
    DFineForObjectDetection,
    RfDetrConfig,
    RfDetrDinov2Config,
    RfDetrForInstanceSegmentation,
    RfDetrForObjectDetection,
    RTDetrConfig,
    RTDetrForObjectDetection,
    RTDetrResNetConfig,
    RTDetrV2Config,
    RTDetrV2ForObjectDetection,
)
from transformers.models.hgnet_v2 import HGNetV2Config

from animepose_blender.store.record import RECORD, ModelFile, ModelRecord, record_text

SIZE = 64
"""Side of the square that they look at; masks have a quarter of it."""
QUERIES = 20
COCO_80 = {0: "person", 1: "bicycle", 2: "car", 3: "motorbike", 4: "aeroplane", 5: "bus"}
"""How RT-DETR's published configurations begin."""
COCO_91 = {0: "N/A", 1: "person", 2: "bicycle", 3: "car", 4: "motorcycle", 5: "airplane"}
"""How RF-DETR's does."""
_MEAN, _STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def save_tiny_rt_detr(folder: Path, seed: int = 0, labels: Mapping[int, str] = COCO_80, **processor: Any) -> Path:
    """Make the folder of an RT-DETRv2, as the hub's files with a record, and give it back."""
    return _save_rt_detr(folder, RTDetrV2ForObjectDetection(_seeded(seed, _rt_detr_config(RTDetrV2Config, labels))),
                         **processor)  # fmt: skip


def save_tiny_rt_detr_v1(folder: Path, seed: int = 0, labels: Mapping[int, str] = COCO_80, **processor: Any) -> Path:
    """The same of the first RT-DETR."""
    return _save_rt_detr(folder, RTDetrForObjectDetection(_seeded(seed, _rt_detr_config(RTDetrConfig, labels))),
                         **processor)  # fmt: skip


def save_tiny_d_fine(folder: Path, seed: int = 0, labels: Mapping[int, str] = COCO_80, **processor: Any) -> Path:
    """The same of a D-FINE."""
    backbone = _config(
        HGNetV2Config, num_channels=3, stem_channels=[3, 8, 8],
        stage_in_channels=[8, 16, 24, 32], stage_mid_channels=[8, 8, 8, 8],
        stage_out_channels=[16, 24, 32, 32], stage_num_blocks=[1, 1, 1, 1], stage_downsample=[False, True, True, True],
        stage_light_block=[False, False, False, False], stage_kernel_size=[3, 3, 3, 3],
        stage_numb_of_layers=[1, 1, 1, 1], embedding_size=8, hidden_sizes=[16, 24, 32, 32], depths=[1, 1, 1, 1],
        out_features=["stage2", "stage3", "stage4"], return_idx=[1, 2, 3],
    )  # fmt: skip
    config = _rt_detr_config(
        DFineConfig, labels, backbone, encoder_in_channels=[24, 32, 32], decoder_n_points=[2, 2, 2], max_num_bins=8
    )
    return _save_rt_detr(folder, DFineForObjectDetection(_seeded(seed, config)), **processor)


def save_tiny_rf_detr_seg(folder: Path, seed: int = 0, labels: Mapping[int, str] = COCO_91, **processor: Any) -> Path:
    """Make the folder of an RF-DETR with masks, as the hub's files with a record, and give it back."""
    return _save_rf_detr(folder, RfDetrForInstanceSegmentation(_seeded(seed, _rf_detr_config(labels))), **processor)


def save_tiny_rf_detr(folder: Path, seed: int = 0, labels: Mapping[int, str] = COCO_91, **processor: Any) -> Path:
    """The same of one without masks."""
    return _save_rf_detr(folder, RfDetrForObjectDetection(_seeded(seed, _rf_detr_config(labels))), **processor)


def _rt_detr_config(kind: Any, labels: Mapping[int, str], backbone: Any = None, **more: Any) -> Any:
    backbone = backbone or _config(
        RTDetrResNetConfig, embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    settings = {
        "encoder_hidden_dim": 32, "encoder_in_channels": [16, 24, 32], "encoder_ffn_dim": 32,
        "encoder_attention_heads": 2, "d_model": 32, "num_queries": QUERIES, "decoder_in_channels": [32, 32, 32],
        "decoder_ffn_dim": 32, "decoder_layers": 2, "decoder_attention_heads": 2, "decoder_n_points": 2,
    }  # fmt: skip
    return kind(backbone_config=backbone, id2label=dict(labels), **(settings | more))


def _rf_detr_config(labels: Mapping[int, str]) -> RfDetrConfig:
    backbone = _config(
        RfDetrDinov2Config, hidden_size=32, num_hidden_layers=3, num_attention_heads=2, mlp_ratio=2, image_size=SIZE,
        patch_size=8, num_windows=2, out_features=["stage1", "stage3"],
    )  # fmt: skip
    return RfDetrConfig(
        backbone_config=backbone, d_model=32, c2f_num_blocks=1, decoder_ffn_dim=32, decoder_layers=2,
        decoder_n_points=2, decoder_self_attention_heads=2, decoder_cross_attention_heads=4, num_queries=QUERIES,
        group_detr=2, intermediate_size=32, id2label=dict(labels),
    )  # fmt: skip


def _config(kind: Any, **settings: Any) -> Any:
    return kind(**settings)


def _seeded(seed: int, config: Any) -> Any:
    torch.manual_seed(seed)
    return config


def _save_rt_detr(folder: Path, network: Any, **processor: Any) -> Path:
    return _save(folder, network, "Tiny RT-DETR", {
        "image_processor_type": "RTDetrImageProcessor", "do_resize": True, "size": {"height": SIZE, "width": SIZE},
        "resample": 2, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": False, "image_mean": _MEAN,
        "image_std": _STD, "do_pad": False, **processor,
    })  # fmt: skip


def _save_rf_detr(folder: Path, network: Any, **processor: Any) -> Path:
    return _save(folder, network, "Tiny RF-DETR", {
        "image_processor_type": "RfDetrImageProcessor", "do_resize": True, "size": {"height": SIZE, "width": SIZE},
        "resample": 2, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": _MEAN,
        "image_std": _STD, "do_pad": True, **processor,
    })  # fmt: skip


def _save(folder: Path, network: Any, title: str, processor: dict[str, Any]) -> Path:
    """All files, with weights that make more of a picture than those that the library starts with, by which every
    query sees the same thing in every picture."""
    person = next((number for number, label in network.config.id2label.items() if label == "person"), 0)
    with torch.no_grad():
        for name, value in network.named_parameters():
            if value.dim() > 1:
                value.normal_(std=1.4 / value[0].numel() ** 0.5)
            elif name.endswith("weight"):
                value.fill_(1.0)  # of norms
            elif "class_embed" in name or "score_head" in name:
                value.fill_(-3.0)
                value[person] = 0.0
            elif value.shape == (4,) and "bbox" in name:  # taller than wide, and large enough to see
                value.copy_(torch.tensor([0.0, 0.0, 0.4, 0.8]))
            if value.dim() == 2 and len(value) == 4:
                value.mul_(0.2)
    network.eval().save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    kind = type(network).__name__
    files = tuple(ModelFile(path.name, path.stat().st_size, "") for path in sorted(folder.iterdir()))
    record = ModelRecord(folder.name, title, "detector", kind, files, "Apache-2.0", True, "random")
    (folder / RECORD).write_text(record_text(record), encoding="utf-8")
    return folder
