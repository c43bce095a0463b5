"""The bones of each test rig, one a line: name, parent, place, slot; `=` as slot repeats the place.

A place is a point of the human figure of `catalogue`. Lines with {L} (L or R), {l} (l or r), {S} (Left or Right) or {s}
(left or right) are written for both sides. `fingers` and `toes` lines stand for all bones of hand or foot.
Sources of the names: the docstrings of `animepose_blender.rigs`.
"""

from __future__ import annotations

UE_ARMS_AND_LEGS = """
clavicle_{l}, CHEST, shoulder, =
upperarm_{l}, clavicle_{l}, upper_arm, =
upperarm_twist_01_{l}, upperarm_{l}, along upper_arm 0.5 1.0,
lowerarm_{l}, upperarm_{l}, forearm, =
lowerarm_twist_01_{l}, lowerarm_{l}, along forearm 0.6 1.0,
hand_{l}, lowerarm_{l}, hand, =
thigh_{l}, pelvis, thigh, =
thigh_twist_01_{l}, thigh_{l}, along thigh 0.1 0.5,
calf_{l}, thigh_{l}, shin, =
calf_twist_01_{l}, calf_{l}, along shin 0.5 0.9,
foot_{l}, calf_{l}, foot, =
ball_{l}, foot_{l}, toe, =
"""
UE_IK = """
ik_foot_root, root, ground,
ik_foot_{l}, ik_foot_root, at ankle,
ik_hand_root, root, ground,
ik_hand_gun, ik_hand_root, at wrist R,
ik_hand_{l}, ik_hand_gun, at wrist,
"""
PLAIN_FINGERS = """
{f}_01_{l}, hand_{l}, finger {f} 1, {f}_1
{f}_02_{l}, {f}_01_{l}, finger {f} 2, {f}_2
{f}_03_{l}, {f}_02_{l}, finger {f} 3, {f}_3
"""

