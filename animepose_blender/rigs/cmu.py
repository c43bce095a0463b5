"""The CMU motion capture library: its own skeleton (ASF), and the BVH conversions with MotionBuilder's names.

Sources: the library's ASF files (mocap.cs.cmu.edu), B. Hahne's conversion to BVH (cgspeed), and MPFB's rig `cmu_mb`
(MakeHuman community, CC0). Of the fingers it has the thumb and all others together, which fill no slot.
"""

from .family import Family
from .sides import both, middle

FAMILIES = (
    Family(
        id="cmu_mb",
        title="CMU BVH (MotionBuilder names)",
        bones=middle(
            {
                "pelvis": "Hips",
                "spine_1": "LowerBack",
                "spine_2": "Spine",
                "spine_3": "Spine1",
                "neck_1": "Neck",
                "neck_2": "Neck1",
                "head": "Head",
            }
        )
        | both(
            {
                "shoulder": "%Shoulder",
                "upper_arm": "%Arm",
                "forearm": "%ForeArm",
                "hand": "%Hand",
                "thigh": "%UpLeg",
                "shin": "%Leg",
                "foot": "%Foot",
                "toe": "%ToeBase",
            },
            "Left",
            "Right",
        )
        | both({"thumb_1": "%Thumb"}, "L", "R"),
        evidence=("LowerBack", "LHipJoint"),
        ignore=(r"HipJoint$", r"FingerBase$", r"HandFinger1$", r"HandIndex1$"),
    ),
    Family(
        id="cmu_asf",
        title="CMU ASF",
        bones=middle(
            {
                "pelvis": "root",
                "spine_1": "lowerback",
                "spine_2": "upperback",
                "spine_3": "thorax",
                "neck_1": "lowerneck",
                "neck_2": "upperneck",
                "head": "head",
            }
        )
        | both(
            {
                "shoulder": "%clavicle",
                "upper_arm": "%humerus",
                "forearm": "%radius",
                "hand": "%wrist",
                "thumb_1": "%thumb",
                "thigh": "%femur",
                "shin": "%tibia",
                "foot": "%foot",
                "toe": "%toes",
            },
            "l",
            "r",
        ),
        ignore=(r"hipjoint$", r"^[lr](hand|fingers)$", r"^End_"),
    ),
)
