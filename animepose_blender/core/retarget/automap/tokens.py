"""What a bone's name says: side, part of the body, numbers, and whether the bone is a helper.

Names are split at separators, capitals and digits; words written together are taken apart by the vocabulary. What
nearly all names begin with is dropped. A short mark of a side counts where the rig has the same name with the other.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

from .marks import FK, HELPERS, LEFT, NOISE, PALM, RIGHT, SIDE_PAIRS, SURE_SIDES
from .words import FINGER_PARTS, PARTS

SHARED_PREFIX = 0.8
"""Share of the names that a dropped beginning is common to."""
_PIECES = re.compile(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_SIDE_WORDS = LEFT | RIGHT
_OTHER_SIDE: dict[str, set[str]] = {}
for _one, _two in SIDE_PAIRS:
    _OTHER_SIDE.setdefault(_one, set()).add(_two)
    _OTHER_SIDE.setdefault(_two, set()).add(_one)
_JOINING = (
    frozenset("fk def bone joint jnt up lo upper lower low mid".split())
    | PALM
    | {word for word in NOISE if len(word) > 5}
)
_LONGEST = max(map(len, PARTS))


@dataclass(frozen=True)
class Reading:
    """What one name says."""

    side: str = ""
    """L, R or nothing."""
    parts: dict[str, float] = field(default_factory=dict)
    """Part of the body → 0 to 1; `finger` for a finger that only its number tells."""
    numbers: tuple[int, ...] = ()
    digits: str = ""
    """All digits as written, such as 01 of Finger01."""
    helper: bool = False
    fk: bool = False
    palm: bool = False
    """Within the palm."""
    unknown: int = 0
    """Words that are in no list."""

    @property
    def finger(self) -> str:
        """The finger that it names, if one."""
        return next((part for part in FINGER_PARTS if part in self.parts), "")


def plain(name: str) -> str:
    """A name in composed characters, Latin letters without accents."""
    text = unicodedata.normalize("NFKC", name).replace("ß", "ss").replace("ø", "o")
    for written, plain_letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ä", "Ae"), ("Ö", "Oe"), ("Ü", "Ue")):
        text = text.replace(written, plain_letters)
    letters: list[str] = []
    for character in text:
        base = unicodedata.normalize("NFD", character)[0]
        letters.append(base if base.isascii() else character)
    return "".join(letters)


def pieces(name: str) -> list[str]:
    """Lower-case words and numbers of a name, in order, without its namespace."""
    text = re.split(r"[:|]", plain(name).rstrip(":|"))[-1]
    return [piece.lower() for piece in _PIECES.findall(text)]


@lru_cache(maxsize=4096)
def taken_apart(word: str) -> tuple[str, ...]:
    """A word written together as words of the vocabulary, or as it is.

    Latin words are taken apart only if nothing remains; other scripts, which write without spaces, from the front.
    """
    if word in PARTS or word in _SIDE_WORDS or word in HELPERS or word in NOISE or word.isdigit():
        return (word,)
    if not word.isascii():
        return _apart_by_longest(word)
    best: dict[int, tuple[str, ...]] = {0: ()}
    for end in range(2, len(word) + 1):
        for start in range(max(0, end - _LONGEST), end - 1):
            part = word[start:end]
            known = part in PARTS or part in HELPERS or part in SURE_SIDES or part in _JOINING
            if start in best and known and (end - start > 2 or part in ("ik", "fk", "up", "lo")):
                found = (*best[start], part)
                if end not in best or len(found) < len(best[end]):
                    best[end] = found
    return best.get(len(word), (word,))


def _apart_by_longest(word: str) -> tuple[str, ...]:
    found: list[str] = []
    rest = ""
    start = 0
    while start < len(word):
        for end in range(len(word), start, -1):
            part = word[start:end]
            if part in PARTS or part in HELPERS or part in NOISE or (part in _SIDE_WORDS and start == 0):
                break
        else:
            part = ""
        if part:
            found += [rest, part] if rest else [part]
            rest = ""
        else:
            rest += word[start]
        start += len(part) or 1
    return tuple([*found, rest] if rest else found)


def _glued_sides(names: list[list[str]]) -> list[list[str]]:
    """Words such as lfemur and handr split where the rig has the other side's too and the remainder is known."""
    all_words = {word for words in names for word in words}
    split: dict[str, list[str]] = {}
    for word in all_words:
        if len(word) < 4 or word in PARTS or not word.isascii():
            continue
        for letter, other in (("l", "r"), ("r", "l")):
            for rest, twin, words in (
                (word[1:], other + word[1:], [letter, word[1:]]),
                (word[:-1], word[:-1] + other, [word[:-1], letter]),
            ):
                if letter in (word[0] if words[0] == letter else word[-1]) and twin in all_words:
                    apart = taken_apart(rest)
                    if len(apart) > 1 or rest in PARTS:
                        split.setdefault(word, words)
    return [[piece for word in words for piece in split.get(word, [word])] for words in names]


