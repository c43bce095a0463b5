"""Rigify: generated control rigs, their deforming bones alone (game exports), and the metarigs of Blender and MPFB.

Sources: the manual's chapters on Rigify (generated rig features, limbs, spines), the rigs that Blender 5.0's Rigify
makes of its human metarigs, tried out bone by bone, and MPFB's `rig.human` (MakeHuman community, CC0).

What was found out by moving bones (Rigify of Blender 5.0, human with face, basic human, MPFB's human):
- `torso` carries the figure. The spine's FK controls hang on it from a pivot in the middle of the back: those above
  it upwards (`spine_fk.002` and on), those below it downwards, so that `spine_fk` holds the pelvis and hangs on
  `spine_fk.001`. Where legs hang is therefore the torso's place and the turns of these two.
- `IK_FK` is 0 for IK and 1 for FK; `FK_limb_follow` 0 lets a limb turn with the body, 1 keeps it with the root.
- `neck_follow` and `head_follow` 1 let neck and head turn with what carries them, 0 keeps them with the torso;
  anything between is a mixture that no single control explains.
- `pole_vector` 1 makes the limb look at `..._ik_target`. `IK_parent` and `pole_parent` 1 are the root.
- By FK the toes are `toe_fk`, by IK `toe_ik`.
Bones and switches are the same in Blender 4.3, 5.0 and 5.2; rigs of older versions call the FK toes `toe`.
"""

from .family import Family, Ik, Property
from .sides import both, fingers, middle

_FINGERS = fingers(
    "f_{finger}.{end}.%",
    ("index", "middle", "ring", "pinky"),
    ("01", "02", "03"),
    of=("index", "middle", "ring", "pinky"),
) | fingers("thumb.{end}.%", ("",), ("01", "02", "03"), of=("thumb",))
_META_LIMBS = both(
    {
        "shoulder": "shoulder.%",
        "upper_arm": "upper_arm.%",
        "forearm": "forearm.%",
        "hand": "hand.%",
        "thigh": "thigh.%",
        "shin": "shin.%",
        "foot": "foot.%",
        "toe": "toe.%",
    }
    | _FINGERS,
    "L",
    "R",
)
_META_TRUNK = {"pelvis": "spine", "spine_1": "spine.001", "spine_2": "spine.002", "spine_3": "spine.003"}
_META_NECK = {"neck_1": "spine.004", "neck_2": "spine.005", "head": "spine.006"}
_MPFB_NECK = {"spine_4": "spine.004", "neck_1": "spine.005", "head": "spine.006"}
_META_HELPERS = (r"^(pelvis|breast|heel|palm)\.", r"\.[LR]\.\d{3}$", r"^(DEF|MCH)-")

FAMILIES = (
    Family(
        id="rigify",
        title="Rigify",
        bones=middle(
            {
                "root": "root",
                "pelvis": "torso",
                "spine_1": "spine_fk.001",
                "spine_2": "spine_fk.002",
                "spine_3": "spine_fk.003",
                "spine_4": "spine_fk.004",
                "spine_5": "spine_fk.005",
                "neck_1": "neck",
                "head": "head",
            }
        )
        | both(
            {
                "shoulder": "shoulder.%",
                "upper_arm": "upper_arm_fk.%",
                "forearm": "forearm_fk.%",
                "hand": "hand_fk.%",
                "thigh": "thigh_fk.%",
                "shin": "shin_fk.%",
                "foot": "foot_fk.%",
                "toe": ("toe_fk.%", "toe.%"),
            }
            | _FINGERS,
            "L",
            "R",
        ),
        evidence=("torso", "spine_fk", "upper_arm_parent.L", "hand_ik.L", "foot_ik.L"),
        followers={"pelvis": ("spine_fk",)},
        ik={
            f"{limb}.{side}": Ik(
                end=f"{end}.{side}",
                pole=f"{parts}_ik_target.{side}",
                fk=(
                    Property(f"{parts}_parent.{side}", "IK_FK", 1.0),
                    Property(f"{parts}_parent.{side}", "FK_limb_follow", 0.0),
                ),
                ik=(
                    Property(f"{parts}_parent.{side}", "IK_FK", 0.0),
                    Property(f"{parts}_parent.{side}", "FK_limb_follow", 0.0),
                    Property(f"{parts}_parent.{side}", "IK_parent", 1.0),
                    Property(f"{parts}_parent.{side}", "pole_vector", 1.0),
                    Property(f"{parts}_parent.{side}", "pole_parent", 1.0),
                ),
                also={f"toe.{side}": f"toe_ik.{side}"} if limb == "leg" else {},
            )
            for limb, parts, end in (("arm", "upper_arm", "hand_ik"), ("leg", "thigh", "foot_ik"))
            for side in "LR"
        },
        properties=(Property("torso", "neck_follow", 1.0), Property("torso", "head_follow", 1.0)),
        ignore=(r"^(DEF|MCH|ORG|VIS|WGT)-", r"^VIS_", r"tweak", r"_master\.", r"_parent\.", r"^palm\."),
    ),
    Family(
        id="rigify_deform",
        title="Rigify, deforming bones",
        prefixes=(r"DEF[-_. ]",),
        bones=middle(_META_TRUNK | _META_NECK | {"root": "root"}) | _META_LIMBS,
        evidence=("DEF-spine", "DEF-upper_arm.L"),
        ignore=(r"^DEF-(pelvis|breast|palm)\.", r"\.[LR]\.\d{3}$"),
    ),
    Family(
        id="rigify_deform_mpfb",
        title="Rigify of MPFB, deforming bones",
        prefixes=(r"DEF[-_. ]",),
        bones=middle(_META_TRUNK | _MPFB_NECK | {"root": "root"}) | _META_LIMBS,
        evidence=("DEF-spine", "DEF-upper_arm.L", "DEF-pelvis-helper.L"),
        ignore=(r"^DEF-(pelvis|breast|palm)\.", r"helper", r"\.[LR]\.\d{3}$"),
    ),
    Family(
        id="rigify_meta",
        title="Rigify metarig",
        bones=middle(_META_TRUNK | _META_NECK) | _META_LIMBS,
        ignore=_META_HELPERS,
    ),
    Family(
        id="rigify_meta_mpfb",
        title="Rigify metarig of MPFB",
        bones=middle(_META_TRUNK | _MPFB_NECK) | _META_LIMBS,
        ignore=_META_HELPERS,
    ),
)