TABLES: dict[str, str] = {
    "mixamo": """
mixamorig:Hips, , pelvis, =
mixamorig:Spine, mixamorig:Hips, spine 1/3, spine_1
mixamorig:Spine1, mixamorig:Spine, spine 2/3, spine_2
mixamorig:Spine2, mixamorig:Spine1, spine 3/3, spine_3
mixamorig:Neck, mixamorig:Spine2, neck 1/1, neck_1
mixamorig:Head, mixamorig:Neck, head, =
mixamorig:HeadTop_End, mixamorig:Head, end head,
mixamorig:{S}Eye, mixamorig:Head, at eye,
mixamorig:{S}Shoulder, mixamorig:Spine2, shoulder, =
mixamorig:{S}Arm, mixamorig:{S}Shoulder, upper_arm, =
mixamorig:{S}ForeArm, mixamorig:{S}Arm, forearm, =
mixamorig:{S}Hand, mixamorig:{S}ForeArm, hand, =
mixamorig:{S}Hand{F}1, mixamorig:{S}Hand, finger {f} 1, {f}_1
mixamorig:{S}Hand{F}2, mixamorig:{S}Hand{F}1, finger {f} 2, {f}_2
mixamorig:{S}Hand{F}3, mixamorig:{S}Hand{F}2, finger {f} 3, {f}_3
mixamorig:{S}Hand{F}4, mixamorig:{S}Hand{F}3, end finger {f},
mixamorig:{S}UpLeg, mixamorig:Hips, thigh, =
mixamorig:{S}Leg, mixamorig:{S}UpLeg, shin, =
mixamorig:{S}Foot, mixamorig:{S}Leg, foot, =
mixamorig:{S}ToeBase, mixamorig:{S}Foot, toe, =
mixamorig:{S}Toe_End, mixamorig:{S}ToeBase, end toe,
""",
    "unreal_4": """
root, , ground, =root
pelvis, root, pelvis, =
spine_01, pelvis, spine 1/3, spine_1
spine_02, spine_01, spine 2/3, spine_2
spine_03, spine_02, spine 3/3, spine_3
neck_01, spine_03, neck 1/1, neck_1
head, neck_01, head, =
"""
    + UE_ARMS_AND_LEGS.replace("CHEST", "spine_03")
    + UE_IK
    + PLAIN_FINGERS,
    "unreal_5": """
root, , ground, =root
pelvis, root, pelvis, =
spine_01, pelvis, spine 1/5, spine_1
spine_02, spine_01, spine 2/5, spine_2
spine_03, spine_02, spine 3/5, spine_3
spine_04, spine_03, spine 4/5, spine_4
spine_05, spine_04, spine 5/5, spine_5
neck_01, spine_05, neck 1/2, neck_1
neck_02, neck_01, neck 2/2, neck_2
head, neck_02, head, =
"""
    + UE_ARMS_AND_LEGS.replace("CHEST", "spine_05")
    + UE_IK
    + """
upperarm_twist_02_{l}, upperarm_{l}, along upper_arm 0.0 0.5,
lowerarm_twist_02_{l}, lowerarm_{l}, along forearm 0.2 0.6,
thigh_twist_02_{l}, thigh_{l}, along thigh 0.5 0.9,
calf_twist_02_{l}, calf_{l}, along shin 0.1 0.5,
lowerarm_correctiveRoot_{l}, lowerarm_{l}, at elbow,
calf_correctiveRoot_{l}, calf_{l}, at knee,
clavicle_out_{l}, clavicle_{l}, along shoulder 0.5 1.0,
clavicle_pec_{l}, spine_05, at breast,
spine_04_latissimus_{l}, spine_04, at breast,
{g}_metacarpal_{l}, hand_{l}, palm {g},
{g}_01_{l}, {g}_metacarpal_{l}, finger {g} 1, {g}_1
{g}_02_{l}, {g}_01_{l}, finger {g} 2, {g}_2
{g}_03_{l}, {g}_02_{l}, finger {g} 3, {g}_3
thumb_01_{l}, hand_{l}, finger thumb 1, thumb_1
thumb_02_{l}, thumb_01_{l}, finger thumb 2, thumb_2
thumb_03_{l}, thumb_02_{l}, finger thumb 3, thumb_3
interaction, root, ground,
center_of_mass, root, ground,
""",
    "game_engine": """
Root, , ground, =root
pelvis, Root, pelvis, =
spine_01, pelvis, spine 1/3, spine_1
spine_02, spine_01, spine 2/3, spine_2
spine_03, spine_02, spine 3/3, spine_3
neck_01, spine_03, neck 1/1, neck_1
head, neck_01, head, =
"""
    + "".join(line + "\n" for line in UE_ARMS_AND_LEGS.splitlines() if "twist" not in line).replace("CHEST", "spine_03")
    + PLAIN_FINGERS,
    "vroid": """
Root, , ground, =root
J_Bip_C_Hips, Root, pelvis, =
J_Bip_C_Spine, J_Bip_C_Hips, spine 1/3, spine_1
J_Bip_C_Chest, J_Bip_C_Spine, spine 2/3, spine_2
J_Bip_C_UpperChest, J_Bip_C_Chest, spine 3/3, spine_3
J_Bip_C_Neck, J_Bip_C_UpperChest, neck 1/1, neck_1
J_Bip_C_Head, J_Bip_C_Neck, head, =
J_Adj_{L}_FaceEye, J_Bip_C_Head, at eye,
J_Sec_Hair1_01, J_Bip_C_Head, at hair,
J_Sec_Hair2_01, J_Sec_Hair1_01, at hair,
J_Sec_{L}_Bust1, J_Bip_C_UpperChest, at breast,
J_Sec_{L}_Bust2, J_Sec_{L}_Bust1, at breast,
J_Bip_{L}_Shoulder, J_Bip_C_UpperChest, shoulder, =
J_Bip_{L}_UpperArm, J_Bip_{L}_Shoulder, upper_arm, =
J_Sec_{L}_TopsUpperArmBack, J_Bip_{L}_UpperArm, along upper_arm 0.2 0.6,
J_Bip_{L}_LowerArm, J_Bip_{L}_UpperArm, forearm, =
J_Bip_{L}_Hand, J_Bip_{L}_LowerArm, hand, =
J_Bip_{L}_{V}1, J_Bip_{L}_Hand, finger {f} 1, {f}_1
J_Bip_{L}_{V}2, J_Bip_{L}_{V}1, finger {f} 2, {f}_2
J_Bip_{L}_{V}3, J_Bip_{L}_{V}2, finger {f} 3, {f}_3
J_Bip_{L}_UpperLeg, J_Bip_C_Hips, thigh, =
J_Sec_{L}_CoatSkirtFront1, J_Bip_{L}_UpperLeg, along thigh 0.1 0.5,
J_Bip_{L}_LowerLeg, J_Bip_{L}_UpperLeg, shin, =
J_Bip_{L}_Foot, J_Bip_{L}_LowerLeg, foot, =
J_Bip_{L}_ToeBase, J_Bip_{L}_Foot, toe, =
""",
    "vrm_1": """
hips, , pelvis, =
spine, hips, spine 1/3, spine_1
chest, spine, spine 2/3, spine_2
upperChest, chest, spine 3/3, spine_3
neck, upperChest, neck 1/1, neck_1
head, neck, head, =
{s}Eye, head, at eye,
jaw, head, at jaw,
{s}Shoulder, upperChest, shoulder, =
{s}UpperArm, {s}Shoulder, upper_arm, =
{s}LowerArm, {s}UpperArm, forearm, =
{s}Hand, {s}LowerArm, hand, =
{s}ThumbMetacarpal, {s}Hand, finger thumb 1, thumb_1
{s}ThumbProximal, {s}ThumbMetacarpal, finger thumb 2, thumb_2
{s}ThumbDistal, {s}ThumbProximal, finger thumb 3, thumb_3
{s}{W}Proximal, {s}Hand, finger {g} 1, {g}_1
{s}{W}Intermediate, {s}{W}Proximal, finger {g} 2, {g}_2
{s}{W}Distal, {s}{W}Intermediate, finger {g} 3, {g}_3
{s}UpperLeg, hips, thigh, =
{s}LowerLeg, {s}UpperLeg, shin, =
{s}Foot, {s}LowerLeg, foot, =
{s}Toes, {s}Foot, toe, =
""",
    "auto_rig_pro": """
c_pos, , ground,
c_traj, c_pos, ground, =root
c_root_master.x, c_traj, pelvis, =
c_root.x, c_root_master.x, pelvis,
c_root_bend.x, c_root.x, at pelvis,
root.x, c_root_master.x, pelvis,
c_spine_01.x, c_root_master.x, spine 1/3, spine_1
spine_01.x, c_spine_01.x, spine 1/3,
c_spine_02.x, c_spine_01.x, spine 2/3, spine_2
spine_02.x, c_spine_02.x, spine 2/3,
c_spine_03.x, c_spine_02.x, spine 3/3, spine_3
spine_03.x, c_spine_03.x, spine 3/3,
c_breast_01.{l}, c_spine_03.x, at breast,
c_neck.x, spine_03.x, neck 1/1, neck_1
neck.x, c_neck.x, neck 1/1,
c_head.x, neck.x, head, =
head.x, c_head.x, head,
c_jawbone.x, head.x, at jaw,
c_eye.{l}, head.x, at eye,
c_shoulder.{l}, spine_03.x, shoulder, =
shoulder.{l}, c_shoulder.{l}, shoulder,
c_arm_fk.{l}, shoulder.{l}, upper_arm, =
arm_ik.{l}, shoulder.{l}, upper_arm,
c_forearm_fk.{l}, c_arm_fk.{l}, forearm, =
forearm_ik.{l}, arm_ik.{l}, forearm,
c_hand_fk.{l}, c_forearm_fk.{l}, hand, =
c_hand_ik.{l}, c_traj, hand,
c_arms_pole.{l}, c_traj, pole elbow,
arm.{l}, shoulder.{l}, upper_arm,
arm_twist.{l}, arm.{l}, along upper_arm 0.0 0.5,
c_arm_twist_offset.{l}, arm_twist.{l}, along upper_arm 0.0 0.5,
arm_stretch.{l}, arm.{l}, along upper_arm 0.5 1.0,
forearm.{l}, arm.{l}, forearm,
forearm_stretch.{l}, forearm.{l}, along forearm 0.0 0.5,
forearm_twist.{l}, forearm.{l}, along forearm 0.5 1.0,
hand.{l}, forearm.{l}, hand,
c_thumb1.{l}, hand.{l}, finger thumb 1, thumb_1
c_thumb2.{l}, c_thumb1.{l}, finger thumb 2, thumb_2
c_thumb3.{l}, c_thumb2.{l}, finger thumb 3, thumb_3
c_{g}1_base.{l}, hand.{l}, palm {g},
c_{g}1.{l}, c_{g}1_base.{l}, finger {g} 1, {g}_1
c_{g}2.{l}, c_{g}1.{l}, finger {g} 2, {g}_2
c_{g}3.{l}, c_{g}2.{l}, finger {g} 3, {g}_3
c_thigh_fk.{l}, root.x, thigh, =
thigh_ik.{l}, root.x, thigh,
c_leg_fk.{l}, c_thigh_fk.{l}, shin, =
leg_ik.{l}, thigh_ik.{l}, shin,
c_foot_fk.{l}, c_leg_fk.{l}, foot, =
c_toes_fk.{l}, c_foot_fk.{l}, toe, =
c_foot_ik.{l}, c_traj, foot,
c_toes_ik.{l}, c_foot_ik.{l}, toe,
c_leg_pole.{l}, c_traj, pole knee,
thigh.{l}, root.x, thigh,
thigh_twist.{l}, thigh.{l}, along thigh 0.0 0.5,
thigh_stretch.{l}, thigh.{l}, along thigh 0.5 1.0,
leg.{l}, thigh.{l}, shin,
leg_stretch.{l}, leg.{l}, along shin 0.0 0.5,
leg_twist.{l}, leg.{l}, along shin 0.5 1.0,
foot.{l}, leg.{l}, foot,
toes_01.{l}, foot.{l}, toe,
""",
    "auto_rig_pro_export": """
root.x, , pelvis, =
spine_01.x, root.x, spine 1/3, spine_1
spine_02.x, spine_01.x, spine 2/3, spine_2
spine_03.x, spine_02.x, spine 3/3, spine_3
neck.x, spine_03.x, neck 1/1, neck_1
head.x, neck.x, head, =
shoulder.{l}, spine_03.x, shoulder, =
arm_stretch.{l}, shoulder.{l}, upper_arm, =
arm_twist.{l}, arm_stretch.{l}, along upper_arm 0.0 0.5,
forearm_stretch.{l}, arm_stretch.{l}, forearm, =
forearm_twist.{l}, forearm_stretch.{l}, along forearm 0.5 1.0,
hand.{l}, forearm_stretch.{l}, hand, =
thumb1.{l}, hand.{l}, finger thumb 1, thumb_1
c_thumb2.{l}, thumb1.{l}, finger thumb 2, thumb_2
c_thumb3.{l}, c_thumb2.{l}, finger thumb 3, thumb_3
c_{g}1_base.{l}, hand.{l}, palm {g},
{g}1.{l}, c_{g}1_base.{l}, finger {g} 1, {g}_1
c_{g}2.{l}, {g}1.{l}, finger {g} 2, {g}_2
c_{g}3.{l}, c_{g}2.{l}, finger {g} 3, {g}_3
thigh_stretch.{l}, root.x, thigh, =
thigh_twist.{l}, thigh_stretch.{l}, along thigh 0.0 0.5,
leg_stretch.{l}, thigh_stretch.{l}, shin, =
leg_twist.{l}, leg_stretch.{l}, along shin 0.5 1.0,
foot.{l}, leg_stretch.{l}, foot, =
toes_01.{l}, foot.{l}, toe, =
""",
    "makehuman": """
root, , pelvis, =pelvis
spine05, root, spine 1/5, spine_1
spine04, spine05, spine 2/5, spine_2
spine03, spine04, spine 3/5, spine_3
spine02, spine03, spine 4/5, spine_4
breast.{L}, spine02, at breast,
spine01, spine02, spine 5/5, spine_5
neck01, spine01, neck 1/3, neck_1
neck02, neck01, neck 2/3, neck_2
neck03, neck02, neck 3/3, neck_3
head, neck03, head, =
jaw, head, at jaw,
eye.{L}, head, at eye,
clavicle.{L}, spine01, shoulder, =
shoulder01.{L}, clavicle.{L}, along shoulder 0.6 1.0,
upperarm01.{L}, shoulder01.{L}, along upper_arm 0.0 0.5, upper_arm
upperarm02.{L}, upperarm01.{L}, along upper_arm 0.5 1.0,
lowerarm01.{L}, upperarm02.{L}, along forearm 0.0 0.5, forearm
lowerarm02.{L}, lowerarm01.{L}, along forearm 0.5 1.0,
wrist.{L}, lowerarm02.{L}, hand, =
finger1-1.{L}, wrist.{L}, finger thumb 1, thumb_1
finger1-2.{L}, finger1-1.{L}, finger thumb 2, thumb_2
finger1-3.{L}, finger1-2.{L}, finger thumb 3, thumb_3
metacarpal{m}.{L}, wrist.{L}, palm {g},
finger{n}-1.{L}, metacarpal{m}.{L}, finger {g} 1, {g}_1
finger{n}-2.{L}, finger{n}-1.{L}, finger {g} 2, {g}_2
finger{n}-3.{L}, finger{n}-2.{L}, finger {g} 3, {g}_3
pelvis.{L}, root, hip,
upperleg01.{L}, pelvis.{L}, along thigh 0.0 0.5, thigh
upperleg02.{L}, upperleg01.{L}, along thigh 0.5 1.0,
lowerleg01.{L}, upperleg02.{L}, along shin 0.0 0.5, shin
lowerleg02.{L}, lowerleg01.{L}, along shin 0.5 1.0,
foot.{L}, lowerleg02.{L}, foot, =
toe1-1.{L}, foot.{L}, toe, =
toe1-2.{L}, toe1-1.{L}, end toe,
toe2-1.{L}, foot.{L}, at toe2,
toe5-1.{L}, foot.{L}, at toe5,
""",
    "cmu_mb": """
Hips, , pelvis, =
LowerBack, Hips, spine 1/3, spine_1
Spine, LowerBack, spine 2/3, spine_2
Spine1, Spine, spine 3/3, spine_3
Neck, Spine1, neck 1/2, neck_1
Neck1, Neck, neck 2/2, neck_2
Head, Neck1, head, =
{S}Shoulder, Spine1, shoulder, =
{S}Arm, {S}Shoulder, upper_arm, =
{S}ForeArm, {S}Arm, forearm, =
{S}Hand, {S}ForeArm, hand, =
{S}FingerBase, {S}Hand, palm middle,
{S}HandFinger1, {S}FingerBase, finger middle 1,
{L}Thumb, {S}Hand, finger thumb 2, thumb_1
{L}HipJoint, Hips, hip,
{S}UpLeg, {L}HipJoint, thigh, =
{S}Leg, {S}UpLeg, shin, =
{S}Foot, {S}Leg, foot, =
{S}ToeBase, {S}Foot, toe, =
""",
    "cmu_asf": """
root, , pelvis, =pelvis
{l}hipjoint, root, hip,
{l}femur, {l}hipjoint, thigh, =
{l}tibia, {l}femur, shin, =
{l}foot, {l}tibia, foot, =
{l}toes, {l}foot, toe, =
lowerback, root, spine 1/3, spine_1
upperback, lowerback, spine 2/3, spine_2
thorax, upperback, spine 3/3, spine_3
lowerneck, thorax, neck 1/2, neck_1
upperneck, lowerneck, neck 2/2, neck_2
head, upperneck, head, =
{l}clavicle, thorax, shoulder, =
{l}humerus, {l}clavicle, upper_arm, =
{l}radius, {l}humerus, forearm, =
{l}wrist, {l}radius, hand, hand
{l}hand, {l}wrist, palm middle,
{l}fingers, {l}hand, finger middle 1,
{l}thumb, {l}wrist, finger thumb 2, thumb_1
""",
    "poser": """
hip, , pelvis, =
abdomen, hip, spine 1/2, spine_1
chest, abdomen, spine 2/2, spine_2
neck, chest, neck 1/1, neck_1
head, neck, head, =
{s}Eye, head, at eye,
{l}Collar, chest, shoulder, =
{l}Shldr, {l}Collar, upper_arm, =
{l}ForeArm, {l}Shldr, forearm, =
{l}Hand, {l}ForeArm, hand, =
{l}{D}1, {l}Hand, finger {f} 1, {f}_1
{l}{D}2, {l}{D}1, finger {f} 2, {f}_2
{l}Buttock, hip, hip,
{l}Thigh, {l}Buttock, thigh, =
{l}Shin, {l}Thigh, shin, =
{l}Foot, {l}Shin, foot, =
""",
    "character_creator": """
CC_Base_BoneRoot, , ground, =root
CC_Base_Hip, CC_Base_BoneRoot, pelvis, =
CC_Base_Pelvis, CC_Base_Hip, down pelvis,
CC_Base_Waist, CC_Base_Hip, spine 1/3, spine_1
CC_Base_Spine01, CC_Base_Waist, spine 2/3, spine_2
CC_Base_Spine02, CC_Base_Spine01, spine 3/3, spine_3
CC_Base_{L}_RibsTwist, CC_Base_Spine02, at breast,
CC_Base_{L}_Breast, CC_Base_{L}_RibsTwist, at breast,
CC_Base_NeckTwist01, CC_Base_Spine02, neck 1/2, neck_1
CC_Base_NeckTwist02, CC_Base_NeckTwist01, neck 2/2, neck_2
CC_Base_Head, CC_Base_NeckTwist02, head, =
CC_Base_FacialBone, CC_Base_Head, at jaw,
CC_Base_JawRoot, CC_Base_FacialBone, at jaw,
CC_Base_{L}_Eye, CC_Base_FacialBone, at eye,
CC_Base_{L}_Clavicle, CC_Base_Spine02, shoulder, =
CC_Base_{L}_Upperarm, CC_Base_{L}_Clavicle, upper_arm, =
CC_Base_{L}_UpperarmTwist01, CC_Base_{L}_Upperarm, along upper_arm 0.0 0.5,
CC_Base_{L}_UpperarmTwist02, CC_Base_{L}_UpperarmTwist01, along upper_arm 0.5 1.0,
CC_Base_{L}_Forearm, CC_Base_{L}_Upperarm, forearm, =
CC_Base_{L}_ForearmTwist01, CC_Base_{L}_Forearm, along forearm 0.0 0.5,
CC_Base_{L}_ForearmTwist02, CC_Base_{L}_ForearmTwist01, along forearm 0.5 1.0,
CC_Base_{L}_ElbowShareBone, CC_Base_{L}_Forearm, at elbow,
CC_Base_{L}_Hand, CC_Base_{L}_Forearm, hand, =
CC_Base_{L}_{D}1, CC_Base_{L}_Hand, finger {f} 1, {f}_1
CC_Base_{L}_{D}2, CC_Base_{L}_{D}1, finger {f} 2, {f}_2
CC_Base_{L}_{D}3, CC_Base_{L}_{D}2, finger {f} 3, {f}_3
CC_Base_{L}_Thigh, CC_Base_Pelvis, thigh, =
CC_Base_{L}_ThighTwist01, CC_Base_{L}_Thigh, along thigh 0.0 0.5,
CC_Base_{L}_ThighTwist02, CC_Base_{L}_ThighTwist01, along thigh 0.5 1.0,
CC_Base_{L}_Calf, CC_Base_{L}_Thigh, shin, =
CC_Base_{L}_CalfTwist01, CC_Base_{L}_Calf, along shin 0.0 0.5,
CC_Base_{L}_CalfTwist02, CC_Base_{L}_CalfTwist01, along shin 0.5 1.0,
CC_Base_{L}_KneeShareBone, CC_Base_{L}_Calf, at knee,
CC_Base_{L}_Foot, CC_Base_{L}_Calf, foot, =
CC_Base_{L}_ToeBaseShareBone, CC_Base_{L}_Foot, toe,
CC_Base_{L}_ToeBase, CC_Base_{L}_Foot, toe, =
CC_Base_{L}_BigToe1, CC_Base_{L}_ToeBase, end toe,
CC_Base_{L}_PinkyToe1, CC_Base_{L}_ToeBase, at toe5,
""",
    "daz_genesis_8": """
hip, , pelvis, =
pelvis, hip, down pelvis,
abdomenLower, hip, spine 1/4, spine_1
abdomenUpper, abdomenLower, spine 2/4, spine_2
chestLower, abdomenUpper, spine 3/4, spine_3
chestUpper, chestLower, spine 4/4, spine_4
{l}Pectoral, chestLower, at breast,
neckLower, chestUpper, neck 1/2, neck_1
neckUpper, neckLower, neck 2/2, neck_2
head, neckUpper, head, =
lowerJaw, head, at jaw,
{l}Eye, head, at eye,
{l}Collar, chestUpper, shoulder, =
{l}ShldrBend, {l}Collar, along upper_arm 0.0 0.5, upper_arm
{l}ShldrTwist, {l}ShldrBend, along upper_arm 0.5 1.0,
{l}ForearmBend, {l}ShldrTwist, along forearm 0.0 0.5, forearm
{l}ForearmTwist, {l}ForearmBend, along forearm 0.5 1.0,
{l}Hand, {l}ForearmTwist, hand, =
{l}Thumb1, {l}Hand, finger thumb 1, thumb_1
{l}Thumb2, {l}Thumb1, finger thumb 2, thumb_2
{l}Thumb3, {l}Thumb2, finger thumb 3, thumb_3
{l}Carpal{m}, {l}Hand, palm {g},
{l}{E}1, {l}Carpal{m}, finger {g} 1, {g}_1
{l}{E}2, {l}{E}1, finger {g} 2, {g}_2
{l}{E}3, {l}{E}2, finger {g} 3, {g}_3
{l}ThighBend, pelvis, along thigh 0.0 0.5, thigh
{l}ThighTwist, {l}ThighBend, along thigh 0.5 1.0,
{l}Shin, {l}ThighTwist, shin, =
{l}Foot, {l}Shin, foot, =
{l}Metatarsals, {l}Foot, foot,
{l}Toe, {l}Foot, toe, =
{l}BigToe, {l}Toe, end toe,
{l}SmallToe4, {l}Toe, at toe5,
""",
    "daz_genesis_9": """
hip, , pelvis, =
pelvis, hip, down pelvis,
spine1, hip, spine 1/4, spine_1
spine2, spine1, spine 2/4, spine_2
spine3, spine2, spine 3/4, spine_3
spine4, spine3, spine 4/4, spine_4
{l}_pectoral, spine3, at breast,
neck1, spine4, neck 1/2, neck_1
neck2, neck1, neck 2/2, neck_2
head, neck2, head, =
lowerjaw, head, at jaw,
{l}_eye, head, at eye,
{l}_shoulder, spine4, shoulder, =
{l}_upperarm, {l}_shoulder, upper_arm, =
{l}_upperarmtwist1, {l}_upperarm, along upper_arm 0.0 0.5,
{l}_upperarmtwist2, {l}_upperarm, along upper_arm 0.5 1.0,
{l}_forearm, {l}_upperarm, forearm, =
{l}_forearmtwist1, {l}_forearm, along forearm 0.0 0.5,
{l}_forearmtwist2, {l}_forearm, along forearm 0.5 1.0,
{l}_hand, {l}_forearm, hand, =
{l}_thumb1, {l}_hand, finger thumb 1, thumb_1
{l}_thumb2, {l}_thumb1, finger thumb 2, thumb_2
{l}_thumb3, {l}_thumb2, finger thumb 3, thumb_3
{l}_{e}metacarpal, {l}_hand, palm {g},
{l}_{e}1, {l}_{e}metacarpal, finger {g} 1, {g}_1
{l}_{e}2, {l}_{e}1, finger {g} 2, {g}_2
{l}_{e}3, {l}_{e}2, finger {g} 3, {g}_3
{l}_thigh, pelvis, thigh, =
{l}_thightwist1, {l}_thigh, along thigh 0.0 0.5,
{l}_thightwist2, {l}_thigh, along thigh 0.5 1.0,
{l}_shin, {l}_thigh, shin, =
{l}_foot, {l}_shin, foot, =
{l}_metatarsal, {l}_foot, foot,
{l}_toes, {l}_foot, toe, =
{l}_bigtoe1, {l}_toes, end toe,
{l}_pinkytoe1, {l}_toes, at toe5,
""",
    "rokoko": """
Root, , ground, =root
Hips, Root, pelvis, =
Spine1, Hips, spine 1/4, spine_1
Spine2, Spine1, spine 2/4, spine_2
Spine3, Spine2, spine 3/4, spine_3
Spine4, Spine3, spine 4/4, spine_4
Neck, Spine4, neck 1/1, neck_1
Head, Neck, head, =
Head_e, Head, end head,
{S}Shoulder, Spine4, shoulder, =
{S}Arm, {S}Shoulder, upper_arm, =
{S}ForeArm, {S}Arm, forearm, =
{S}Hand, {S}ForeArm, hand, =
{S}Finger1Metacarpal, {S}Hand, finger thumb 1, thumb_1
{S}Finger1Proximal, {S}Finger1Metacarpal, finger thumb 2, thumb_2
{S}Finger1Distal, {S}Finger1Proximal, finger thumb 3, thumb_3
{S}Finger{n}Metacarpal, {S}Hand, palm {g},
{S}Finger{n}Proximal, {S}Finger{n}Metacarpal, finger {g} 1, {g}_1
{S}Finger{n}Medial, {S}Finger{n}Proximal, finger {g} 2, {g}_2
{S}Finger{n}Distal, {S}Finger{n}Medial, finger {g} 3, {g}_3
{S}Thigh, Hips, thigh, =
{S}Shin, {S}Thigh, shin, =
{S}Foot, {S}Shin, foot, =
{S}Toe, {S}Foot, toe, =
{S}Toe_e, {S}Toe, end toe,
""",
    "xsens": """
Pelvis, , pelvis, =
L5, Pelvis, spine 1/4, spine_1
L3, L5, spine 2/4, spine_2
T12, L3, spine 3/4, spine_3
T8, T12, spine 4/4, spine_4
Neck, T8, neck 1/1, neck_1
Head, Neck, head, =
{S}Shoulder, T8, shoulder, =
{S}UpperArm, {S}Shoulder, upper_arm, =
{S}ForeArm, {S}UpperArm, forearm, =
{S}Hand, {S}ForeArm, hand, =
{S}UpperLeg, Pelvis, thigh, =
{S}LowerLeg, {S}UpperLeg, shin, =
{S}Foot, {S}LowerLeg, foot, =
{S}Toe, {S}Foot, toe, =
""",
    "xsens_bvh": """
Hips, , pelvis, =
Chest, Hips, spine 1/4, spine_1
Chest2, Chest, spine 2/4, spine_2
Chest3, Chest2, spine 3/4, spine_3
Chest4, Chest3, spine 4/4, spine_4
Neck, Chest4, neck 1/1, neck_1
Head, Neck, head, =
{S}Collar, Chest4, shoulder, =
{S}Shoulder, {S}Collar, upper_arm, =
{S}Elbow, {S}Shoulder, forearm, =
{S}Wrist, {S}Elbow, hand, =
{S}Hip, Hips, thigh, =
{S}Knee, {S}Hip, shin, =
{S}Ankle, {S}Knee, foot, =
{S}Toe, {S}Ankle, toe, =
""",
    "rigify_meta": """
spine, , pelvis, =pelvis
spine.001, spine, spine 1/3, spine_1
spine.002, spine.001, spine 2/3, spine_2
spine.003, spine.002, spine 3/3, spine_3
spine.004, spine.003, neck 1/2, neck_1
spine.005, spine.004, neck 2/2, neck_2
spine.006, spine.005, head, head
face, spine.006, at jaw,
jaw_master, face, at jaw,
eye.{L}, face, at eye,
pelvis.{L}, spine, hip,
breast.{L}, spine.003, at breast,
shoulder.{L}, spine.003, shoulder, =
upper_arm.{L}, shoulder.{L}, upper_arm, =
forearm.{L}, upper_arm.{L}, forearm, =
hand.{L}, forearm.{L}, hand, =
palm.0{m}.{L}, hand.{L}, palm {g},
f_{g}.01.{L}, palm.0{m}.{L}, finger {g} 1, {g}_1
f_{g}.02.{L}, f_{g}.01.{L}, finger {g} 2, {g}_2
f_{g}.03.{L}, f_{g}.02.{L}, finger {g} 3, {g}_3
thumb.01.{L}, palm.01.{L}, finger thumb 1, thumb_1
thumb.02.{L}, thumb.01.{L}, finger thumb 2, thumb_2
thumb.03.{L}, thumb.02.{L}, finger thumb 3, thumb_3
thigh.{L}, spine, thigh, =
shin.{L}, thigh.{L}, shin, =
foot.{L}, shin.{L}, foot, =
toe.{L}, foot.{L}, toe, =
heel.02.{L}, foot.{L}, at heel,
""",
    "rigify": """
root, , ground, =root
torso, root, spine 1/3, pelvis
hips, torso, spine 2/3,
chest, torso, spine 2/3,
MCH-spine.001, torso, spine 2/3,
spine_fk.001, MCH-spine.001, spine 1/3, spine_1
MCH-spine, spine_fk.001, spine 1/3,
spine_fk, MCH-spine, pelvis,
tweak_spine, spine_fk, pelvis,
ORG-spine, tweak_spine, pelvis,
DEF-spine, root, pelvis,
MCH-spine.002, torso, spine 2/3,
spine_fk.002, MCH-spine.002, spine 2/3, spine_2
MCH-spine.003, spine_fk.002, spine 3/3,
spine_fk.003, MCH-spine.003, spine 3/3, spine_3
tweak_spine.003, spine_fk.003, spine 3/3,
ORG-spine.003, tweak_spine.003, spine 3/3,
DEF-spine.001, DEF-spine, spine 1/3,
DEF-spine.002, DEF-spine.001, spine 2/3,
DEF-spine.003, DEF-spine.002, spine 3/3,
MCH-ROT-neck, spine_fk.003, neck 1/1,
neck, MCH-ROT-neck, neck 1/1, neck_1
MCH-ROT-head, neck, head,
head, MCH-ROT-head, head, =
ORG-spine.006, spine_fk.003, head,
DEF-spine.006, DEF-spine.003, head,
jaw_master, ORG-spine.006, at jaw,
ORG-breast.{L}, ORG-spine.003, at breast,
breast.{L}, ORG-spine.003, at breast,
shoulder.{L}, ORG-spine.003, shoulder, =
ORG-shoulder.{L}, ORG-spine.003, shoulder,
DEF-shoulder.{L}, ORG-shoulder.{L}, shoulder,
upper_arm_parent.{L}, ORG-shoulder.{L}, along upper_arm 0.0 0.2,
MCH-upper_arm_parent.{L}, ORG-shoulder.{L}, at shoulder,
upper_arm_fk.{L}, MCH-upper_arm_parent.{L}, upper_arm, =
upper_arm_ik.{L}, MCH-upper_arm_parent.{L}, upper_arm,
ORG-upper_arm.{L}, ORG-shoulder.{L}, upper_arm,
DEF-upper_arm.{L}, ORG-shoulder.{L}, along upper_arm 0.0 0.5,
DEF-upper_arm.{L}.001, DEF-upper_arm.{L}, along upper_arm 0.5 1.0,
forearm_fk.{L}, upper_arm_fk.{L}, forearm, =
MCH-forearm_ik.{L}, upper_arm_ik.{L}, forearm,
ORG-forearm.{L}, ORG-upper_arm.{L}, forearm,
forearm_tweak.{L}, ORG-forearm.{L}, along forearm 0.0 0.3,
DEF-forearm.{L}, DEF-upper_arm.{L}.001, along forearm 0.0 0.5,
DEF-forearm.{L}.001, DEF-forearm.{L}, along forearm 0.5 1.0,
MCH-hand_fk.{L}, forearm_fk.{L}, at wrist,
hand_fk.{L}, MCH-hand_fk.{L}, hand, =
hand_ik.{L}, root, hand,
upper_arm_ik_target.{L}, root, pole elbow,
ORG-hand.{L}, ORG-forearm.{L}, hand,
DEF-hand.{L}, DEF-forearm.{L}.001, hand,
palm.{L}, DEF-hand.{L}, palm pinky,
ORG-palm.0{m}.{L}, DEF-hand.{L}, palm {g},
DEF-palm.0{m}.{L}, ORG-palm.0{m}.{L}, palm {g},
f_{g}.01_master.{L}, ORG-palm.0{m}.{L}, finger {g} 1,
MCH-f_{g}.01_drv.{L}, ORG-palm.0{m}.{L}, finger {g} 1,
f_{g}.01.{L}, MCH-f_{g}.01_drv.{L}, finger {g} 1, {g}_1
MCH-f_{g}.02_drv.{L}, f_{g}.01.{L}, finger {g} 2,
f_{g}.02.{L}, MCH-f_{g}.02_drv.{L}, finger {g} 2, {g}_2
MCH-f_{g}.03_drv.{L}, f_{g}.02.{L}, finger {g} 3,
f_{g}.03.{L}, MCH-f_{g}.03_drv.{L}, finger {g} 3, {g}_3
f_{g}.01.{L}.001, f_{g}.03.{L}, end finger {g},
DEF-f_{g}.01.{L}, ORG-palm.0{m}.{L}, finger {g} 1,
DEF-f_{g}.02.{L}, DEF-f_{g}.01.{L}, finger {g} 2,
thumb.01_master.{L}, ORG-palm.01.{L}, finger thumb 1,
MCH-thumb.01_drv.{L}, ORG-palm.01.{L}, finger thumb 1,
thumb.01.{L}, MCH-thumb.01_drv.{L}, finger thumb 1, thumb_1
MCH-thumb.02_drv.{L}, thumb.01.{L}, finger thumb 2,
thumb.02.{L}, MCH-thumb.02_drv.{L}, finger thumb 2, thumb_2
MCH-thumb.03_drv.{L}, thumb.02.{L}, finger thumb 3,
thumb.03.{L}, MCH-thumb.03_drv.{L}, finger thumb 3, thumb_3
DEF-thumb.01.{L}, ORG-palm.01.{L}, finger thumb 1,
thigh_parent.{L}, ORG-spine, along thigh 0.0 0.2,
MCH-thigh_parent.{L}, ORG-spine, at hip,
thigh_fk.{L}, MCH-thigh_parent.{L}, thigh, =
thigh_ik.{L}, MCH-thigh_parent.{L}, thigh,
ORG-thigh.{L}, ORG-spine, thigh,
DEF-thigh.{L}, ORG-spine, along thigh 0.0 0.5,
DEF-thigh.{L}.001, DEF-thigh.{L}, along thigh 0.5 1.0,
shin_fk.{L}, thigh_fk.{L}, shin, =
ORG-shin.{L}, ORG-thigh.{L}, shin,
shin_tweak.{L}, ORG-shin.{L}, along shin 0.0 0.3,
DEF-shin.{L}, DEF-thigh.{L}.001, along shin 0.0 0.5,
DEF-shin.{L}.001, DEF-shin.{L}, along shin 0.5 1.0,
MCH-foot_fk.{L}, shin_fk.{L}, at ankle,
foot_fk.{L}, MCH-foot_fk.{L}, foot, =
ORG-foot.{L}, ORG-shin.{L}, foot,
DEF-foot.{L}, DEF-shin.{L}.001, foot,
MCH-toe_fk.{L}, foot_fk.{L}, toe,
toe_fk.{L}, MCH-toe_fk.{L}, toe, =
DEF-toe.{L}, DEF-foot.{L}, toe,
foot_ik.{L}, root, foot,
foot_spin_ik.{L}, foot_ik.{L}, toe,
foot_heel_ik.{L}, foot_spin_ik.{L}, foot,
toe_ik.{L}, foot_heel_ik.{L}, toe,
thigh_ik_target.{L}, root, pole knee,
""",
    "animepose": """
pelvis, , pelvis, =
abdomen, pelvis, spine 1/3, spine_1
spine, abdomen, spine 2/3, spine_2
chest, spine, spine 3/3, spine_3
head, chest, neck and head, head
shoulder.{L}, chest, shoulder, =
upper_arm.{L}, shoulder.{L}, upper_arm, =
forearm.{L}, upper_arm.{L}, forearm, =
hand.{L}, forearm.{L}, hand, =
{f}_1.{L}, hand.{L}, finger {f} 1, =
{f}_2.{L}, {f}_1.{L}, finger {f} 2, =
{f}_3.{L}, {f}_2.{L}, finger {f} 3, =
thigh.{L}, pelvis, thigh, =
shin.{L}, thigh.{L}, shin, =
foot.{L}, shin.{L}, foot, =
""",
}
