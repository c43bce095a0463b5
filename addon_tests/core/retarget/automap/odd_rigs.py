"""Rigs that make mapping hard, made of the catalogue's: bones more and fewer, other rest poses, names that lie."""

from __future__ import annotations

import numpy as np

from animepose_blender.core.retarget.slots import mirrored

from .edited_rig import Rig


def _respaced(rig: Rig, stem: str, count: int, low: np.ndarray, high: np.ndarray, parent: str) -> str:
    """Replace a chain of slots (spine_, neck_) by `count` bones from low to high; returns the last one's name."""
    old = [slot for slot in rig.truth if slot.startswith(stem)]
    last_old = rig.truth[old[-1]] if old else parent
    names = [rig.truth[slot] for slot in old]
    hanging = [b.name for b in rig.bones.values() if b.parent in names and b.name not in names]
    for name in names:
        del rig.bones[name]
    rig.truth = {slot: bone for slot, bone in rig.truth.items() if slot not in old}
    last = parent
    for number in range(count):
        a, b = (low + (high - low) * share for share in (number / count, (number + 1) / count))
        last = rig.add(f"{stem[:-1]}{number + 1}", last, a, b)
        rig.truth[f"{stem}{number + 1}"] = last
    for name in hanging:
        rig.bones[name].parent = last
    if last_old == parent:
        return last
    return last


def with_spine(rig: Rig, count: int) -> None:
    """Another number of spine bones."""
    low, high = rig.head("spine_1").copy(), rig.head("neck_1" if "neck_1" in rig.truth else "head").copy()
    _respaced(rig, "spine_", count, low, high, rig.truth["pelvis"])


def with_neck(rig: Rig, count: int) -> None:
    """Another number of neck bones; none makes the head hang on the chest."""
    low, high = rig.head("neck_1").copy(), rig.head("head").copy()
    chest = rig.truth[max(slot for slot in rig.truth if slot.startswith("spine_"))]
    last = _respaced(rig, "neck_", count, low, high, chest)
    rig.bones[rig.truth["head"]].parent = last


def without(rig: Rig, *stems: str, branch: bool = True) -> None:
    """Without the bones of slots that begin so."""
    for slot in list(rig.truth):
        if slot.startswith(stems) and slot in rig.truth:
            rig.remove(rig.truth[slot], branch)


def with_tail_and_wings(rig: Rig, named: bool = True) -> None:
    """A tail on the pelvis, wings on the chest."""
    words = ("tail", "wing") if named else ("q1", "q2")
    pelvis = rig.truth["pelvis"]
    chest = rig.truth[max(slot for slot in rig.truth if slot.startswith("spine_"))]
    rig.chain(words[0], pelvis, rig.head("pelvis") + [0, 0.1, 0], [0, 0.1, -0.06], 7)
    for side, sign in (("L", 1), ("R", -1)):
        start = rig.bones[chest].head + [sign * 0.05, 0.1, 0.1]
        rig.chain(f"{words[1]}_{side}", chest, start, [sign * 0.25, 0.12, 0.12], 4)


def with_skirt_and_hair(rig: Rig, named: bool = True) -> None:
    """Eight chains around the hips and ten on the head."""
    skirt, hair = ("skirt", "hair") if named else ("q3", "q4")
    for number, angle in enumerate(np.linspace(0, 2 * np.pi, 8, endpoint=False)):
        out = np.array([np.cos(angle), np.sin(angle), 0.0])
        rig.chain(
            f"{skirt}_{number}", rig.truth["pelvis"], rig.head("pelvis") + 0.15 * out, 0.03 * out - [0, 0, 0.12], 5
        )
    for number, angle in enumerate(np.linspace(0, 2 * np.pi, 10, endpoint=False)):
        out = np.array([np.cos(angle), np.sin(angle), 0.0])
        start = rig.head("head") + [0, 0, 0.15] + 0.08 * out
        rig.chain(f"{hair}_{number}", rig.truth["head"], start, 0.01 * out - [0, 0, 0.06], 6)


def with_face(rig: Rig, count: int = 100, named: bool = True) -> None:
    """Many small bones on the front of the head."""
    rng = np.random.default_rng(5)
    for number in range(count):
        at = rig.head("head") + [rng.uniform(-0.07, 0.07), rng.uniform(-0.12, -0.06), rng.uniform(0.0, 0.15)]
        rig.add(f"lip_{number}" if named else f"q5_{number}", rig.truth["head"], at, at + [0, -0.02, 0])


def with_twists_in_line(rig: Rig, named: bool = True) -> None:
    """Each long limb bone in two: a twist bone between it and the next."""
    for side in "LR":
        for upper, lower in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot")):
            bone, after = rig.truth[f"{upper}.{side}"], rig.truth[f"{lower}.{side}"]
            middle = (rig.bones[bone].head + rig.bones[after].head) / 2
            name = rig.add(f"{bone}_twist" if named else f"q6_{upper}", bone, middle, rig.bones[after].head)
            rig.bones[after].parent = name


