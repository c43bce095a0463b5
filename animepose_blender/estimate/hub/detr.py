"""What the detectors of the DETR family share: a fixed number of guesses a picture, each with a box and a score for
every class, of which the people are kept. Post-processing as in `transformers`' own `post_process_object_detection`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...core.boxes import iou
from ...errors import AnimePoseError
from .batches import Batches
from .loading import Loaded
from .protocols import PeopleFound

MIN_SCORE = 0.1
"""Below, nobody is reported; low, since tracking has a second pass for weak finds."""
MOST_PEOPLE = 50
"""Finds kept of each picture, the best ones."""
SAME_BOX = 0.9
"""Overlap of two boxes (intersection over union) from which on the weaker one is a repetition. DETRs have no
suppression of their own, and hardly repeat themselves; people before one another overlap less."""
PICTURES_AT_ONCE = 16
PERSON = "person"
"""The label of people in the class list of COCO; another one may be named by `person_label` in the record's options."""
_OTHER = "Choose another detector."


@dataclass(frozen=True)
class Preparation:
    """How pictures are made into a network's input: what preprocessor_config.json says of it."""

    size: Mapping[str, int] | None
    """None = as they are."""
    resample: int
    rescale: float | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None

    @classmethod
    def read(cls, processor: Mapping[str, Any], defaults: Mapping[str, Any]) -> Preparation:
        """From the contents of the file, with the processor's defaults for what it leaves out.

        Raises:
            AnimePoseError: if the pictures are to be padded, which these detectors do not need.
        """
        own = {**defaults, **processor.get("image_processor", processor)}
        if own.get("pad_size"):
            raise AnimePoseError("The detector wants its pictures padded to a size, which is not supported.", _OTHER)
        scales = own.get("do_normalize")
        return cls(
            own["size"] if own.get("do_resize", True) else None,
            own["resample"],
            own["rescale_factor"] if own.get("do_rescale", True) else None,
            tuple(own["image_mean"]) if scales else None,
            tuple(own["image_std"]) if scales else None,
        )

    def size_of(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the input for pictures of a size.

        Raises:
            AnimePoseError: if the file names no size that is understood.
        """
        size = self.size
        if size is None:
            return height, width
        if {"height", "width"} <= size.keys():
            return size["height"], size["width"]
        if {"shortest_edge", "longest_edge"} <= size.keys():
            from transformers.image_transforms import get_size_with_aspect_ratio

            return get_size_with_aspect_ratio((height, width), size["shortest_edge"], size["longest_edge"])
        raise AnimePoseError(f"The detector's preprocessor_config.json has a size that is not known: {size}.", _OTHER)


@dataclass(frozen=True, eq=False)
class Guesses:
    """The N best guesses of a person in each of B pictures, best first."""

    score: torch.Tensor
    """(B, N) 0 to 1; -1 where fewer than N are of a person."""
    box: torch.Tensor
    """(B, N, 4) x0, y0, x1, y1 as shares of the picture's width and height."""
    query: torch.Tensor
    """(B, N) which of the network's queries each one is."""


def best_guesses(logits: torch.Tensor, boxes: torch.Tensor, person: int, count: int = MOST_PEOPLE) -> Guesses:
    """Guesses of a person among as many pairs of a query and a class as there are queries, the best ones.

    Args:
        logits: (B, Q, C) of each query and class.
        boxes: (B, Q, 4) centre x, centre y, width, height, as shares of the picture.
        person: the class.
        count: N, at most.
    """
    queries, classes = logits.shape[1:]
    score, pair = logits.float().sigmoid().flatten(1).topk(queries, dim=1)
    score, order = torch.where(pair % classes == person, score, -1.0).topk(min(count, queries), dim=1)
    query = (pair // classes).gather(1, order)
    centre, extent = boxes.float().gather(1, query[..., None].expand(-1, -1, 4)).split(2, dim=-1)
    return Guesses(score, torch.cat([centre - extent / 2, centre + extent / 2], dim=-1), query)


def people_among(score: np.ndarray, box: np.ndarray, width: int, height: int) -> tuple[PeopleFound, np.ndarray]:
    """People among the guesses in one picture.

    Args:
        score, box: (N,) and (N, 4) of `Guesses`.
        width, height: of the picture.
    Returns:
        The n people, and (n,) which of the guesses they are.
    """
    extent = np.array([width, height, width, height], dtype=np.float64)
    box_px = np.clip(box * extent, 0, extent)
    there = (score > MIN_SCORE) & (box_px[:, 2:] > box_px[:, :2]).all(axis=1)
    rows = np.flatnonzero(there)
    rows = rows[_first_of_each(box_px[rows])]
    return PeopleFound(box_px[rows], score[rows].astype(np.float64)), rows


def _first_of_each(boxes: np.ndarray) -> np.ndarray:
    """(m,) which of (n, 4) boxes do not repeat one before them that is kept."""
    same = iou(boxes, boxes) > SAME_BOX
    kept = np.ones(len(boxes), dtype=bool)
    for row in np.flatnonzero(np.triu(same, 1).any(axis=1)):
        if kept[row]:
            kept[row + 1 :] &= ~same[row, row + 1 :]
    return np.flatnonzero(kept)


class DetrDetector(ABC):
    """A `BatchDetector` of this family.

    Should numbers overflow in half precision, which shows as something that is not a number, the network goes on in
    float32.

    Args:
        loaded: the network.
    Raises:
        AnimePoseError: if it knows no people, or wants its pictures in a way that is not known.
    """

    def __init__(self, loaded: Loaded) -> None:
        record, config = loaded.record, loaded.network.config
        self.name = f"{record.title} ({record.licence})"
        label = str(record.options.get("person_label", PERSON))
        labels: Mapping[int, str] = config.id2label  # type: ignore[assignment]
        people = [int(number) for number, name in labels.items() if str(name).strip().lower() == label.lower()]
        if not people:
            raise AnimePoseError(f"{record.title} finds no people: none of its classes is called {label!r}.", _OTHER)
        self._person = people[0]
        self._dtype, self._network = loaded.device.dtype, loaded.network
        self._batches = Batches(PICTURES_AT_ONCE, record.title)

    @abstractmethod
    def prepared(self, pictures: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) float32 input of the network, of (B, H, W, 3) uint8 pictures."""

    @torch.no_grad()
    def find(self, pictures: torch.Tensor) -> list[PeopleFound]:
        """See `BatchDetector`."""
        found = self._batches.run(len(pictures), lambda part: self._find(pictures[part]))
        return [one for some in found for one in some]

    def _find(self, pictures: torch.Tensor) -> list[PeopleFound]:
        """People in as many pictures as fit."""
        height, width = pictures.shape[1:3]
        inputs = self.prepared(pictures)
        output = self._network(inputs.to(self._dtype))
        guesses = best_guesses(output.logits, output.pred_boxes, self._person)
        # In one transfer, since each one waits for the device.
        numbers = torch.cat([guesses.score[..., None], guesses.box], dim=-1).cpu().numpy()
        if not np.isfinite(numbers).all():
            self._widen()
            return self._find(pictures)
        chosen = [people_among(one[:, 0], one[:, 1:], width, height) for one in numbers]
        masks = getattr(output, "pred_masks", None)
        if masks is None:
            return [found for found, _ in chosen]
        picture = np.repeat(np.arange(len(chosen)), [len(rows) for _, rows in chosen])
        place = torch.from_numpy(np.stack([picture, np.concatenate([rows for _, rows in chosen])])).to(masks.device)
        own = masks[place[0], guesses.query[place[0], place[1]]]
        shades = (own.float().sigmoid() * 255).round().to(torch.uint8).cpu().numpy()
        ends = np.cumsum([len(rows) for _, rows in chosen])[:-1]
        return [
            PeopleFound(found.box_px, found.score, some)
            for (found, _), some in zip(chosen, np.split(shades, ends), strict=True)
        ]

    def _widen(self) -> None:
        """Compute in float32 from now on.

        Raises:
            AnimePoseError: if that is so already.
        """
        if self._dtype is torch.float32:
            raise AnimePoseError(
                f"{self.name} gives something that is not a number.", "Fetch the model again, or choose another one."
            )
        self._dtype = torch.float32
        self._network = self._network.to(self._dtype)
