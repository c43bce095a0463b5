"""Names of rigs that are no family here: how game engines, sensors and studios call the parts of a body.

Each convention is a line of `slot=name`; {S} stands for Left or Right, {s} for left or right, {L} and {l} for the
initials. Slots that are not named are taken out of the rig. `+name<slot` adds a bone at the end of a slot's bone.
"""

from __future__ import annotations

from .edited_rig import Rig

CONVENTIONS: dict[str, str] = {
    "smpl": (
        "pelvis=Pelvis spine_1=Spine1 spine_2=Spine2 spine_3=Spine3 neck_1=Neck head=Head shoulder={L}_Collar "
        "upper_arm={L}_Shoulder forearm={L}_Elbow hand={L}_Wrist +{L}_Hand<hand thigh={L}_Hip shin={L}_Knee "
        "foot={L}_Ankle toe={L}_Foot"
    ),
    "kinect": (
        "pelvis=SpineBase spine_1=SpineMid spine_2=SpineShoulder neck_1=Neck head=Head upper_arm=Shoulder{S} "
        "forearm=Elbow{S} hand=Wrist{S} +HandTip{S}<hand thigh=Hip{S} shin=Knee{S} foot=Ankle{S} toe=Foot{S}"
    ),
    "second_life": (
        "pelvis=mPelvis spine_1=mTorso spine_2=mChest neck_1=mNeck head=mHead shoulder=mCollar{S} "
        "upper_arm=mShoulder{S} forearm=mElbow{S} hand=mWrist{S} thigh=mHip{S} shin=mKnee{S} foot=mAnkle{S} "
        "toe=mFoot{S}"
    ),
    "roblox": (
        "root=HumanoidRootPart pelvis=LowerTorso spine_1=UpperTorso head=Head upper_arm={S}UpperArm "
        "forearm={S}LowerArm hand={S}Hand thigh={S}UpperLeg shin={S}LowerLeg foot={S}Foot"
    ),
    "joints_m": (
        "pelvis=Root_M spine_1=Spine1_M spine_2=Spine2_M spine_3=Chest_M neck_1=Neck_M head=Head_M "
        "shoulder=Scapula_{L} upper_arm=Shoulder_{L} forearm=Elbow_{L} hand=Wrist_{L} thigh=Hip_{L} shin=Knee_{L} "
        "foot=Ankle_{L} toe=Toes_{L} thumb_1=ThumbFinger1_{L} thumb_2=ThumbFinger2_{L} thumb_3=ThumbFinger3_{L} "
        "index_1=IndexFinger1_{L} index_2=IndexFinger2_{L} index_3=IndexFinger3_{L}"
    ),
    "valve": (
        "pelvis=ValveBiped.Bip01_Pelvis spine_1=ValveBiped.Bip01_Spine spine_2=ValveBiped.Bip01_Spine1 "
        "spine_3=ValveBiped.Bip01_Spine2 neck_1=ValveBiped.Bip01_Neck1 head=ValveBiped.Bip01_Head1 "
        "shoulder=ValveBiped.Bip01_{L}_Clavicle upper_arm=ValveBiped.Bip01_{L}_UpperArm "
        "forearm=ValveBiped.Bip01_{L}_Forearm hand=ValveBiped.Bip01_{L}_Hand thigh=ValveBiped.Bip01_{L}_Thigh "
        "shin=ValveBiped.Bip01_{L}_Calf foot=ValveBiped.Bip01_{L}_Foot toe=ValveBiped.Bip01_{L}_Toe0 "
        "thumb_1=ValveBiped.Bip01_{L}_Finger0 thumb_2=ValveBiped.Bip01_{L}_Finger01 "
        "thumb_3=ValveBiped.Bip01_{L}_Finger02 index_1=ValveBiped.Bip01_{L}_Finger1 "
        "index_2=ValveBiped.Bip01_{L}_Finger11 index_3=ValveBiped.Bip01_{L}_Finger12 "
        "middle_1=ValveBiped.Bip01_{L}_Finger2 middle_2=ValveBiped.Bip01_{L}_Finger21 "
        "middle_3=ValveBiped.Bip01_{L}_Finger22"
    ),
    "studio": (
        "root=world_jnt pelvis=c_cog_jnt spine_1=c_back_01_jnt spine_2=c_back_02_jnt spine_3=c_chest_jnt "
        "neck_1=c_neck_01_jnt head=c_head_jnt shoulder={l}_clav_jnt upper_arm={l}_arm_up_jnt "
        "forearm={l}_arm_low_jnt hand={l}_hand_jnt thigh={l}_leg_up_jnt shin={l}_leg_low_jnt foot={l}_foot_jnt "
        "toe={l}_ball_jnt"
    ),
    "numbered": (
        "pelvis=hips spine_1=spine_a spine_2=spine_b neck_1=neck head=head shoulder=shoulder_{l} "
        "upper_arm=arm_1_{l} forearm=arm_2_{l} hand=hand_{l} thigh=leg_1_{l} shin=leg_2_{l} foot=foot_{l} "
        "toe=toe_{l}"
    ),
    "old_bvh": (
        "pelvis=Hips spine_1=Chest neck_1=Neck head=Head shoulder={S}Collar upper_arm={S}UpArm forearm={S}LowArm "
        "hand={S}Hand thigh={S}UpLeg shin={S}LowLeg foot={S}Foot"
    ),
    "glued": (
        "pelvis=pelvis spine_1=spine neck_1=neck head=head shoulder={l}clavicle upper_arm={l}upperarm "
        "forearm={l}lowerarm hand={l}hand thigh={l}upperleg shin={l}lowerleg foot={l}foot toe={l}toes"
    ),
    "mmd": (
        "root=全ての親 pelvis=センター spine_1=上半身 spine_2=上半身2 neck_1=首 head=頭 shoulder={J}肩 "
        "upper_arm={J}腕 forearm={J}ひじ hand={J}手首 thigh={J}足 shin={J}ひざ foot={J}足首 toe={J}つま先 "
        "thumb_1={J}親指0 thumb_2={J}親指1 thumb_3={J}親指2 index_1={J}人指1 index_2={J}人指2 index_3={J}人指3 "
        "pinky_1={J}小指1 pinky_2={J}小指2 pinky_3={J}小指3"
    ),
    "korean": (
        "pelvis=골반 spine_1=척추 spine_2=가슴 neck_1=목 head=머리 shoulder={K}쇄골 upper_arm={K}위팔 "
        "forearm={K}아래팔 hand={K}손 thigh={K}허벅지 shin={K}종아리 foot={K}발 toe={K}발가락"
    ),
    "italian": (
        "pelvis=Bacino spine_1=Colonna neck_1=Collo head=Testa shoulder=Clavicola.{X} upper_arm=Braccio.{X} "
        "forearm=Avambraccio.{X} hand=Mano.{X} thigh=Coscia.{X} shin=Gamba.{X} foot=Piede.{X}"
    ),
    "dutch": (
        "pelvis=Bekken spine_1=Ruggengraat neck_1=Nek head=Hoofd shoulder=Sleutelbeen_{D} upper_arm=Bovenarm_{D} "
        "forearm=Onderarm_{D} hand=Hand_{D} thigh=Bovenbeen_{D} shin=Onderbeen_{D} foot=Voet_{D}"
    ),
    "german_words": (
        "pelvis=Becken spine_1=Bauch spine_2=Brust neck_1=Hals head=Kopf shoulder=Schulter_{D} "
        "upper_arm=Oberarm_{D} forearm=Unterarm_{D} hand=Hand_{D} thigh=Oberschenkel_{D} shin=Unterschenkel_{D} "
        "foot=Fuss_{D}"
    ),
    "french_initials": (
        "pelvis=Hanches spine_1=Dos neck_1=Cou head=Tete shoulder=Epaule_{G} upper_arm=Bras_{G} "
        "forearm=AvantBras_{G} hand=Main_{G} thigh=Cuisse_{G} shin=Mollet_{G} foot=Pied_{G} toe=Orteils_{G}"
    ),
}

