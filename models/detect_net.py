"""DetectNet: boxes and masks of the people in a picture, in a single stage.

References: Moon et al., "Camera Distance-aware Top-down Approach for 3D Multi-person Pose Estimation" (2019), section
4, where DetectNet is a Mask R-CNN; this smaller one, of our own design, takes its place. Lin et al., "Feature Pyramid
Networks" (2017); Tian et al., "FCOS" (2019) for one prediction per location, without anchors; Ge et al., "YOLOX" (2021)
for the form of boxes; Li et al., "Generalized Focal Loss" (2020) for a score that says how well the box fits; Bolya et
al., "YOLACT" (2019) for masks, chosen because one matrix product makes all of them and nothing depends on their number:

    centre = location + stride (dx, dy),  size = stride exp(w, h),  mask_i = σ(Σ_k coefficient_ik prototype_k)

with masks cut to their boxes. Which location stands for whom, and the losses, are in `detect_targets`. Boxes are
pixels x0, y0, x1, y1, pixel centres at +0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .backbones import STEP, backbone, padded

NETWORK = "detect_net"
"""Its name in the metadata of its weights."""
STRIDES = (8, 16, 32)
MASK_STRIDE = 4


@dataclass(frozen=True)
class Config:
    """Sizes; the default backbone is the paper's."""

    backbone: str = "resnet50"
    input_px: int = 384
    """Longer side of the pictures that the weights were trained with; others run, too."""
    width: int = 96
    tower: int = 2
    """Convolutions before the score and before the box."""
    prototypes: int = 24


SMALL = Config(backbone="small")
"""What is shipped."""


@dataclass(frozen=True, eq=False)
class Outputs:
    """What the network says of B pictures, at L locations: rows of the levels of `STRIDES`, one after another."""

    score: torch.Tensor
    """(B, L) logits."""
    box: torch.Tensor
    """(B, L, 4) dx, dy, w, h of the module's equation."""
    coefficients: torch.Tensor
    """(B, L, P)."""
    prototypes: torch.Tensor
    """(B, P, h, w) at 1/`MASK_STRIDE` of the padded picture."""
    places: torch.Tensor
    """(L, 3) x, y of each location in pixels, and its stride."""

    @property
    def boxes_px(self) -> torch.Tensor:
        """(B, L, 4) x0, y0, x1, y1."""
        return decode_boxes(self.box, self.places)


@dataclass(frozen=True, eq=False)
class Found:
    """The people of one picture, best first; the fields are those of `PeopleFound`, as tensors."""

    box_px: torch.Tensor
    """(n, 4) x0, y0, x1, y1, clipped to the picture."""
    score: torch.Tensor
    """(n,) 0 to 1."""
    masks: torch.Tensor
    """(n, h, w) uint8, 0 to 255, spanning the picture at about 1/`MASK_STRIDE` of its size."""


