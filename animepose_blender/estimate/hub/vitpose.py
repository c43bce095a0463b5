"""Keypoints by ViTPose and ViTPose++ of `transformers`, people of many pictures in one batch.

Boxes become crops (`person_crops`), crops heatmaps, heatmaps keypoints (`vitpose_heatmaps`). All of it happens on the
device; the host gets a few numbers for each person.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ...errors import AnimePoseError
from ...skeleton import KEYPOINT_MAPS
from .batches import Batches
from .loading import HubClasses, Loaded
from .person_crops import Crops, crops_around, cut_out
from .resize import normalised
from .vitpose_experts import keep_one_expert
from .vitpose_heatmaps import keypoints_of

POSE_CLASSES = HubClasses("VitPoseForPoseEstimation")
"""What this module can run."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
AT_ONCE = {"cpu": 8}
"""People in a batch, by type of device; others take `AT_ONCE_ELSEWHERE`."""
AT_ONCE_ELSEWHERE = 64
SMALLEST_BOX_PX = 1.0
_BY_NUMBER = {17: "coco_17", 133: "coco_wholebody_133"}
"""Skeletons of networks whose records name none."""
_HALF = 0.5
"""From the processor's places, counted from the middle of the first pixel, to ours, counted from its corner."""


class VitPose:
    """Keypoints of people whose boxes are known; implements `BatchPose`.

    Boxes go to the processor's geometry half a pixel less, and keypoints come back half a pixel more: so crops lie
    where boxes say, and keypoints carry no bias.

    Args:
        loaded: a `VitPoseForPoseEstimation`. Its record's option `dataset_index` says which of a ViTPose++ network's
            experts to use (0 = COCO); the others are taken out of it.
        mirrored: look at everybody a second time in the mirror, and use the mean of the two heatmaps. Doubles the cost
            for a little precision (the papers gain 0.3 AP by it).
        at_once: people in a batch.
    Raises:
        AnimePoseError: if the network's keypoints are not those of its skeleton, or it has no such expert.
    """

    def __init__(self, loaded: Loaded, *, mirrored: bool = False, at_once: int | None = None) -> None:
        record = loaded.record
        self._network: Any = loaded.network
        config = self._network.config
        self.name = f"{record.title} ({record.licence})"
        self.skeleton = _skeleton(record.skeleton, int(config.num_labels), record.title)
        self._device = loaded.device
        keep_one_expert(loaded.network, record.options.get("dataset_index", 0), record.title)
        image_size = config.backbone_config.image_size
        self._height, self._width = (image_size, image_size) if isinstance(image_size, int) else image_size
        self._look = _look(loaded.processor)
        self._exchange = None
        if mirrored:
            names = KEYPOINT_MAPS[self.skeleton][0]
            self._exchange = torch.from_numpy(mirror_order(names)).to(self._device.torch)
        size = at_once or AT_ONCE.get(self._device.torch.type, AT_ONCE_ELSEWHERE)
        self._batches = Batches(size, record.title)

    def keypoints(
        self, pictures: torch.Tensor, picture: np.ndarray, boxes_px: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """As in `BatchPose.keypoints`.

        Confidence is the peak of a keypoint's heatmap, brought between 0 and 1 (`vitpose_heatmaps.keypoints_of`).
        """
        boxes = np.asarray(boxes_px, dtype=np.float64).reshape(-1, 4)
        middle, size = (boxes[:, :2] + boxes[:, 2:]) / 2 - _HALF, boxes[:, 2:] - boxes[:, :2]
        half = np.maximum(size, SMALLEST_BOX_PX) / 2
        crops = crops_around(np.concatenate([middle - half, middle + half], axis=-1), self._width, self._height)
        owner = np.asarray(picture, dtype=np.int64).reshape(-1)

        def work(part: slice) -> tuple[torch.Tensor, torch.Tensor, tuple[int, ...]]:
            heatmaps = self.heatmaps(self.inputs(pictures, owner[part], Crops(crops.centre[part], crops.extent[part])))
            return *keypoints_of(heatmaps), tuple(heatmaps.shape[-2:])

        results = self._batches.run(len(boxes), work)
        if not results:
            count = len(KEYPOINT_MAPS[self.skeleton][0])
            return np.zeros((0, count, 2)), np.zeros((0, count))
        height, width = results[0][2]
        places = torch.cat([result[0] for result in results]).cpu().numpy().astype(np.float64)
        confidence = torch.cat([result[1] for result in results]).cpu().numpy().astype(np.float64)
        return crops.to_picture(places, width, height) + _HALF, confidence

    def inputs(self, pictures: torch.Tensor, picture: np.ndarray, crops: Crops) -> torch.Tensor:
        """(n, 3, h, w) float32, what the processor makes of people in (B, H, W, 3) uint8 pictures; `picture` (n,) says
        in which each one is."""
        cut = cut_out(pictures, picture, crops, self._width, self._height)
        return normalised(cut, **self._look)

    @torch.inference_mode()
    def heatmaps(self, inputs: torch.Tensor) -> torch.Tensor:
        """(n, K, h, w) float32 of (n, 3, H, W) inputs. Should numbers overflow in float16, which shows as something
        that is not a number, the network goes on in float32."""
        given, inputs = inputs, inputs.to(self._device.dtype)
        heatmaps = self._network(inputs).heatmaps.float()
        if self._device.dtype is torch.float16 and not bool(torch.isfinite(heatmaps).all()):
            self._device = replace(self._device, dtype=torch.float32)
            self._network = self._network.float()
            return self.heatmaps(given)
        if self._exchange is None:
            return heatmaps
        other = self._network(inputs.flip(-1)).heatmaps.float()
        return (heatmaps + other[:, self._exchange].flip(-1)) / 2


def mirror_order(names: tuple[str, ...]) -> np.ndarray:
    """(K,) for each keypoint of a skeleton the one on the other side of the body, or itself."""
    place = {name: index for index, name in enumerate(names)}
    return np.array([place[_mirror_name(name)] for name in names])


def _mirror_name(name: str) -> str:
    if name.startswith("face_"):
        return f"face_{_FACE_MIRROR[int(name.removeprefix('face_'))]}"
    for side, other in (("left", "right"), ("right", "left")):
        if name.startswith(side):
            return other + name.removeprefix(side)
        if name.endswith(f"_{side}"):
            return name.removesuffix(side) + other
    return name


def _face_mirror() -> list[int]:
    """For each of the 68 points of the face (iBUG 300-W's) the one on its other side."""
    other = list(range(68))
    # First, last, and the sum of two that mirror each other: jaw, brows, nostrils, eyes (lids above, below), lips.
    for first, last, total in ((0, 16, 16), (17, 26, 43), (31, 35, 66), (36, 39, 81), (42, 45, 81), (40, 41, 87),
                               (46, 47, 87), (48, 54, 102), (55, 59, 114), (60, 64, 124), (65, 67, 132)):  # fmt: skip
        for k in range(first, last + 1):
            other[k] = total - k
    return other


_FACE_MIRROR = _face_mirror()


def _look(processor: dict[str, Any]) -> dict[str, Any]:
    """What preprocessor_config.json says of the values of pixels, for `normalised`."""
    normalise = processor.get("do_normalize", True)
    return {
        "mean": processor.get("image_mean", IMAGENET_MEAN) if normalise else None,
        "std": processor.get("image_std", IMAGENET_STD) if normalise else None,
        "rescale": processor.get("rescale_factor", 1 / 255) if processor.get("do_rescale", True) else None,
    }


def _skeleton(named: str, count: int, title: str) -> str:
    """The skeleton of a network with `count` keypoints, whose record names one, or none.

    Raises:
        AnimePoseError: if there is none of that name, or it has another number of keypoints.
    """
    skeleton = named or _BY_NUMBER.get(count, "")
    if skeleton not in KEYPOINT_MAPS:
        known = ", ".join(KEYPOINT_MAPS)
        raise AnimePoseError(
            f"{title} gives {count} keypoints of the skeleton {skeleton or 'that nobody named'}; known are {known}.",
            "Choose another model, or name the skeleton when importing it.",
        )
    expected = len(KEYPOINT_MAPS[skeleton][0])
    if count != expected:
        raise AnimePoseError(
            f"{title} gives {count} keypoints, but its skeleton {skeleton} has {expected}.",
            "Choose another model, or import it again with the skeleton that it has.",
        )
    return skeleton
