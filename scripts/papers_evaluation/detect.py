"""DetectNet: average precision of boxes and masks on rendered pictures, recall on frames of real clips."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from papers_training.detect_task import truth_of
from papers_training.pictures import Pictures, Shard
from papers_training.scenes_batch import whole

from animepose_blender.core.boxes import iou
from animepose_blender.estimate.hub.own_crops import fitted_size
from animepose_blender.estimate.hub.own_detect import LONGER_PX, MOST_PEOPLE, OVERLAP, SCORE_POWER
from animepose_blender.estimate.hub.resize import resized
from animepose_blender.estimate.people import MIN_NEW_SCORE
from animepose_blender.estimate.video import open_clip
from models.backbones import normalised
from models.detect_net import Found, people

from .average_precision import OVERLAPS, Claims, at_false, at_score, average_precision, claims, share_within, together
from .sources import Missing, Sources, needed
from .tables import number, table

HAND_BOXES = Path(__file__).resolve().parent / "hand_boxes.json"
BEGINS = round(MIN_NEW_SCORE ** (1 / SCORE_POWER), 2)
"""The network's score from which the preset begins a person."""
LOWEST = 0.01
"""Score from which finds are looked at."""
FALSE_A_FRAME = 1.0


def measure(sources: Sources) -> dict[str, Any]:
    """Figures for `lines`."""
    network = sources.network("detect_net")
    figures: dict[str, Any] = {"begins": BEGINS, "longer_px": LONGER_PX}
    try:
        figures["rendered"] = rendered(network, sources.rendered, sources.most)
    except Missing:
        if sources.clips is None:
            raise
    if sources.clips is not None:
        figures["clips"] = clips(network, needed(sources.clips, "clips"))
    return figures


@torch.inference_mode()
def find(network: Any, colour: np.ndarray, longer_px: int | None = None) -> Found:
    """People of one (H, W, 3) uint8 picture, which is made so large first; boxes in pixels of the picture."""
    height, width = colour.shape[:2]
    rows, columns = fitted_size(height, width, longer_px) if longer_px else (height, width)
    picture = torch.from_numpy(np.ascontiguousarray(colour))[None]
    said = network(normalised(resized(picture, rows, columns).float() / 255))
    found = people(said, rows, columns, LOWEST, OVERLAP, most=MOST_PEOPLE)[0]
    scale = torch.tensor([width / columns, height / rows] * 2)
    return Found(found.box_px * scale, found.score, found.masks)


def every(pictures: Pictures, most: int) -> list[tuple[Shard, int]]:
    """So many of all pictures, evenly: shards, and numbers in them."""
    rows = [(shard, k) for shard in pictures.shards for k in range(len(shard.colour))]
    return [rows[k] for k in np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int))]


def rendered(network: Any, pictures: Pictures, most: int) -> dict[str, Any]:
    """Average precision in percent, boxes and masks, and what thresholds give."""
    by_box, by_mask = [], []
    for scene in (whole(*one) for one in every(pictures, most)):
        found, truth = find(network, scene.colour), truth_of(scene, "cpu")
        assert truth.masks is not None and truth.ignored_px is not None
        boxes, score = found.box_px.numpy().astype(float), found.score.numpy()
        ignorable = share_within(boxes, truth.ignored_px.numpy())
        by_box.append(claims(score, iou(boxes, truth.box_px.numpy().astype(float)), ignorable))
        by_mask.append(claims(score, mask_iou(found.masks.numpy(), truth.masks.numpy()), ignorable))
    figures: dict[str, Any] = {"pictures": len(by_box), "people": sum(c.asked for c in by_box)}
    for name, parts in (("box", by_box), ("mask", by_mask)):
        area = 100 * average_precision(together(parts))
        figures[name] = {"ap": area.mean(), "ap50": area[0], "ap75": area[np.isclose(OVERLAPS, 0.75)][0]}
    figures |= operations(together(by_box))
    return figures


