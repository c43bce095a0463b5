"""Mixamo: the names of the skeleton that its auto-rigger makes; also Ready Player Me and HumanIK characters.

Sources: Mixamo's FBX downloads as described in Adobe's Mixamo help, MPFB's rig `mixamo` (MakeHuman community, CC0), and
the HumanIK definition of Autodesk's documentation. A number follows the word where a scene holds several characters.
"""

from .family import Family
from .sides import both, fingers, middle

FAMILIES = (
    Family(
        id="mixamo",
        title="Mixamo",
        prefixes=(r"mixamorig\d*[:_.\- ]?",),
        bones=middle(
            {
                "pelvis": "Hips",
                "spine_1": "Spine",
                "spine_2": "Spine1",
                "spine_3": "Spine2",
                "spine_4": "Spine3",
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
                "toe": ("%ToeBase", "%Toe"),
            }
            | fingers("%Hand{finger}{end}", ("Thumb", "Index", "Middle", "Ring", "Pinky")),
            "Left",
            "Right",
        ),
        ignore=(r"_End$", r"Roll\d*$", r"Twist\d*$", r"Eye$"),
    ),
)
