"""What DetectNet is taught, and how it is checked.

Its score is the overlap that its box has with the true one. People that nobody could be asked to find are let alone
(`truth_of`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch

from models.detect_net import DetectNet, Found, box_iou, people
from models.detect_targets import Truth, losses

from .inputs import as_input
from .pictures import Pictures
from .scene_task import SceneTask, colours, spread
from .scenes_batch import Recipe, Scene, boxes_of, seen_shares

SIZES = ((256, 256), (224, 288), (288, 224), (192, 320))
LATE_SIZES = ((256, 384), (384, 256), (320, 320))
"""Height and width of a batch's pictures; the larger ones come late, for they take half as long again."""
RECIPE = Recipe(swap=0.5, empty=0.04, behind=0.5, before=0.15)
LEAST_PX, LEAST_AREA_PX, LEAST_SEEN = 12, 40, 0.15
"""Of a person's longer side, of the mask, and of the share of the joints in sight."""
WEIGHTS = {"score": 1.0, "box": 2.0, "mask": 1.0}
HELD_OUT = 48
SURE = 0.4
"""The score from which the check counts a person as found."""


class DetectTask(SceneTask):
    """Boxes and masks."""

    name = "detect_net"
    sizes, late_sizes, recipe = SIZES, LATE_SIZES, RECIPE

    def __init__(self, network: DetectNet, pictures: Pictures, held_out: Pictures, device: str = "cpu") -> None:
        super().__init__(network, pictures, held_out, device)
        self._config = network.config

    def batch(self, rng: np.random.Generator, size: int, progress: float) -> tuple[torch.Tensor, list[Truth]]:
        """(B, 3, H, W) normalised pictures, and who is in them."""
        scenes = self.scenes(rng, size, progress)
        return as_input(colours(scenes), self.device), [truth_of(scene, self.device) for scene in scenes]

    def loss(self, batch: tuple[torch.Tensor, list[Truth]], progress: float) -> dict[str, torch.Tensor]:
        """Weighted terms of `detect_targets.losses`."""
        pictures, truths = batch
        found = losses(self.network(pictures), truths)
        return {name: WEIGHTS[name] * value for name, value in found.items()}

    def measure(self, network: Any) -> dict[str, float]:
        """On held-out pictures as rendered: AP at an overlap of 0.5 and how well masks overlap, percent, and at the
        score `SURE` the recall in percent and the false people a picture."""
        found, truths = [], []
        for scene in spread(self.held_out, HELD_OUT):
            height, width = scene.ids.shape
            found += people(network(as_input(scene.colour[None], self.device)), height, width)
            truths.append(truth_of(scene, self.device))
        return figures(found, truths)

    def config(self) -> dict[str, Any]:
        """What remakes the network."""
        return asdict(replace(self._config, backbone="small", input_px=max(max(s) for s in LATE_SIZES)))


def truth_of(scene: Scene, device: str) -> Truth:
    """The people of a scene; too small or too hidden ones are to be let alone."""
    number = len(scene.joints_px)
    boxes = boxes_of(scene.ids, number)
    area = np.bincount(scene.ids.ravel(), minlength=number + 1)[1 : number + 1]
    longer = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
    asked = (longer >= LEAST_PX) & (area >= LEAST_AREA_PX) & (seen_shares(scene) >= LEAST_SEEN)
    masks = scene.ids == (np.flatnonzero(asked) + 1)[:, None, None]
    return Truth(
        torch.from_numpy(boxes[asked]).to(device),
        torch.from_numpy(masks).to(device),
        torch.from_numpy(boxes[~asked & (area > 0)]).to(device),
    )


def figures(found: Sequence[Found], truths: Sequence[Truth], overlap: float = 0.5) -> dict[str, float]:
    """What `DetectTask.measure` says, from what was found in each picture; the area under the curve of precision over
    recall is all of it, as COCO's is of 101 points."""
    rows, covers, number = [], [], 0
    for one, truth in zip(found, truths, strict=True):
        number += len(truth.box_px)
        iou = box_iou(one.box_px, truth.box_px)
        taken = torch.zeros(len(truth.box_px), dtype=torch.bool, device=iou.device)
        for k, score in enumerate(one.score.tolist()):
            free = iou[k].masked_fill(taken, 0.0)
            best = int(free.argmax()) if len(free) else -1
            if best >= 0 and free[best] >= overlap:
                taken[best] = True
                rows.append((score, True))
                covers.append(_mask_overlap(one.masks[k], truth, best))
            elif not _in_ignored(one.box_px[k], truth):
                rows.append((score, False))
    rows.sort(key=lambda row: -row[0])
    right = np.array([hit for _, hit in rows], bool)
    sure = np.array([score >= SURE for score, _ in rows], bool)
    precision = np.maximum.accumulate((right.cumsum() / np.arange(1, len(right) + 1))[::-1])[::-1]
    return {
        "ap50": 100 * float(precision[right].sum() / max(number, 1)),
        "mask_iou": 100 * float(np.mean(covers)) if covers else 0.0,
        "recall": 100 * float((right & sure).sum() / max(number, 1)),
        "false": float((~right & sure).sum() / max(len(truths), 1)),
    }


def _mask_overlap(mask: torch.Tensor, truth: Truth, person: int) -> float:
    assert truth.masks is not None
    height, width = truth.masks.shape[1:]
    grown = torch.nn.functional.interpolate(mask[None, None].float(), (height, width), mode="bilinear")[0, 0] > 127
    true = truth.masks[person]
    return float((grown & true).sum() / (grown | true).sum().clamp_min(1))


def _in_ignored(box_px: torch.Tensor, truth: Truth) -> bool:
    """Whether half of a box or more lies on somebody who is let alone."""
    if truth.ignored_px is None or not len(truth.ignored_px):
        return False
    low, high = torch.maximum(box_px[:2], truth.ignored_px[:, :2]), torch.minimum(box_px[2:], truth.ignored_px[:, 2:])
    shared = (high - low).clamp_min(0).prod(1)
    return bool((shared > 0.5 * (box_px[2:] - box_px[:2]).prod()).any())
