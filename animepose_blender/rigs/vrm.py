"""VRM avatars: VRoid Studio's bones, and the names of the VRM humanoid themselves (versions 1.0 and 0.x).

Sources: the VRM specification's list of humanoid bones (vrm-c, `VRMC_vrm-1.0` and `0.x`), whose thumbs differ, and the
node names in files that VRoid Studio exports. The names with a capital are those of Unity's humanoid.
"""

from .family import Family
from .sides import both, fingers, middle

_HUMANOID = {
    "pelvis": ("hips", "Hips"),
    "spine_1": ("spine", "Spine"),
    "spine_2": ("chest", "Chest"),
    "spine_3": ("upperChest", "UpperChest"),
    "neck_1": ("neck", "Neck"),
    "head": ("head", "Head"),
}
_LIMBS = {
    "shoulder": "%Shoulder",
    "upper_arm": "%UpperArm",
    "forearm": "%LowerArm",
    "hand": "%Hand",
    "thigh": "%UpperLeg",
    "shin": "%LowerLeg",
    "foot": "%Foot",
    "toe": "%Toes",
} | fingers(
    "%{finger}{end}",
    ("Index", "Middle", "Ring", "Little"),
    ("Proximal", "Intermediate", "Distal"),
    of=("index", "middle", "ring", "pinky"),
)
_HELPERS = (r"^J_Sec_", r"^J_Adj_", r"_end$", r"[Tt]wist", r"Eye$", r"^jaw$")

FAMILIES = (
    Family(
        id="vroid",
        title="VRoid",
        bones=middle(
            {
                "root": "Root",
                "pelvis": "J_Bip_C_Hips",
                "spine_1": "J_Bip_C_Spine",
                "spine_2": "J_Bip_C_Chest",
                "spine_3": "J_Bip_C_UpperChest",
                "neck_1": "J_Bip_C_Neck",
                "head": "J_Bip_C_Head",
            }
        )
        | both(
            {
                "shoulder": "J_Bip_%_Shoulder",
                "upper_arm": "J_Bip_%_UpperArm",
                "forearm": "J_Bip_%_LowerArm",
                "hand": "J_Bip_%_Hand",
                "thigh": "J_Bip_%_UpperLeg",
                "shin": "J_Bip_%_LowerLeg",
                "foot": "J_Bip_%_Foot",
                "toe": "J_Bip_%_ToeBase",
            }
            | fingers("J_Bip_%_{finger}{end}", ("Thumb", "Index", "Middle", "Ring", "Little")),
            "L",
            "R",
        ),
        ignore=_HELPERS,
    ),
    Family(
        id="vrm_1",
        title="VRM humanoid 1.0",
        bones=middle(_HUMANOID)
        | both(
            _LIMBS | fingers("%Thumb{end}", ("",), ("Metacarpal", "Proximal", "Distal"), of=("thumb",)), "left", "right"
        ),
        evidence=("leftThumbMetacarpal",),
        ignore=_HELPERS,
    ),
    Family(
        id="vrm_0",
        title="VRM humanoid 0.x",
        bones=middle(_HUMANOID)
        | both(
            _LIMBS | fingers("%Thumb{end}", ("",), ("Proximal", "Intermediate", "Distal"), of=("thumb",)),
            "left",
            "right",
        ),
        ignore=_HELPERS,
    ),
)
