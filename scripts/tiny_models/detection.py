"""Losses of the detectors: where the cells of the picture see people, and what the queries make of it.

Training as published takes days because queries and people must find each other. Here every cell of the encoder near
the middle of a person is told its box at once, and the queries, which start from the best cells, only have to choose.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from PIL import Image
from scipy.optimize import linear_sum_assignment
from torch.nn import functional as F
from transformers.loss.loss_for_object_detection import generalized_box_iou

from .labels import Labelled

CLASSES = {0: "N/A", 1: "person", 2: "bicycle"}
"""As COCO's 91 classes begin; a person is not the first one."""
PERSON = 1
_NEAR = 0.3
"""Cells this far from the middle of a box, as a share of its half, are its own."""
_FOCUS = 2.0
_SURE = 0.25
"""Weight of a person against nobody in the focal loss (Lin et al. 2017)."""
_BOX, _OVERLAP = 5.0, 2.0


def centres_of(cells: int) -> torch.Tensor:
    """(cells², 2) middles of the cells of a square grid over the picture, row by row, as shares of its sides."""
    row, column = torch.meshgrid(torch.arange(cells), torch.arange(cells), indexing="ij")
    return (torch.stack([column, row], dim=-1).reshape(-1, 2) + 0.5) / cells


def boxes_of(frame: Labelled) -> torch.Tensor:
    """(n, 4) float32 centre and size of each box, as shares of the picture."""
    size = np.array([frame.rgb.shape[1], frame.rgb.shape[0]] * 2, dtype=np.float64)
    x0, y0, x1, y1 = (frame.boxes_px / size).T
    return torch.tensor(np.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], axis=-1), dtype=torch.float32)


def pixels_of(frames: list[Labelled], side: int, mean: list[float], std: list[float], smooth: bool) -> torch.Tensor:
    """(B, 3, side, side) float32: whole pictures, stretched and normalised.

    Args:
        frames: with the pictures.
        side: width and height of the input.
        mean, std: of the network's values, which begin as 0 to 1.
        smooth: whether to shrink as Pillow does, or to interpolate between the nearest pixels alone.
    """
    if smooth:
        small = [Image.fromarray(f.rgb).resize((side, side), Image.Resampling.BILINEAR) for f in frames]
    else:
        small = [cv2.resize(f.rgb, (side, side), interpolation=cv2.INTER_LINEAR) for f in frames]
    values = torch.from_numpy(np.stack([np.asarray(picture) for picture in small])).float() / 255
    return ((values - torch.tensor(mean)) / torch.tensor(std)).permute(0, 3, 1, 2).contiguous()


def focal(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Sum of the sigmoid focal loss; both (...,)."""
    loss = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    right = logits.sigmoid() * wanted + (1 - logits.sigmoid()) * (1 - wanted)
    return (loss * (1 - right) ** _FOCUS * (_SURE * wanted + (1 - _SURE) * (1 - wanted))).sum()


def corners_of(boxes: torch.Tensor) -> torch.Tensor:
    """(..., 4) x0, y0, x1, y1 of centre and size."""
    half = boxes[..., 2:] / 2
    return torch.cat([boxes[..., :2] - half, boxes[..., :2] + half], dim=-1)


def box_loss(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Sum over (n, 4) boxes, centre and size: L1 and generalised overlap (Rezatofighi et al. 2019)."""
    overlap = generalized_box_iou(corners_of(found), corners_of(wanted)).diagonal()
    return _BOX * (found - wanted).abs().sum() + _OVERLAP * (1 - overlap).sum()


def cell_loss(
    logits: torch.Tensor, boxes: torch.Tensor, centres: torch.Tensor, people: list[torch.Tensor]
) -> torch.Tensor:
    """Loss of the encoder's cells.

    Args:
        logits: (B, N, C); boxes: (B, N, 4) that each cell proposes.
        centres: (N, 2) where the cells lie, as shares of the picture.
        people: for each picture (n, 4).
    """
    wanted, total, count = torch.zeros_like(logits), logits.new_zeros(()), 0
    for b, target in enumerate(people):
        if not len(target):
            continue
        away = ((centres[:, None] - target[None, :, :2]).abs() / (target[None, :, 2:] / 2)).amax(dim=-1)
        owner = away.argmin(dim=1)
        own = away.amin(dim=1) < _NEAR
        own[away.argmin(dim=0)] = True  # also of the smallest person one cell
        wanted[b, own, PERSON] = 1.0
        total = total + box_loss(boxes[b, own], target[owner[own]])
        count += int(own.sum())
    return (focal(logits, wanted) + total) / max(count, 1)


def match(logits: torch.Tensor, boxes: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Which queries of one picture, (Q, C) and (Q, 4), are which of (n, 4) people: indices of both."""
    with torch.no_grad():
        cost = _BOX * torch.cdist(boxes, target, p=1) - 2 * logits[:, PERSON, None].sigmoid()
        query, person = linear_sum_assignment(cost.numpy())
    return torch.as_tensor(query), torch.as_tensor(person)


def query_loss(
    logits: torch.Tensor,
    boxes: torch.Tensor,
    people: list[torch.Tensor],
    mask_logits: torch.Tensor | None = None,
    masks: list[torch.Tensor] | None = None,
) -> torch.Tensor:
    """Loss of the decoder's queries: (B, Q, C), (B, Q, 4) and (B, Q, h, w) against (n, 4) and (n, h, w) 0 to 1."""
    wanted, total, count = torch.zeros_like(logits), logits.new_zeros(()), 0
    for b, target in enumerate(people):
        if not len(target):
            continue
        query, person = match(logits[b], boxes[b], target)
        wanted[b, query, PERSON] = 1.0
        total = total + box_loss(boxes[b, query], target[person])
        count += len(query)
        if mask_logits is not None and masks is not None:
            total = total + _mask_loss(mask_logits[b, query], masks[b][person])
    return (focal(logits, wanted) + total) / max(count, 1)


def _mask_loss(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Sum over people of cross entropy, mostly near the person, and Dice."""
    weight = 1 + 10 * F.max_pool2d(wanted[:, None], 9, stride=1, padding=4)[:, 0]
    entropy = F.binary_cross_entropy_with_logits(logits, wanted, weight=weight, reduction="none")
    sure = logits.sigmoid()
    dice = 1 - (2 * (sure * wanted).sum((1, 2)) + 1) / (sure.sum((1, 2)) + wanted.sum((1, 2)) + 1)
    return 5 * (entropy.sum((1, 2)) / weight.sum((1, 2))).sum() + 2 * dice.sum()