def mask_iou(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(n, t) overlap of (n, h, w) uint8 masks, brought to the size of the (t, H, W) bool true ones, with these."""
    height, width = truth.shape[1:]
    grown = [cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR) > 127 for mask in found]
    a = np.array(grown, np.float32).reshape(len(found), height * width)
    b = truth.reshape(len(truth), height * width).astype(np.float32)
    shared = a @ b.T
    return shared / np.maximum(a.sum(1)[:, None] + b.sum(1) - shared, 1)


def operations(found: Claims) -> dict[str, Any]:
    """Recall in percent and false people a picture, at an overlap of a half: with the score from which the preset
    begins a person, and with the threshold that gives `FALSE_A_FRAME`."""
    figures = {}
    for name, one in (("begins", at_score(found, BEGINS)), ("one_false", at_false(found, FALSE_A_FRAME))):
        least = one.least_score if np.isfinite(one.least_score) else None
        figures[name] = {"least_score": least, "recall": 100 * one.recall, "false": one.false}
    return figures


def clips(network: Any, folder: Path) -> dict[str, Any]:
    """The same on the frames whose boxes were drawn by hand, by clip and for all together."""
    parts = {}
    for name, frames in json.loads(HAND_BOXES.read_text(encoding="utf-8"))["clips"].items():
        path = folder / f"{name}.mp4"
        if path.is_file():
            parts[name] = [_claims_of(network, colour, frames[str(at)]) for at, colour in _frames(path, frames)]
    if not parts:
        raise Missing(f"None of the clips is in {folder}.", "Name their folder with --clips.")
    rows = {name: together(some) for name, some in parts.items()}
    rows["all"] = together([one for some in parts.values() for one in some])
    return {
        name: {"frames": row.pictures, "people": row.asked, "ap50": 100 * average_precision(row)[0]} | operations(row)
        for name, row in rows.items()
    }


def _frames(path: Path, wanted: dict[str, Any]) -> Iterator[tuple[int, np.ndarray]]:
    last = max(int(number) for number in wanted)
    for at, _, colour in open_clip(path).frames():
        if str(at) in wanted:
            yield at, colour
        if at >= last:
            return


def _claims_of(network: Any, colour: np.ndarray, known: dict[str, Any]) -> Claims:
    found = find(network, colour, LONGER_PX)
    boxes = found.box_px.numpy().astype(float)
    ignorable = share_within(boxes, np.array(known["ignored"], float).reshape(-1, 4))
    return claims(found.score.numpy(), iou(boxes, np.array(known["people"], float).reshape(-1, 4)), ignorable)


def lines(figures: dict[str, Any]) -> list[str]:
    """Markdown."""
    out = ["## DetectNet", ""]
    if part := figures.get("rendered"):
        out += [f"{part['pictures']} rendered pictures of the split `test` at their own size, {part['people']} people "
                "to be found; percent.", ""]  # fmt: skip
        rows = [[name, *(number(part[key][k], 1) for k in ("ap50", "ap75", "ap"))]
                for name, key in (("boxes", "box"), ("masks", "mask"))]  # fmt: skip
        out += table(["", "AP50", "AP75", "AP (0.5 to 0.95)"], rows)
    rows = []
    if part := figures.get("rendered"):
        rows.append(["rendered `test`", part["pictures"], part["people"], *_operation_cells(part)])
    for name, one in figures.get("clips", {}).items():
        title = "real clips together" if name == "all" else f"`{name}`"
        rows.append([title, one["frames"], one["people"], *_operation_cells(one)])
    out += [
        "Recall and false people a frame at an overlap of one half. Real frames are made "
        f"{figures['longer_px']} pixels long; their boxes were drawn by hand (`hand_boxes.json`), and people lower "
        "than 80 pixels or more than half hidden need not be found. The preset begins a person at a score of "
        f"{figures['begins']}.",
        "",
    ]
    head = ["", "frames", "people", "recall at the preset's score", "false a frame there"]
    return out + table([*head, f"recall at {FALSE_A_FRAME:g} false a frame", "score there"], rows)


def _operation_cells(one: dict[str, Any]) -> list[str]:
    sure, free = one["begins"], one["one_false"]
    return [number(sure["recall"], 1), number(sure["false"], 2), number(free["recall"], 1),
            number(free["least_score"], 2)]  # fmt: skip