def _without_shared_prefix(names: list[list[str]]) -> list[list[str]]:
    while len(names) > 2:
        firsts = [words[0] for words in names if len(words) > 1]
        common = max(set(firsts), key=firsts.count, default="")
        if not common or firsts.count(common) < SHARED_PREFIX * len(names) or common in _SIDE_WORDS:
            return names
        names = [words[1:] if len(words) > 1 and words[0] == common else words for words in names]
    return names


def read_names(names: tuple[str, ...]) -> list[Reading]:
    """What each name says, read together."""
    split = _without_shared_prefix([pieces(name) for name in names])
    split = _glued_sides(split)
    split = [[part for word in words for part in taken_apart(word)] for words in split]
    sides = _sides(split)
    return [_reading(words, at) for words, at in zip(split, sides)]


def _sides(names: list[list[str]]) -> list[int]:
    """Index of each name's word of a side; -1 = none."""
    there = {tuple(words) for words in names}
    found: list[int] = []
    proven: set[str] = set()
    for words in names:
        at = -1
        for index, word in enumerate(words):
            others = _OTHER_SIDE.get(word, ())
            if word in _SIDE_WORDS and any((*words[:index], other, *words[index + 1 :]) in there for other in others):
                proven |= {word, *others} if len(words) > 1 else set()
                at = index
        found.append(at)
    for number, words in enumerate(names):
        if found[number] < 0:
            sure = [i for i, word in enumerate(words) if word in SURE_SIDES or word in proven]
            found[number] = sure[0] if sure else -1
    return found


def _reading(words: list[str], side_at: int) -> Reading:
    side = "" if side_at < 0 else "L" if words[side_at] in LEFT else "R"
    rest = [word for index, word in enumerate(words) if index != side_at]
    digits = [word for word in rest if word.isdigit()]
    rest = [word for word in rest if not word.isdigit()]
    parts: dict[str, float] = {}
    unknown, at = 0, 0
    helper = any(word in HELPERS for word in rest)
    while at < len(rest):
        for end in range(min(len(rest), at + 4), at, -1):
            joined = "".join(rest[at:end])
            if joined in PARTS and (end > at + 1 or joined not in HELPERS):
                for part, weight in PARTS[joined].items():
                    parts[part] = max(parts.get(part, 0.0), weight)
                at = end
                break
        else:
            unknown += rest[at] not in NOISE | FK | HELPERS | PALM
            at += 1
    fk = any(word in FK for word in rest)
    org = any(word in ("org", "mch", "vis", "ik", "tweak", "tgt", "target", "pole") for word in rest)
    helper = helper and not (fk and not org)
    if set(parts) & {"neck", "spine", "head", "pelvis"}:
        helper = any(word in HELPERS and word not in ("twist", "roll", "bend") for word in rest) and not fk
    special = _most_special(parts)
    palm = any(word in PALM for word in rest) and bool(set(special) & {"finger", "hand", *FINGER_PARTS} or not special)
    return Reading(side, special, tuple(map(int, digits)), "".join(digits), helper, fk and not org, palm, unknown)


def _most_special(parts: dict[str, float]) -> dict[str, float]:
    """Of a name with several words the innermost part: the index of a hand is a finger."""
    fingers = {part: weight for part, weight in parts.items() if part in FINGER_PARTS}
    if "toe" in parts:
        return {} if fingers else {"toe": parts["toe"]}
    if fingers:
        only = dict.fromkeys(fingers, 1.0) if "finger" in parts or "hand" in parts or len(fingers) == 1 else {}
        return only if len(only) == 1 else {}
    if "finger" in parts:
        return {"finger": 1.0}
    return parts
