"""Masks of people by SAM 2.1: a box says who is meant, and memories of earlier frames carry the mask on.

Ravi et al., SAM 2: Segment Anything in Images and Videos (2024). Its picture is a square into which the whole picture
is stretched, so that its masks span the whole picture too.

A person is told by their box when new, when the mask and the box have come to disagree, and every so many frames while
nobody else's box covers theirs; in between the mask follows from what is remembered of them. Without propagation, each
frame is for itself: less steady, but all people of many frames run at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import Sam2VideoModel

from ...core.boxes import iou
from .batches import Batches
from .loading import Loaded
from .resize import BILINEAR, normalised, resized
from .sam2_memory import PersonMemory

AGREE = 0.5
"""Intersection over union of a mask's box and the detected one, below which the mask is another's, or nobody's."""
TELL_AGAIN_AFTER = 60
"""Frames after which a person is told by their box again."""
COVERED = 0.2
"""Part of a box that another covers, above which it may stand for two people."""
FORGET_AFTER = 30
"""Frames without a box after which a person is forgotten."""
_PICTURES, _PEOPLE = 8, 32
"""At a time."""
_TRIM = 0.005
"""Part of a mask that may lie outside its box on each side, so that a stray speck does not stretch it."""
_NOBODY = -10.0
"""Logit of a pixel that is somebody else's."""
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Sam2VideoMasks:
    """Masks of people whose boxes are known, by Sam2VideoModel.

    Args:
        loaded: Sam2VideoModel, or Sam2Model, which cannot propagate.
        propagate: carry masks on from frame to frame, rather than make each anew from its box.
    """

    def __init__(self, loaded: Loaded, propagate: bool = True) -> None:
        self._network: Any = loaded.network
        self._device = loaded.device
        self.name = f"{loaded.record.title} ({loaded.record.licence})"
        self.propagate = propagate and isinstance(loaded.network, Sam2VideoModel)
        settings = loaded.processor.get("image_processor", loaded.processor)
        self._mean, self._std = settings.get("image_mean", _MEAN), settings.get("image_std", _STD)
        self._resample = settings.get("resample", BILINEAR)
        self._size = int(self._network.prompt_encoder.input_image_size)
        self._pictures = Batches(_PICTURES, self.name)
        self._people = Batches(_PEOPLE, self.name)
        self._one = Batches(1, self.name)
        self._known: dict[int, PersonMemory] = {}
        self._frame = 0

    @torch.inference_mode()
    def masks(
        self, pictures: torch.Tensor, boxes_px: Sequence[np.ndarray], ids: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """Masks in consecutive frames; see `BatchMasks.masks`. Pixels of two people are the likelier one's.

        Raises:
            AnimePoseError: if a single picture does not fit into memory, or the GPU stops working.
        """
        masks: list[np.ndarray] = []
        scale = self._size / np.array([pictures.shape[2], pictures.shape[1]] * 2, dtype=float)
        # In pixels of the network's picture. It takes the first pixel's centre for 0 and adds the half itself.
        boxes = [np.asarray(box, dtype=float).reshape(-1, 4) * scale - 0.5 for box in boxes_px]
        for start in range(0, len(pictures), _PICTURES):
            part = slice(start, start + _PICTURES)
            if self.propagate:
                masks += self._propagated(pictures[part], boxes[part], ids[part])
            else:
                masks += self._each_for_itself(pictures[part], boxes[part])
        return masks

    def _prepared(self, pictures: torch.Tensor) -> torch.Tensor:
        """(B, 3, S, S) as Sam2ImageProcessor makes them of (B, H, W, 3) uint8: stretched, not padded."""
        square = resized(pictures, self._size, self._size, self._resample)
        return normalised(square, self._mean, self._std).to(self._device.dtype)

    def _each_for_itself(self, pictures: torch.Tensor, boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Masks by boxes alone, of all people of some pictures."""
        counts = [len(box) for box in boxes]
        which = torch.from_numpy(np.repeat(np.arange(len(boxes)), counts)).to(self._device.torch)
        if not len(which):
            return [self._nobody() for _ in boxes]
        parts = self._pictures.run(
            len(pictures), lambda part: self._network.get_image_embeddings(self._prepared(pictures[part]))
        )
        levels = [torch.cat(level) for level in zip(*parts, strict=True)]
        prompts = torch.from_numpy(np.concatenate(boxes)).float().to(self._device.torch)
        where = self._network.get_image_wide_positional_embeddings()

        def by_boxes(part: slice) -> torch.Tensor:
            of = which[part]
            points, dense = self._network.get_prompt_embeddings(input_boxes=prompts[part, None])
            logits, *_ = self._network.mask_decoder(
                image_embeddings=levels[-1][of],
                image_positional_embeddings=where.expand(len(of), -1, -1, -1),
                sparse_prompt_embeddings=points,
                dense_prompt_embeddings=dense,
                # One mask: a box leaves no doubt about what is meant, as a point would.
                multimask_output=False,
                high_resolution_features=[level[of] for level in levels[:-1]],
            )
            return logits[:, 0, 0]

        logits = torch.cat(self._people.run(len(which), by_boxes))
        return [probable(of) for of in torch.split(logits, counts)]

    def _propagated(
        self, pictures: torch.Tensor, boxes: Sequence[np.ndarray], ids: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """Masks carried on from the frames before; features of all pictures are made at once."""
        features = [one for part in self._pictures.run(len(pictures), lambda part: self._features(pictures[part]))
                    for one in part]  # fmt: skip
        masks = []
        for k, seen in enumerate(features):
            found = self._one.run(1, lambda _, k=k, seen=seen: self._next(seen, boxes[k], ids[k]))[0]
            masks.append(found)
            self._frame += 1
        return masks

    def _features(self, pictures: torch.Tensor) -> list[dict[str, list[torch.Tensor]]]:
        """What Sam2VideoModel would keep of each picture; arrays are (h w, B, C)."""
        found = self._network.get_image_features(self._prepared(pictures), return_dict=True)
        levels = {"vision_feats": found.fpn_hidden_states, "vision_pos_embeds": found.fpn_position_encoding}
        return [
            {name: [level[:, k : k + 1] for level in of] for name, of in levels.items()} for k in range(len(pictures))
        ]

    def _next(self, features: dict[str, list[torch.Tensor]], boxes: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """Masks in the next frame, and what is remembered of people brought up to date."""
        logits: list[torch.Tensor] = []
        guessed = []
        covered = _covered(boxes)
        for k, person in enumerate(int(one) for one in ids):
            memory = self._known.get(person)
            if memory is None:
                logits.append(self._told(person, features, boxes[k]))
            elif self._frame - memory.prompted_at >= TELL_AGAIN_AFTER and covered[k] < COVERED:
                logits.append(memory.prompted(self._frame, features, boxes[k]))
            else:
                logits.append(memory.propagated(self._frame, features))
                guessed.append(k)
        if guessed:
            seen = mask_boxes(torch.stack([logits[k] for k in guessed])).cpu().numpy() * self._size - 0.5
            for k, agreement in zip(guessed, iou(seen, boxes[guessed]).diagonal(), strict=True):
                if agreement < AGREE:
                    # What is remembered is of something else by now.
                    logits[k] = self._told(int(ids[k]), features, boxes[k])
        self._known = {
            person: memory for person, memory in self._known.items() if self._frame - memory.seen_at < FORGET_AFTER
        }
        return probable(torch.stack(logits)) if logits else self._nobody()

    def _told(self, person: int, features: dict[str, list[torch.Tensor]], box: np.ndarray) -> torch.Tensor:
        """(h, w) logits of somebody of whom nothing is remembered."""
        self._known[person] = PersonMemory(self._network, self._device)
        return self._known[person].prompted(self._frame, features, box)

    def _nobody(self) -> np.ndarray:
        return np.zeros((0, *self._network.prompt_encoder.mask_input_size), dtype=np.uint8)


def probable(logits: torch.Tensor) -> np.ndarray:
    """(n, h, w) uint8, 255 x probability, of the logits of everybody in a frame; where several may be, only the
    likeliest is."""
    logits = logits.float()
    if len(logits) > 1:
        likeliest = torch.zeros_like(logits, dtype=torch.bool).scatter_(0, logits.argmax(dim=0, keepdim=True), True)
        logits = torch.where(likeliest, logits, logits.clamp(max=_NOBODY))
    return (logits.sigmoid() * 255.0).round().to(torch.uint8).cpu().numpy()


def mask_boxes(logits: torch.Tensor) -> torch.Tensor:
    """(n, 4) x0, y0, x1, y1 of masks given by (n, h, w) logits, as parts of width and height; of no area where a mask
    is empty. A few of a mask's pixels may lie outside."""
    inside = (logits > 0).float()
    edges = []
    for axis in (1, 2):
        across = inside.sum(dim=axis).cumsum(dim=1)
        filled = across / across[:, -1:].clamp(min=1.0)
        size = filled.shape[1]
        first = (filled <= _TRIM).sum(dim=1)
        last = (filled < 1.0 - _TRIM).sum(dim=1) + 1
        edges.append((first / size, torch.maximum(last.clamp(max=size), first) / size))
    (x0, x1), (y0, y1) = edges
    return torch.stack([x0, y0, x1, y1], dim=1)


def _covered(boxes: np.ndarray) -> np.ndarray:
    """(n,) how much of each of (n, 4) boxes the box that covers most of it covers; 0 where there is one only."""
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    shared = np.prod(np.clip(np.minimum(high, high.swapaxes(0, 1)) - np.maximum(low, low.swapaxes(0, 1)), 0, None), 2)
    np.fill_diagonal(shared, 0.0)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return shared.max(axis=1, initial=0.0) / np.maximum(area, 1e-9)
