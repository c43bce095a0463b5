"""Motion capture suits: Rokoko's skeleton, and Xsens MVN's segments (FBX) and joints (BVH).

Sources: Rokoko's help on exporting from Studio (the Newton skeleton) and the MVN User Manual (segments; BVH export).
Xsens's BVH calls a collar what others call a shoulder, and names limbs after the joint above them.
"""

from .family import Family
from .sides import both, fingers, middle

FAMILIES = (
    Family(
        id="rokoko",
        title="Rokoko",
        bones=middle(
            {
                "root": "Root",
                "pelvis": "Hips",
                "spine_1": ("Spine1", "Spine"),
                "spine_2": "Spine2",
                "spine_3": "Spine3",
                "spine_4": "Spine4",
                "neck_1": "Neck",
                "head": "Head",
            }
        )
        | both(
            {
                "shoulder": "%Shoulder",
                "upper_arm": "%Arm",
                "forearm": "%ForeArm",
                "hand": "%Hand",
                "thigh": "%Thigh",
                "shin": "%Shin",
                "foot": "%Foot",
                "toe": "%Toe",
            }
            | fingers("%Finger1{end}", ("",), ("Metacarpal", "Proximal", "Distal"), of=("thumb",))
            | fingers(
                "%Finger{finger}{end}",
                ("2", "3", "4", "5"),
                ("Proximal", "Medial", "Distal"),
                of=("index", "middle", "ring", "pinky"),
            ),
            "Left",
            "Right",
        ),
        evidence=("LeftThigh", "LeftShin"),
        ignore=(r"_e$", r"End$", r"Finger[2-5](Metacarpal|Tip)$"),
    ),
    Family(
        id="xsens",
        title="Xsens MVN",
        bones=middle(
            {
                "pelvis": "Pelvis",
                "spine_1": "L5",
                "spine_2": "L3",
                "spine_3": "T12",
                "spine_4": "T8",
                "neck_1": "Neck",
                "head": "Head",
            }
        )
        | both(
            {
                "shoulder": "%Shoulder",
                "upper_arm": "%UpperArm",
                "forearm": "%ForeArm",
                "hand": "%Hand",
                "thigh": "%UpperLeg",
                "shin": "%LowerLeg",
                "foot": "%Foot",
                "toe": "%Toe",
            },
            "Left",
            "Right",
        ),
        evidence=("T8",),
    ),
    Family(
        id="xsens_bvh",
        title="Xsens BVH",
        bones=middle(
            {
                "pelvis": "Hips",
                "spine_1": "Chest",
                "spine_2": "Chest2",
                "spine_3": "Chest3",
                "spine_4": "Chest4",
                "neck_1": "Neck",
                "head": "Head",
            }
        )
        | both(
            {
                "shoulder": "%Collar",
                "upper_arm": "%Shoulder",
                "forearm": "%Elbow",
                "hand": "%Wrist",
                "thigh": "%Hip",
                "shin": "%Knee",
                "foot": "%Ankle",
                "toe": "%Toe",
            },
            "Left",
            "Right",
        ),
        evidence=("LeftCollar", "LeftElbow"),
    ),
)
