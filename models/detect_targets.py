"""What DetectNet should say, and its losses.

References: Tian et al., "FCOS" (2019): a level for each size of person, the locations near a box's centre stand for it,
and the smaller person wins where two claim one. Li et al., "Generalized Focal Loss" (2020), equation 2, for the score
s = σ(logit), with y the intersection over union of the predicted box with the true one, 0 where nobody is:

    score = |y - s|² BCE(s, y);   box = 1 - GIoU (Rezatofighi et al., 2019);   mask = BCE + 1 - dice, within the box

Every person has a location, however small or covered, unless the truth says that it is to be let alone (`ignored_px`):
then its locations are neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from .detect_net import MASK_STRIDE, STRIDES, Outputs, inside

REACH = 1.5
"""Locations up to this many strides from a box's centre stand for it."""
SIZES_PX = (96.0, 224.0)
"""The longer side from which the next level takes over."""
MASKS_A_PICTURE = 48
"""At most this many locations of a picture, drawn by chance, enter the loss of masks: memory."""


@dataclass(frozen=True, eq=False)
class Truth:
    """The people of one picture."""

    box_px: torch.Tensor
    """(n, 4) float x0, y0, x1, y1, with an area above 0."""
    masks: torch.Tensor | None = None
    """(n, H, W) 0 to 1 or bool, as large as the picture; None where they are not known, as in most photographs."""
    ignored_px: torch.Tensor | None = None
    """(m, 4) boxes of people too small or too hidden to ask for: what is said there of nobody else has no loss."""


def owners(box_px: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """Who each location stands for.

    Args:
        box_px: (n, 4) true boxes.
        at: (L, 3) `detect_net.places`.
    Returns:
        (L,) index of a person, -1 for nobody. Each person has one location or more, as long as there are enough.
    """
    if not len(box_px):
        return at.new_full((len(at),), -1, dtype=torch.long)
    size = box_px[:, 2:] - box_px[:, :2]
    centre = box_px[:, :2] + size / 2
    level = torch.bucketize(size.amax(1), size.new_tensor(SIZES_PX))
    on_level = at[:, 2] == at.new_tensor(STRIDES)[level][:, None]  # (n, L)
    away = (at[:, :2] - centre[:, None]).abs() / at[:, 2:]  # (n, L, 2) strides
    within = (away * at[:, 2:] < size[:, None] / 2).all(-1)
    claims = on_level & within & (away.amax(-1) < REACH)
    area = size.prod(1)[:, None].expand(-1, len(at)).masked_fill(~claims, torch.inf)
    smallest, owner = area.min(0)
    owner = owner.masked_fill(smallest.isinf(), -1)
    distance = away.square().sum(-1).masked_fill(~on_level, torch.inf)
    # Few are left with none: those smaller than a cell, and those whose centre a smaller person has.
    counts = torch.bincount(owner[owner >= 0], minlength=len(box_px))
    for person in (counts == 0).nonzero()[:, 0].tolist():
        counts = torch.bincount(owner[owner >= 0], minlength=len(box_px))
        spare = (owner < 0) | (counts[owner.clamp_min(0)] > 1)
        nearest, place = distance[person].masked_fill(~spare, torch.inf).min(0)
        if nearest.isfinite():
            owner[place] = person
    return owner


def losses(outputs: Outputs, truths: Sequence[Truth]) -> dict[str, torch.Tensor]:
    """`score`, `box` and `mask`, () each, to be added up with weights; truths has one entry for each picture.

    Scores are summed over all locations and divided by how many stand for somebody, boxes and masks are averaged
    over those. A picture without masks adds nothing to `mask`.
    """
    owner = torch.stack([owners(truth.box_px, outputs.places) for truth in truths])
    picture, place = (owner >= 0).nonzero(as_tuple=True)
    number = max(len(picture), 1)
    boxes = outputs.boxes_px[picture, place]
    starts = torch.tensor([0, *(len(truth.box_px) for truth in truths)], device=owner.device).cumsum(0)
    true = torch.cat([truth.box_px for truth in truths]).to(boxes)[starts[picture] + owner[picture, place]]
    iou, giou = overlaps(boxes, true)
    logits = outputs.score.float()
    wanted = torch.zeros_like(logits)
    wanted[picture, place] = iou.detach()
    focal = (wanted - logits.sigmoid()).abs() ** 2 * _asked(outputs.places, truths, owner)
    score = (focal * functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")).sum() / number
    return {"score": score, "box": (1 - giou).sum() / number, "mask": _mask_loss(outputs, truths, owner)}


def _asked(at: torch.Tensor, truths: Sequence[Truth], owner: torch.Tensor) -> torch.Tensor:
    """(B, L) bool: which locations have a loss of scores, all but those of ignored people that stand for nobody."""
    asked = torch.ones_like(owner, dtype=torch.bool)
    for row, own, truth in zip(asked, owner, truths):
        if truth.ignored_px is not None and len(truth.ignored_px):
            low, high = truth.ignored_px[:, None, :2].to(at), truth.ignored_px[:, None, 2:].to(at)
            cell = at[:, 2:] / 2
            row &= (own >= 0) | ~((at[:, :2] + cell > low) & (at[:, :2] - cell < high)).all(-1).any(0)
    return asked


def overlaps(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Intersection over union and its generalised form, (n,) each, of (n, 4) boxes row by row."""
    low, high = torch.maximum(first[:, :2], second[:, :2]), torch.minimum(first[:, 2:], second[:, 2:])
    shared = (high - low).clamp_min(0).prod(1)
    union = (first[:, 2:] - first[:, :2]).prod(1) + (second[:, 2:] - second[:, :2]).prod(1) - shared
    hull = (torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])).prod(1)
    iou = shared / union.clamp_min(1e-9)
    return iou, iou - (hull - union) / hull.clamp_min(1e-9)


def masks_on_grid(masks: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """(n, rows, columns) share of each cell of the prototypes' grid that (n, H, W) masks cover; padding is empty."""
    pad = (0, columns * MASK_STRIDE - masks.shape[2], 0, rows * MASK_STRIDE - masks.shape[1])
    return functional.avg_pool2d(functional.pad(masks.float(), pad)[:, None], MASK_STRIDE)[:, 0]


def _mask_loss(outputs: Outputs, truths: Sequence[Truth], owner: torch.Tensor) -> torch.Tensor:
    rows, columns = outputs.prototypes.shape[-2:]
    # Tied to the outputs, so that a batch without masks can be learned from too.
    parts = [outputs.prototypes.float().flatten()[:0]]
    for i, truth in enumerate(truths):
        place = (owner[i] >= 0).nonzero()[:, 0]
        if truth.masks is None or not len(place):
            continue
        if len(place) > MASKS_A_PICTURE:
            place = place[torch.randperm(len(place), device=place.device)[:MASKS_A_PICTURE]]
        who = owner[i, place]
        logits = torch.einsum("np,phw->nhw", outputs.coefficients[i, place], outputs.prototypes[i]).float()
        near = inside(truth.box_px, rows, columns, MASK_STRIDE, MASK_STRIDE).float()[who]
        wanted = masks_on_grid(truth.masks, rows, columns)[who] * near
        cross = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * near
        seen = logits.sigmoid() * near
        both = 2 * (seen * wanted).sum((1, 2)) + 1
        dice = both / (seen.square().sum((1, 2)) + wanted.square().sum((1, 2)) + 1)
        parts.append(cross.sum((1, 2)) / near.sum((1, 2)).clamp_min(1) + 1 - dice)
    joined = torch.cat(parts)
    return joined.sum() / max(len(joined), 1)
