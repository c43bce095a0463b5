"""DAZ's figures: Genesis 3, 8 and 8.1 (limbs of a bending and a twisting bone), Genesis 9, and the older ones.

Sources: DAZ 3D's documentation centre (figure joints, the rigging of Genesis 8 and 9) and the bone tables in the wiki
of the Diffeomorphic importer. The older figures' names are Poser's as well; many conversions of the CMU recordings to
BVH have them. In Genesis the hip carries the pelvis, from which the legs hang, and the abdomen.
"""

from .family import Family
from .sides import both, fingers, middle

_FINGER_WORDS = ("Thumb", "Index", "Mid", "Ring", "Pinky")
_HELPERS = (r"Twist\d?$", r"twist\d$", r"Pectoral|pectoral", r"Carpal|metacarpal", r"[Mm]etatarsal", r"toe\d", r"^End_")

FAMILIES = (
    Family(
        id="daz_genesis_8",
        title="DAZ Genesis 3 and 8",
        bones=middle(
            {
                "pelvis": "hip",
                "spine_1": "abdomenLower",
                "spine_2": "abdomenUpper",
                "spine_3": "chestLower",
                "spine_4": "chestUpper",
                "neck_1": "neckLower",
                "neck_2": "neckUpper",
                "head": "head",
            }
        )
        | both(
            {
                "shoulder": "%Collar",
                "upper_arm": "%ShldrBend",
                "forearm": "%ForearmBend",
                "hand": "%Hand",
                "thigh": "%ThighBend",
                "shin": "%Shin",
                "foot": "%Foot",
                "toe": "%Toe",
            }
            | fingers("%{finger}{end}", _FINGER_WORDS),
            "l",
            "r",
        ),
        evidence=("abdomenLower", "lShldrBend"),
        ignore=_HELPERS,
    ),
    Family(
        id="daz_genesis_9",
        title="DAZ Genesis 9",
        bones=middle(
            {
                "pelvis": "hip",
                "spine_1": "spine1",
                "spine_2": "spine2",
                "spine_3": "spine3",
                "spine_4": "spine4",
                "neck_1": "neck1",
                "neck_2": "neck2",
                "head": "head",
            }
        )
        | both(
            {
                "shoulder": "%_shoulder",
                "upper_arm": "%_upperarm",
                "forearm": "%_forearm",
                "hand": "%_hand",
                "thigh": "%_thigh",
                "shin": "%_shin",
                "foot": "%_foot",
                "toe": "%_toes",
            }
            | fingers("%_{finger}{end}", ("thumb", "index", "mid", "ring", "pinky")),
            "l",
            "r",
        ),
        ignore=_HELPERS,
    ),
    Family(
        id="poser",
        title="Poser, DAZ Genesis 1 and 2",
        bones=middle(
            {
                "pelvis": "hip",
                "spine_1": "abdomen",
                "spine_2": ("chest", "abdomen2"),
                "neck_1": "neck",
                "head": "head",
            }
        )
        | both(
            {
                "shoulder": "%Collar",
                "upper_arm": "%Shldr",
                "forearm": "%ForeArm",
                "hand": "%Hand",
                "thigh": "%Thigh",
                "shin": "%Shin",
                "foot": "%Foot",
                "toe": "%Toe",
            }
            | fingers("%{finger}{end}", _FINGER_WORDS),
            "l",
            "r",
        ),
        ignore=(*_HELPERS, r"Buttock$"),
    ),
    Family(
        id="daz_genesis_2",
        title="DAZ Genesis 1 and 2",
        bones=middle(
            {
                "pelvis": "hip",
                "spine_1": "abdomen",
                "spine_2": "abdomen2",
                "spine_3": "chest",
                "neck_1": "neck",
                "head": "head",
            }
        )
        | both(
            {
                "shoulder": "%Collar",
                "upper_arm": "%Shldr",
                "forearm": "%ForeArm",
                "hand": "%Hand",
                "thigh": "%Thigh",
                "shin": "%Shin",
                "foot": "%Foot",
                "toe": "%Toe",
            }
            | fingers("%{finger}{end}", _FINGER_WORDS),
            "l",
            "r",
        ),
        evidence=("abdomen2",),
        ignore=_HELPERS,
    ),
)