_LEFT = {"S": "Left", "s": "left", "L": "L", "l": "l", "J": "左", "K": "왼", "X": "sx", "D": "links", "G": "G"}
_RIGHT = {"S": "Right", "s": "right", "L": "R", "l": "r", "J": "右", "K": "오른", "X": "dx", "D": "rechts", "G": "D"}


def renamed_to(rig: Rig, convention: str) -> Rig:
    """A rig with the names and the slots of a convention; bones that fill no slot are taken out."""
    table: dict[str, str] = {}
    added: list[tuple[str, str]] = []
    for entry in CONVENTIONS[convention].split():
        for side, words in (("L", _LEFT), ("R", _RIGHT)):
            text = entry
            for key, word in words.items():
                text = text.replace(f"{{{key}}}", word)
            end = f".{side}" if text != entry else ""
            if text.startswith("+"):
                name, slot = text[1:].split("<")
                added.append((name, slot + end))
            else:
                slot, name = text.split("=")
                table[slot + end] = name
    for bone in list(rig.bones):
        slot = next((slot for slot, filled in rig.truth.items() if filled == bone), "")
        if slot not in table:
            rig.remove(bone)
    if "root" in table and "root" not in rig.truth:
        made = rig.add("a root", "", [0, 0, 0], [0, 0.3, 0], deform=False)
        rig.bones[rig.truth["pelvis"]].parent = rig.truth["root"] = made
    made_of = rig.renamed({rig.truth[slot]: name for slot, name in table.items() if slot in rig.truth})
    for name, slot in added:
        bone = made_of.bones[made_of.truth[slot]]
        tip = bone.head + bone.length * bone.axes[:, 1]
        made_of.add(name, bone.name, tip, tip + 0.3 * (tip - bone.head))
    return made_of