def with_twists_beside(rig: Rig, named: bool = True) -> None:
    """Two helper bones on each long limb bone."""
    for side in "LR":
        for upper, lower in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot")):
            bone, after = rig.truth[f"{upper}.{side}"], rig.truth[f"{lower}.{side}"]
            for share in (0.0, 0.5):
                at = rig.bones[bone].head * (1 - share) + rig.bones[after].head * share
                rig.add(f"{bone}_twist" if named else f"q7_{upper}", bone, at, at + [0, 0.05, 0.02])


def with_weapon(rig: Rig, named: bool = True) -> None:
    """A sword in the right hand and a shield on the left forearm."""
    hand = rig.truth["hand.R"]
    rig.chain("sword" if named else "q8", hand, rig.head("hand.R") + [0, -0.05, 0], [0, -0.5, 0], 2)
    rig.add("shield" if named else "q9", rig.truth["forearm.L"], rig.head("hand.L"), rig.head("hand.L") + [0, -0.3, 0])


def seated(rig: Rig) -> None:
    """Thighs forward, shins down."""
    for side in "LR":
        rig.turn(f"thigh.{side}", [1, 0, 0], -85.0)
        rig.turn(f"shin.{side}", [1, 0, 0], 85.0)


def arms_forward(rig: Rig) -> None:
    """Both arms straight to the front."""
    for side, sign in (("L", -1.0), ("R", 1.0)):
        rig.turn(f"upper_arm.{side}", [0, 0, 1], 85.0 * sign)


def arms_up(rig: Rig) -> None:
    """Both arms up by 60 degrees."""
    for side, sign in (("L", -1.0), ("R", 1.0)):
        rig.turn(f"upper_arm.{side}", [0, 1, 0], 60.0 * sign)


def striding(rig: Rig) -> None:
    """A step: nothing mirrors."""
    rig.turn("thigh.L", [1, 0, 0], -30.0)
    rig.turn("shin.L", [1, 0, 0], 20.0)
    rig.turn("thigh.R", [1, 0, 0], 20.0)
    rig.turn("shin.R", [1, 0, 0], 15.0)
    rig.turn("upper_arm.L", [0, 1, 0], 65.0)
    rig.turn("forearm.L", [1, 0, 0], -30.0)
    rig.turn("upper_arm.R", [0, 1, 0], -50.0)


def chibi(rig: Rig) -> None:
    """Short legs and arms, a long head: everything below the hips and along the arms at 55 %."""
    for slot in ("thigh.L", "thigh.R", "upper_arm.L", "upper_arm.R"):
        pivot = rig.head(slot).copy()
        for name in rig.below(rig.truth[slot]):
            rig.bones[name].head = pivot + 0.55 * (rig.bones[name].head - pivot)


def distorted(rig: Rig, seed: int, amount: float) -> None:
    """Another figure in another rest pose: at an amount of 1, limb parts 18 % longer or shorter (one standard
    deviation, both sides alike), the trunk 15 %, each joint turned by 12 degrees any way, each head moved by 4 mm."""
    rng = np.random.default_rng(seed)
    for part in ("thigh", "shin", "upper_arm", "forearm", "hand", "foot"):
        factor = np.exp(0.18 * amount * rng.normal())
        for side in "LR":
            own = rig.truth[f"{part}.{side}"]
            for child in [bone.name for bone in rig.bones.values() if bone.parent == own]:
                moved = (factor - 1) * (rig.bones[child].head - rig.bones[own].head)
                for name in rig.below(child):
                    rig.bones[name].head = rig.bones[name].head + moved
    factor = np.exp(0.15 * amount * rng.normal())
    low, high = rig.head("pelvis")[2], rig.head("head")[2] - 0.05
    legs = {name for side in "LR" for name in rig.below(rig.truth[f"thigh.{side}"])}
    for name, bone in rig.bones.items():
        if name not in legs and bone.head[2] > low:
            bone.head = bone.head + [0.0, 0.0, (factor - 1) * (min(bone.head[2], high) - low)]
    for part in ("thigh", "shin", "upper_arm", "forearm", "hand"):
        for side, sign in (("L", -1.0), ("R", 1.0)):
            hinge = {"shin": [1.0, 0.0, 0.0], "forearm": [0.0, 0.0, sign]}.get(part)
            degrees = 12.0 * amount * rng.normal()
            axis = rng.normal(size=3)
            rig.turn(f"{part}.{side}", axis if hinge is None else hinge, degrees if hinge is None else abs(degrees))
    rig.turn("head", rng.normal(size=3), 12.0 * amount * rng.normal())
    for bone in rig.bones.values():
        bone.head = bone.head + 0.004 * amount * rng.normal(size=3)


