"""Other names for the catalogue's bones: prefixes, separators, cases, and words of other languages."""

from __future__ import annotations

import re
from collections.abc import Callable

RENAMINGS: dict[str, Callable[[str], str]] = {
    "armature_prefix": lambda name: f"Armature|{name}",
    "namespace": lambda name: f"hero:{name}",
    "short_prefix": lambda name: f"HRO_{name}",
    "upper": str.upper,
    "lower": str.lower,
    "numbered": lambda name: f"{name}.001",
    "underscores": lambda name: re.sub(r"[.:\- ]", "_", name),
    "dashes": lambda name: re.sub(r"[.:_ ]", "-", name),
    "spaces": lambda name: re.sub(r"[.:_\-]", " ", name),
    "no_colon": lambda name: name.replace(":", ""),
}
"""Renaming → what becomes of a family's name; case may make two names one in a few families."""

SIDES: tuple[str, ...] = (
    ".L", "_l", "_L", " L", "L_", "l_", "L ", "word_front", "word_end", "word_camel", "initial", "_left", "Left_",
)  # fmt: skip

_ENGLISH = "root pelvis spine neck head shoulder upper_arm forearm hand thigh shin foot toe".split()
_FINGERS = "thumb index middle ring pinky".split()
_ALL = (*_ENGLISH, *_FINGERS, "twist", "helper", "left", "right")


def _language(text: str) -> dict[str, str]:
    return dict(zip(_ALL, text.split()))


LANGUAGES: dict[str, dict[str, str]] = {
    "english": _language(
        "root hips spine neck head clavicle upper_arm lower_arm hand upper_leg lower_leg foot toes"
        " thumb index middle ring little twist helper left right"
    ),
    "english_plain": _language(
        "ground pelvis back neck skull collarbone arm forearm wrist leg calf ankle ball"
        " thumb forefinger middlefinger ringfinger littlefinger roll extra left right"
    ),
    "german": _language(
        "Wurzel Hüfte Wirbelsäule Hals Kopf Schlüsselbein Oberarm Unterarm Hand Oberschenkel Unterschenkel Fuß Zehen"
        " Daumen Zeigefinger Mittelfinger Ringfinger Kleinfinger Drehung Hilfe links rechts"
    ),
    "french": _language(
        "racine bassin colonne cou tête clavicule bras avant_bras main cuisse jambe pied orteil"
        " pouce index majeur annulaire auriculaire torsion aide gauche droite"
    ),
    "spanish": _language(
        "raíz cadera columna cuello cabeza clavícula brazo antebrazo mano muslo pierna pie dedos_pie"
        " pulgar índice medio anular meñique giro ayuda izquierda derecha"
    ),
    "portuguese": _language(
        "raiz quadril coluna pescoço cabeça clavícula braço antebraço mão coxa perna pé dedos_pé"
        " polegar indicador médio anelar mindinho torção auxiliar esquerda direita"
    ),
    "japanese_romaji": _language(
        "zenoya koshi sebone kubi atama sakotsu jouwan zenwan te futomomo sune ashi tsumasaki"
        " oyayubi hitosashiyubi nakayubi kusuriyubi koyubi nejiri hojo hidari migi"
    ),
    "japanese": _language(
        "全ての親 腰 上半身 首 頭 肩 腕 ひじ 手首 足 ひざ 足首 つま先 親指 人指 中指 薬指 小指 捩 補助 左 右"
    ),
    "chinese_pinyin": _language(
        "gen kuan jizhu jingbu tou suogu shangbi qianbi shou datui xiaotui jiao jiaozhi"
        " muzhi shizhi zhongzhi wumingzhi xiaozhi niuzhuan fuzhu zuo you"
    ),
    "chinese": _language(
        "根 髋部 脊柱 颈 头 锁骨 上臂 前臂 手 大腿 小腿 脚 脚趾 拇指 食指 中指 无名指 小指 扭转 辅助 左 右"
    ),
    "russian": _language(
        "корень таз позвоночник шея голова ключица плечо предплечье кисть бедро голень стопа носок"
        " большой указательный средний безымянный мизинец скрутка помощник левый правый"
    ),
}
"""Language → word of each part of the body. Dictionary words; the Japanese ones are those of MikuMikuDance models."""


def translated(language: str, stem: str, place: str, side: str, sides: str) -> str:
    """A bone's name in another language.

    Args:
        stem: its slot without the side (spine_2, thumb_1); empty for a helper.
        place: the catalogue's place, for helpers.
        side: L, R or nothing.
        sides: one of `SIDES`.
    """
    words = LANGUAGES[language]
    if stem:
        part, _, number = stem.partition("_") if stem[-1].isdigit() else (stem, "", "")
        word = words[part] + number
    else:
        known = [w for w in place.split() if w in words]
        twisting = "twist" if place.startswith("along") else "helper"
        word = f"{words[twisting]}_{words[known[0]]}" if known else f"{words[twisting]}_{place.split()[-1]}"
    if not side:
        return word
    letter, spoken = side, words["left" if side == "L" else "right"]
    return {
        ".L": f"{word}.{letter}", "_l": f"{word}_{letter.lower()}", "_L": f"{word}_{letter}", " L": f"{word} {letter}",
        "L_": f"{letter}_{word}", "l_": f"{letter.lower()}_{word}", "L ": f"{letter} {word}",
        "word_front": f"{spoken}_{word}", "word_end": f"{word}_{spoken}", "word_camel": spoken.title() + word.title(),
        "initial": letter.lower() + word.title(),
        "_left": f"{word}_{'left' if side == 'L' else 'right'}",
        "Left_": f"{'Left' if side == 'L' else 'Right'}_{word}",
    }[sides]  # fmt: skip
