"""Reallusion's Character Creator 3 and 4 and iClone: bones whose names begin with CC_Base_.

Sources: Reallusion's documentation of the CC base skeleton, and BVH exports of such characters. The hip carries the
pelvis, from which the legs hang, and the waist.
"""

from .family import Family
from .sides import both, fingers, middle

FAMILIES = (
    Family(
        id="character_creator",
        title="Character Creator",
        prefixes=(r"CC[_ .\-]?Base[_ .\-]?",),
        bones=middle(
            {
                "root": "BoneRoot",
                "pelvis": "Hip",
                "spine_1": "Waist",
                "spine_2": "Spine01",
                "spine_3": "Spine02",
                "neck_1": "NeckTwist01",
                "neck_2": "NeckTwist02",
                "head": "Head",
            }
        )
        | both(
            {
                "shoulder": "%_Clavicle",
                "upper_arm": "%_Upperarm",
                "forearm": "%_Forearm",
                "hand": "%_Hand",
                "thigh": "%_Thigh",
                "shin": "%_Calf",
                "foot": "%_Foot",
                "toe": "%_ToeBase",
            }
            | fingers("%_{finger}{end}", ("Thumb", "Index", "Mid", "Ring", "Pinky")),
            "L",
            "R",
        ),
        ignore=(r"(arm|Thigh|Calf|Ribs)Twist", r"ShareBone", r"_Pelvis$", r"Toe\d$", r"^End_"),
    ),
)