class DetectNet(nn.Module):
    """See the module.

    Args:
        encoder: gives a list of features at strides 4, 8, 16 and 32, whose counts of channels are its `channels`.
        config: sizes.
    """

    def __init__(self, encoder: Any, config: Config | None = None) -> None:
        super().__init__()
        c = self.config = config or Config()
        self.encoder = encoder
        self.sides = nn.ModuleList(nn.Conv2d(n, c.width, 1) for n in encoder.channels)
        self.smooth = nn.ModuleList(_conv(c.width) for _ in encoder.channels)
        self.score_tower = nn.Sequential(*(_conv(c.width) for _ in range(c.tower)))
        self.box_tower = nn.Sequential(*(_conv(c.width) for _ in range(c.tower)))
        self.score = nn.Conv2d(c.width, 1, 3, padding=1)
        self.box = nn.Conv2d(c.width, 4, 3, padding=1)
        self.coefficients = nn.Conv2d(c.width, c.prototypes, 3, padding=1)
        self.prototypes = nn.Sequential(_conv(c.width), nn.Conv2d(c.width, c.prototypes, 1))
        # At first nearly every location says "nobody", as in the focal loss's paper: else those drown the people.
        nn.init.constant_(self.score.bias, -math.log(99.0))  # pyright: ignore[reportArgumentType]

    def forward(self, pictures: torch.Tensor) -> Outputs:
        """Outputs for (B, 3, H, W) RGB pictures as the encoder asks, of any size."""
        pictures = padded(pictures)
        levels = [side(x) for side, x in zip(self.sides, self.encoder(pictures))]
        for i in range(len(levels) - 2, -1, -1):
            levels[i] = levels[i] + functional.interpolate(levels[i + 1], scale_factor=2, mode="nearest")
        at4, *levels = [smooth(x) for smooth, x in zip(self.smooth, levels)]
        scores, boxes, coefficients = [], [], []
        for x in levels:
            box = self.box_tower(x)
            scores.append(self.score(self.score_tower(x)))
            boxes.append(self.box(box))
            coefficients.append(self.coefficients(box).tanh())
        return Outputs(
            _rows(scores)[..., 0],
            _rows(boxes),
            _rows(coefficients),
            self.prototypes(at4),
            places(pictures.shape[-2], pictures.shape[-1], pictures.device),
        )


def from_config(config: dict[str, Any]) -> DetectNet:
    """A DetectNet of the sizes that a file of weights states.

    Raises:
        TypeError, ValueError: if they are no sizes of a DetectNet.
    """
    c = Config(**config)
    return DetectNet(backbone(c.backbone), c)


