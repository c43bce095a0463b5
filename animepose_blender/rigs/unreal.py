"""Unreal's mannequins of versions 4 and 5 (Manny, Quinn, MetaHuman bodies), and rigs that follow their names.

Sources: Epic's documentation of the mannequins' skeletons and of MetaHuman, and MPFB's rig `game_engine` (MakeHuman
community, CC0), which has the bones of version 4 with another root and without helpers.
"""

from .family import Family
from .sides import both, fingers, middle

_TRUNK = {"pelvis": "pelvis", "spine_1": "spine_01", "spine_2": "spine_02", "spine_3": "spine_03", "head": "head"}
_LIMBS = both(
    {
        "shoulder": "clavicle_%",
        "upper_arm": "upperarm_%",
        "forearm": "lowerarm_%",
        "hand": "hand_%",
        "thigh": "thigh_%",
        "shin": "calf_%",
        "foot": "foot_%",
        "toe": "ball_%",
    }
    | fingers("{finger}_{end}_%", ends=("01", "02", "03")),
    "l",
    "r",
)
_HELPERS = (r"twist", r"corrective", r"metacarpal", r"^ik_", r"^VB ", r"_bck_|_fwd_|_in_|_out_", r"_pec_|scap|lats?")

FAMILIES = (
    Family(
        id="unreal_4",
        title="Unreal Mannequin (UE4)",
        bones=middle({"root": "root", **_TRUNK, "neck_1": "neck_01"}) | _LIMBS,
        ignore=_HELPERS,
    ),
    Family(
        id="unreal_5",
        title="Unreal Mannequin (UE5)",
        bones=middle(
            {
                "root": "root",
                **_TRUNK,
                "spine_4": "spine_04",
                "spine_5": "spine_05",
                "neck_1": "neck_01",
                "neck_2": "neck_02",
            }
        )
        | _LIMBS,
        evidence=("spine_04", "spine_05", "neck_02"),
        ignore=_HELPERS,
    ),
    Family(
        id="game_engine",
        title="MakeHuman game engine",
        bones=middle({"root": "Root", **_TRUNK, "neck_1": "neck_01"}) | _LIMBS,
        evidence=("Root",),
        ignore=_HELPERS,
    ),
)