def on_a_ground_root(rig: Rig, name: str = "root") -> None:
    """A bone on the ground above all."""
    tops = [bone for bone in rig.bones.values() if not bone.parent]
    if "root" in rig.truth:
        return
    made = rig.add(name, "", [0, 0, 0], [0, 0.3, 0], deform=False)
    rig.truth["root"] = made
    for bone in tops:
        bone.parent = made


def with_loose_bones(rig: Rig) -> None:
    """Bones without parents around the figure, as of props and targets."""
    for number, at in enumerate(([1.2, 0, 1], [-1.2, 0, 1], [0, -1.5, 0.5], [0, 0.8, 1.6])):
        rig.add(f"prop_{number}", "", at, np.add(at, [0, 0, 0.2]), deform=False)


def swapped_sides(rig: Rig, *stems: str) -> Rig:
    """Names of left and right exchanged, of all bones or of slots that begin so; the truth stays that of the shape."""
    pairs = {rig.truth[s]: rig.truth[mirrored(s)] for s in rig.truth if mirrored(s) in rig.truth and s[-2:-1] == "."}
    if stems:
        kept = {bone for slot, bone in rig.truth.items() if slot.startswith(stems)}
        pairs = {one: two for one, two in pairs.items() if one in kept}
    return rig.renamed(pairs)


def shuffled_names(rig: Rig, seed: int = 0) -> Rig:
    """The right names on the wrong bones."""
    names = list(rig.bones)
    return rig.renamed(dict(zip(names, np.random.default_rng(seed).permutation(names).tolist())))


def quadruped(named: bool = True) -> Rig:
    """A dog, with the words of people's limbs if named so."""
    rig = Rig()
    rig.add("pelvis", "", [0, 0.4, 0.6], [0, 0.3, 0.62])
    spine = rig.chain("spine", "pelvis", [0, 0.3, 0.62], [0, -0.15, 0.005], 4)
    neck = rig.chain("neck", spine[-1], [0, -0.3, 0.64], [0, -0.1, 0.1], 2)
    rig.add("head", neck[-1], [0, -0.5, 0.84], [0, -0.7, 0.84])
    rig.chain("tail", "pelvis", [0, 0.45, 0.6], [0, 0.1, -0.03], 5)
    for side, sign in (("L", 1), ("R", -1)):
        x = 0.12 * sign
        hind = [
            ("thigh", [x, 0.4, 0.58]),
            ("shin", [x, 0.36, 0.34]),
            ("foot", [x, 0.5, 0.14]),
            ("toe", [x, 0.44, 0.02]),
        ]
        fore = [("shoulder", [0.3 * x, -0.28, 0.66]), ("upper_arm", [x, -0.32, 0.52]), ("forearm", [x, -0.2, 0.34]),
                ("hand", [x, -0.24, 0.1]), ("fingers", [x, -0.28, 0.02])]  # fmt: skip
        for limb, parent in ((hind, "pelvis"), (fore, spine[-1])):
            for (name, head), (_, tail) in zip(limb, [*limb[1:], ("", [x, limb[-1][1][1] - 0.08, 0.0])]):
                parent = rig.add(f"{name}.{side}", parent, head, tail)
    return rig if named else rig.scrambled()


def lamp_post() -> Rig:
    """A post with two arms and two lamps."""
    rig = Rig()
    post = rig.chain("post", "", [0, 0, 0], [0, 0, 0.8], 5)
    for side, sign in (("L", 1), ("R", -1)):
        rig.chain(f"lamp_{side}", post[-1], [0, 0, 4], [sign * 0.3, 0, 0.05], 3)
    return rig


def chain(count: int = 30) -> Rig:
    """A chain."""
    rig = Rig()
    rig.chain("Bone", "", [0, 0, 0], [0.1, 0.02, 0.05], count)
    return rig


def spider() -> Rig:
    """Eight legs on one body."""
    rig = Rig()
    rig.add("body", "", [0, 0, 0.3], [0, -0.2, 0.3])
    for number, angle in enumerate(np.linspace(0.3, 2 * np.pi + 0.3, 8, endpoint=False)):
        out = np.array([np.cos(angle), np.sin(angle), 0.0])
        a, b, c = 0.1 * out + [0, 0, 0.3], 0.4 * out + [0, 0, 0.5], 0.7 * out
        rig.add(f"leg_a_{number}", "body", a, b)
        rig.add(f"leg_b_{number}", f"leg_a_{number}", b, c)
        rig.add(f"leg_c_{number}", f"leg_b_{number}", c, c + 0.1 * out)
    return rig
