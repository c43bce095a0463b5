"""The armatures that this extension itself makes of a take (`core.armature_space`, `core.finger_space`)."""

from ..core.fingers import FINGERS
from .family import Family
from .sides import both, fingers, middle

FAMILIES = (
    Family(
        id="animepose",
        title="AnimePose",
        bones=middle({"pelvis": "pelvis", "spine_1": "abdomen", "spine_2": "spine", "spine_3": "chest", "head": "head"})
        | both(
            {
                "shoulder": "shoulder.%",
                "upper_arm": "upper_arm.%",
                "forearm": "forearm.%",
                "hand": "hand.%",
                "thigh": "thigh.%",
                "shin": "shin.%",
                "foot": "foot.%",
            }
            | fingers("{finger}_{end}.%", FINGERS),
            "L",
            "R",
        ),
        evidence=("abdomen", "chest"),
    ),
)
