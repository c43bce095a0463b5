"""A folder of the weight store with a SAM 2 of random weights: the real classes, some hundred thousand numbers."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import Sam2VideoConfig, Sam2VideoModel

from animepose_blender.store.record import RECORD, ModelFile, ModelRecord, record_text

SIZE = 128
"""Side of the square that it looks at; its masks have a quarter of it."""
_WIDTH = 128
"""More than the 64 of a memory, which the library needs."""
_STRIDE = 16


def save_tiny_sam2(folder: Path, seed: int = 0) -> Path:
    """Make the folder, as the hub's files with a record, and give it back."""
    torch.manual_seed(seed)
    with torch.no_grad():
        network = Sam2VideoModel(_config())
        # The library starts these at 0, which would hide whether they are used, and from weights so small that every
        # mask comes out empty.
        for name, value in network.named_parameters():
            if value.dim() > 1:
                value.normal_(std=0.15)
            elif "memory" in name or "no_object" in name or "occlusion" in name:
                value.normal_(std=0.5)
        # The code of places is one, kept twice.
        places = network.shared_image_embedding.positional_embedding
        network.prompt_encoder.shared_embedding.positional_embedding.copy_(places)
        # Somebody is always there: people hidden from sight are not what these tests are about.
        network.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(20.0)
    network.save_pretrained(folder)
    processor = {
        "image_processor_type": "Sam2ImageProcessorFast", "do_resize": True, "do_rescale": True, "do_normalize": True,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "rescale_factor": 1 / 255,
        "resample": 2, "size": {"height": SIZE, "width": SIZE},
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    files = tuple(ModelFile(path.name, path.stat().st_size, "") for path in sorted(folder.iterdir()))
    record = ModelRecord("tiny-sam2", "Tiny SAM 2", "masks", "Sam2VideoModel", files, "Apache-2.0", True, "random")
    (folder / RECORD).write_text(record_text(record), encoding="utf-8")
    return folder


def _config() -> Sam2VideoConfig:
    side = SIZE // _STRIDE
    backbone = {
        "model_type": "sam2_hiera_det_model", "image_size": [SIZE, SIZE], "hidden_size": 16, "num_attention_heads": 1,
        "blocks_per_stage": [1, 1, 2, 1], "embed_dim_per_stage": [16, 32, 64, 128],
        "num_attention_heads_per_stage": [1, 1, 2, 2], "window_size_per_stage": [4, 4, 4, 4],
        "global_attention_blocks": [3],
    }  # fmt: skip
    vision = {
        "model_type": "sam2_vision_model", "backbone_config": backbone, "backbone_channel_list": [128, 64, 32, 16],
        "backbone_feature_sizes": [[side * 4] * 2, [side * 2] * 2, [side] * 2], "fpn_hidden_size": _WIDTH,
    }  # fmt: skip
    return Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": _WIDTH, "image_size": SIZE, "patch_size": _STRIDE},
        mask_decoder_config={
            "hidden_size": _WIDTH, "mlp_dim": 64, "num_attention_heads": 2, "iou_head_hidden_dim": 32,
        },
        image_size=SIZE, memory_attention_hidden_size=_WIDTH, memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=64, memory_attention_rope_feat_sizes=[side, side],
        memory_encoder_hidden_size=_WIDTH, mask_downsampler_embed_dim=_WIDTH, memory_fuser_embed_dim=_WIDTH,
        memory_fuser_intermediate_dim=64, memory_fuser_num_layers=1, memory_fuser_layer_scale_init_value=0.5,
    )  # fmt: skip
