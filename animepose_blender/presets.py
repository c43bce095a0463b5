"""The presets: which part of an estimate is done by what. Standard library only; both processes use it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MEDIAPIPE = "mediapipe"
"""MediaPipe's networks, which come with the worker's packages."""
NONE = "none"
"""The part is left out."""
SEPARATOR = ","
"""Between depth networks of which the one that suits the scene is used."""
SEEING = ("detector", "masks", "pose", "root", "depth")
"""The parts that look at pictures."""
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True)
class Parts:
    """Who does what in an estimate: ids of networks of the weight store, or `MEDIAPIPE`, or `NONE`."""

    detector: str
    masks: str
    """`NONE` = those of the detector, or else of the pose."""
    pose: str
    depth: str
    """Of several, separated by commas, the one for the scene, indoors or outdoors, is used."""
    lifter: str = "temporal-lifter"
    """Who makes keypoints over time into joints in space: a network of our own kind; `NONE` = the pose's own stay."""
    predictor: str = "trajectory-gru"
    """Who says where hidden people go: likewise."""
    root: str = NONE
    """Who says from the picture how far away each person is."""

    def networks(self) -> tuple[str, ...]:
        """Ids of the networks of the store that look at pictures, for which torch is needed."""
        named = [name for part in SEEING for name in getattr(self, part).split(SEPARATOR)]
        return tuple(dict.fromkeys(name for name in named if name not in (MEDIAPIPE, NONE, "")))

    def needed(self) -> tuple[str, ...]:
        """The same with those that do not look at pictures."""
        return (*self.networks(), *(name for name in (self.lifter, self.predictor) if name != NONE))


PARTS: Mapping[str, Parts] = {
    "offline": Parts(MEDIAPIPE, NONE, MEDIAPIPE, NONE),
    "quality": Parts(
        "rf-detr-seg-medium", NONE, "vitpose-plus-base",
        "depth-anything-v2-metric-indoor-small,depth-anything-v2-metric-outdoor-small",
    ),
    "animepose": Parts("detect-net", NONE, "pose-net", "depth-net", root="root-net"),
    "dummy": Parts(NONE, NONE, NONE, NONE),
}  # fmt: skip
"""What each preset uses. `dummy` makes up a walking person without reading the picture, to try protocol, progress and
cancel in a second."""


def is_part(name: str) -> bool:
    """Whether a text can name a part: ids, separated by commas."""
    return all(_NAME.fullmatch(one) for one in name.split(SEPARATOR))
