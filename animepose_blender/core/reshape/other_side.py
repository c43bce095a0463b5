"""Which bone is the other side's, by name.

`flip_name` is Blender's rule, `bpy.utils.flip_name`, to the letter: a mark at the end (`arm.L`, `arm_l`, `arm-R`) or at
the beginning (`L_arm`, `r.arm`), or a name that begins or ends with left or right; numbers such as `.001` stay behind
it. Many rigs mark sides within the name (`mixamorig:LeftArm`, `Bip01 L Thigh`, `lfemur`); `counterparts` finds those
too, where the rig has a bone of the other name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

NO_COUNTERPART = -1
"""Of a bone whose name tells a side and which has no bone on the other."""

_SEPARATORS = b"._- "
_OTHER_LETTER = {b"l": b"r", b"r": b"l", b"L": b"R", b"R": b"L"}
_OTHER_WORD = {
    "left": "right", "right": "left", "Left": "Right", "Right": "Left", "LEFT": "RIGHT", "RIGHT": "LEFT",
    "l": "r", "r": "l", "L": "R", "R": "L",
}  # fmt: skip
_WITHIN = re.compile(
    r"[Ll]eft|LEFT|[Rr]ight|RIGHT"
    r"|(?<![A-Za-z])[LlRr](?![a-z])"  # a letter that stands alone, or before a capital: Bip01 L Arm, lArm
    r"|(?<=[a-z0-9])[LR](?![a-z])"  # handL, handL_01
    r"|(?<![A-Za-z])[lr](?=[a-z])"  # lfemur
)


def flip_name(name: str, strip_digits: bool = False) -> str:
    """The name of the other side's bone, or the same name if it tells no side.

    Args:
        name: a bone's name; its length counts in bytes of UTF-8, as in Blender.
        strip_digits: whether a number at the end, `.001`, is left out.
    Reference: `BLI_string_flip_side_name` of Blender's blenlib.
    """
    text = name.encode("utf-8")
    if len(text) < 3:
        return name
    number = b""
    dot = text.rfind(b".")
    if text[-1:].isdigit() and dot >= 0 and text[dot + 1 : dot + 2].isdigit():
        text, number = text[:dot], b"" if strip_digits else text[dot:]
    if len(text) > 1 and text[-2] in _SEPARATORS and text[-1:] in _OTHER_LETTER:
        flipped = text[:-1] + _OTHER_LETTER[text[-1:]]
    elif len(text) > 1 and text[1] in _SEPARATORS and text[:1] in _OTHER_LETTER:
        flipped = _OTHER_LETTER[text[:1]] + text[1:]
    elif len(text) > 5:
        flipped = _word_flipped(text)
    else:
        flipped = text
    return (flipped + number).decode("utf-8")


def _word_flipped(text: bytes) -> bytes:
    """`text` with left and right exchanged if it begins or ends with the one; only where it first occurs counts."""
    lower = text.lower()
    for word, second, other in (
        (b"right", b"I", (b"left", b"LEFT", b"Left")),
        (b"left", b"E", (b"right", b"RIGHT", b"Right")),
    ):
        at = lower.find(word)
        if at >= 0 and (at == 0 or at == len(text) - len(word)):
            small, capitals, title = other
            written = text[at : at + len(word)]
            made = small if written[:1].islower() else capitals if written[1:2] == second else title
            return text[:at] + made + text[at + len(word) :]
    return text


def counterparts(names: Sequence[str]) -> np.ndarray:
    """(N,) int index of each bone's counterpart; its own for one of the middle, -1 for one that has none.

    Args:
        names: N bones of one armature. The result is its own inverse.
    """
    index = {name: number for number, name in enumerate(names)}
    found = np.arange(len(names))
    for number, name in enumerate(names):
        others = [index.get(other, NO_COUNTERPART) for other in _candidates(name)]
        there = [other for other in others if other >= 0]
        if there:
            found[number] = there[0]
        elif flip_name(name) != name:
            found[number] = NO_COUNTERPART
    # Two names may lead to one; what does not lead back is no pair.
    pairs = (found >= 0) & (found[found] == np.arange(len(names)))
    return np.where(pairs, found, NO_COUNTERPART)


def _candidates(name: str) -> list[str]:
    """Other names that the counterpart may have, the likeliest first."""
    flipped = flip_name(name)
    made = [flipped] if flipped != name else []
    for match in _WITHIN.finditer(name):
        made.append(name[: match.start()] + _OTHER_WORD[match.group()] + name[match.end() :])
    return made
