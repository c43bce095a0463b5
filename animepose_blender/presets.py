"""The presets: which part of an estimate is done by what. Standard library only; both processes use it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

MEDIAPIPE = "mediapipe"
"""MediaPipe's networks, which come with the worker's packages."""
NONE = "none"
"""The part is left out."""
SEPARATOR = ","
"""Between depth networks of which the one that suits the scene is used."""
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

    def networks(self) -> tuple[str, ...]:
        """Ids of all networks of the store that are needed."""
        named = [name for one in fields(self) for name in getattr(self, one.name).split(SEPARATOR)]
        return tuple(dict.fromkeys(name for name in named if name not in (MEDIAPIPE, NONE, "")))


PARTS: Mapping[str, Parts] = {
    "offline": Parts(MEDIAPIPE, NONE, MEDIAPIPE, NONE),
    "quality": Parts(
        "rf-detr-seg-medium", NONE, "vitpose-plus-base",
        "depth-anything-v2-metric-indoor-small,depth-anything-v2-metric-outdoor-small",
    ),
    "dummy": Parts(NONE, NONE, NONE, NONE),
}  # fmt: skip
"""What each preset uses. `dummy` makes up a walking person without reading the picture, to try protocol, progress and
cancel in a second."""


def is_part(name: str) -> bool:
    """Whether a text can name a part: ids, separated by commas."""
    return all(_NAME.fullmatch(one) for one in name.split(SEPARATOR))
