"""Auto-Rig Pro: its control rig (bones c_... by FK), and its deforming bones as in humanoid exports.

Sources: Auto-Rig Pro's documentation (lucky3d.fr, rig features: naming, IK-FK) and its public bug reports and forum
threads that name bones and properties. `ik_fk_switch` is 0 for IK and 1 for FK, on the IK control of hand or foot.
No such rig could be tried out here: what controls hang on is probed on the animator's own.
"""

from .family import Family, Ik, Property
from .sides import both, fingers, middle

_FOUR = ("index", "middle", "ring", "pinky")

FAMILIES = (
    Family(
        id="auto_rig_pro",
        title="Auto-Rig Pro",
        bones=middle(
            {
                "root": "c_traj",
                "pelvis": "c_root_master.x",
                "spine_1": "c_spine_01.x",
                "spine_2": "c_spine_02.x",
                "spine_3": "c_spine_03.x",
                "spine_4": "c_spine_04.x",
                "spine_5": "c_spine_05.x",
                "spine_6": "c_spine_06.x",
                "neck_1": ("c_neck.x", "c_neck_01.x"),
                "head": "c_head.x",
            }
        )
        | both(
            {
                "shoulder": "c_shoulder.%",
                "upper_arm": "c_arm_fk.%",
                "forearm": "c_forearm_fk.%",
                "hand": "c_hand_fk.%",
                "thigh": "c_thigh_fk.%",
                "shin": "c_leg_fk.%",
                "foot": "c_foot_fk.%",
                "toe": "c_toes_fk.%",
            }
            | fingers("c_{finger}{end}.%"),
            "l",
            "r",
        ),
        evidence=("c_root_master.x", "c_traj", "c_hand_ik.l", "c_foot_ik.l", "c_arm_fk.l"),
        ik={
            f"{limb}.{side}": Ik(
                end=f"{end}.{side.lower()}",
                pole=f"{pole}.{side.lower()}",
                fk=(Property(f"{end}.{side.lower()}", "ik_fk_switch", 1.0),),
                ik=(Property(f"{end}.{side.lower()}", "ik_fk_switch", 0.0),),
                also={f"toe.{side}": f"c_toes_ik.{side.lower()}"} if limb == "leg" else {},
            )
            for limb, end, pole in (("arm", "c_hand_ik", "c_arms_pole"), ("leg", "c_foot_ik", "c_leg_pole"))
            for side in "LR"
        },
        ignore=(r"_ref\b", r"_base\.", r"twist|stretch|bend|offset", r"_ik\b|_ik\.", r"_proxy", r"nostr"),
    ),
    Family(
        id="auto_rig_pro_export",
        title="Auto-Rig Pro, deforming bones",
        bones=middle(
            {
                "pelvis": "root.x",
                "spine_1": "spine_01.x",
                "spine_2": "spine_02.x",
                "spine_3": "spine_03.x",
                "spine_4": "spine_04.x",
                "spine_5": "spine_05.x",
                "neck_1": ("neck.x", "neck_01.x"),
                "head": "head.x",
            }
        )
        | both(
            {
                "shoulder": "shoulder.%",
                "upper_arm": ("arm_stretch.%", "arm.%"),
                "forearm": ("forearm_stretch.%", "forearm.%"),
                "hand": "hand.%",
                "thigh": ("thigh_stretch.%", "thigh.%"),
                "shin": ("leg_stretch.%", "leg.%"),
                "foot": "foot.%",
                "toe": "toes_01.%",
            }
            | {f"{finger}_1": (f"{finger}1.%", f"c_{finger}1.%") for finger in ("thumb", *_FOUR)}
            | {
                f"{finger}_{number}": (f"c_{finger}{number}.%", f"{finger}{number}.%")
                for finger in ("thumb", *_FOUR)
                for number in (2, 3)
            },
            "l",
            "r",
        ),
        evidence=("root.x",),
        ignore=(r"twist", r"_base\.", r"_bend"),
    ),
)