def places(height: int, width: int, device: torch.device | None = None) -> torch.Tensor:
    """(L, 3) x, y and stride of every location of a picture, in pixels; sizes are padded up to `STEP`."""
    rows = []
    for stride in STRIDES:
        down, across = (math.ceil(n / STEP) * STEP // stride for n in (height, width))
        y, x = torch.meshgrid(
            (torch.arange(down, device=device) + 0.5) * stride,
            (torch.arange(across, device=device) + 0.5) * stride,
            indexing="ij",
        )
        rows.append(torch.stack([x, y, torch.full_like(x, stride)], -1).reshape(-1, 3))
    return torch.cat(rows)


def decode_boxes(box: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """(..., L, 4) x0, y0, x1, y1 in pixels from (..., L, 4) dx, dy, w, h at the (L, 3) places."""
    stride = at[:, 2:]
    centre = at[:, :2] + box[..., :2].float() * stride
    # exp(7) strides are wider than any picture.
    half = 0.5 * stride * box[..., 2:].float().clamp(-7, 7).exp()
    return torch.cat([centre - half, centre + half], -1)


def encode_boxes(boxes_px: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """The inverse of `decode_boxes`: (L, 4) from one box in pixels for each of the (L, 3) places."""
    stride = at[:, 2:]
    centre = (boxes_px[:, :2] + boxes_px[:, 2:]) / 2
    return torch.cat([(centre - at[:, :2]) / stride, ((boxes_px[:, 2:] - boxes_px[:, :2]) / stride).log()], -1)


@torch.no_grad()
def people(
    outputs: Outputs,
    height: int,
    width: int,
    least_score: float = 0.05,
    overlap: float = 0.6,
    candidates: int = 300,
    most: int = 100,
) -> list[Found]:
    """The people of each picture.

    Args:
        outputs: of the network, for pictures of this size.
        height: of the pictures before padding, pixels.
        width: likewise.
        least_score: below it nobody is reported, 0 to 1.
        overlap: of two boxes with a greater intersection over union the worse is dropped.
        candidates: this many locations of a picture, the best, are looked at.
        most: people in a picture at most.
    """
    size = outputs.score.new_tensor([width, height, width, height], dtype=torch.float32)
    found = []
    for i, boxes in enumerate(outputs.boxes_px):
        score, at = outputs.score[i].float().sigmoid().topk(min(candidates, outputs.score.shape[1]))
        at = at[score >= least_score]
        score = score[: len(at)]
        box = torch.minimum(boxes[at].clamp_min(0), size)
        kept = suppress(box, overlap)[:most]
        box = box[kept]
        logits = torch.einsum("np,phw->nhw", outputs.coefficients[i, at[kept]].float(), outputs.prototypes[i].float())
        found.append(Found(box, score[kept], _masks(logits, box, height, width)))
    return found


def suppress(boxes_px: torch.Tensor, overlap: float) -> torch.Tensor:
    """Greedy suppression: which of (n, 4) boxes, best first, stay, (m,) indices in order.

    A box stays unless a better one that stays overlaps it too much. That rule is applied to all at once until nothing
    changes, which is when the greedy choice is reached (Zheng et al., "Cluster-NMS", 2020).
    """
    above = (box_iou(boxes_px, boxes_px) > overlap).triu(1)
    stays = torch.ones(len(boxes_px), dtype=torch.bool, device=boxes_px.device)
    for _ in range(len(boxes_px)):
        again = ~(above & stays[:, None]).any(0)
        if torch.equal(again, stays):
            break
        stays = again
    return stays.nonzero()[:, 0]


def box_iou(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """(n, m) intersection over union of (n, 4) and (m, 4) boxes."""
    low = torch.maximum(first[:, None, :2], second[:, :2])
    high = torch.minimum(first[:, None, 2:], second[:, 2:])
    shared = (high - low).clamp_min(0).prod(-1)
    areas = [(b[:, 2:] - b[:, :2]).clamp_min(0).prod(-1) for b in (first, second)]
    return shared / (areas[0][:, None] + areas[1] - shared).clamp_min(1e-9)


def inside(boxes_px: torch.Tensor, rows: int, columns: int, step_y: float, step_x: float) -> torch.Tensor:
    """(n, rows, columns) bool: which cells of a grid of such steps in pixels touch each of (n, 4) boxes."""
    x = (torch.arange(columns, device=boxes_px.device) + 0.5) * step_x
    y = (torch.arange(rows, device=boxes_px.device) + 0.5) * step_y
    x0, y0, x1, y1 = boxes_px[:, :, None].unbind(1)
    across = (x > x0 - step_x / 2) & (x < x1 + step_x / 2)
    down = (y > y0 - step_y / 2) & (y < y1 + step_y / 2)
    return down[:, :, None] & across[:, None, :]


def _masks(logits: torch.Tensor, boxes_px: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """(n, h, w) uint8 over the picture alone, from (n, h', w') logits over the padded picture."""
    rows, columns = math.ceil(height / MASK_STRIDE), math.ceil(width / MASK_STRIDE)
    step_y, step_x = height / rows, width / columns
    y = (torch.arange(rows, device=logits.device) + 0.5) * step_y
    x = (torch.arange(columns, device=logits.device) + 0.5) * step_x
    y = 2 * y / (logits.shape[1] * MASK_STRIDE) - 1
    x = 2 * x / (logits.shape[2] * MASK_STRIDE) - 1
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)[None]
    # Probabilities are sampled, not logits: these would let a sure cell outweigh a border's half-covered one.
    sampled = functional.grid_sample(logits.sigmoid()[None], grid, padding_mode="border", align_corners=False)[0]
    masks = sampled * inside(boxes_px, rows, columns, step_y, step_x)
    return (masks * 255).round().to(torch.uint8)


def _conv(width: int) -> nn.Sequential:
    # Groups rather than batches: the heads are shared by levels of different statistics.
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1, bias=False), nn.GroupNorm(8, width), nn.ReLU(inplace=True)
    )


def _rows(levels: list[torch.Tensor]) -> torch.Tensor:
    """(B, L, C) from (B, C, h, w) of each level."""
    return torch.cat([x.flatten(2).transpose(1, 2) for x in levels], 1)
