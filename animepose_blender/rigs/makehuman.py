"""MakeHuman's and MPFB's default rig, with and without toes: each limb has two bones, the first of which bends.

Source: the rig files of the MakeHuman community's MPFB (`rig.default`, CC0).
"""

from .family import Family
from .sides import both, fingers, middle

FAMILIES = (
    Family(
        id="makehuman",
        title="MakeHuman / MPFB default",
        bones=middle(
            {
                "pelvis": "root",
                "spine_1": "spine05",
                "spine_2": "spine04",
                "spine_3": "spine03",
                "spine_4": "spine02",
                "spine_5": "spine01",
                "neck_1": "neck01",
                "neck_2": "neck02",
                "neck_3": "neck03",
                "head": "head",
            }
        )
        | both(
            {
                "shoulder": "clavicle.%",
                "upper_arm": "upperarm01.%",
                "forearm": "lowerarm01.%",
                "hand": "wrist.%",
                "thigh": "upperleg01.%",
                "shin": "lowerleg01.%",
                "foot": "foot.%",
                "toe": "toe1-1.%",
            }
            | fingers("finger{finger}-{end}.%", ("1", "2", "3", "4", "5")),
            "L",
            "R",
        ),
        ignore=(r"^(shoulder01|upperarm02|lowerarm02|upperleg02|lowerleg02|pelvis|metacarpal\d|breast)", r"^toe[2-5]"),
    ),
)
