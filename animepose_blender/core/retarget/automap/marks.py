"""Words of bone names that tell sides, that say nothing, or that mark a bone as none of the body's own."""

from __future__ import annotations

LEFT: frozenset[str] = frozenset(
    (
        "left l lt lft lf links linke linker linkes gauche izquierda izquierdo izq esquerda esquerdo esq sinistra "
        "sinistro sx левый левая левое лев л 左 左側 ひだり hidari zuo 왼쪽 왼 좌 lewy lewa "
        "lewe sol sin g"
    ).split()
)
RIGHT: frozenset[str] = frozenset(
    (
        "right r rt rgt rg rechts rechte rechter rechtes droite droit derecha derecho der direita direito dir "
        "destra destro dx правый правая правое прав пр п 右 右側 みぎ migi you 오른쪽 "
        "오른 우 prawy prawa prawe sag des d"
    ).split()
)
SIDE_PAIRS: tuple[tuple[str, str], ...] = tuple(
    (left, right)
    for left, _, right in (
        pair.partition("/")
        for pair in (
            "left/right l/r lt/rt lft/rgt lf/rt lf/rg links/rechts linke/rechte linker/rechter linkes/rechtes "
            "gauche/droite gauche/droit izquierda/derecha izquierdo/derecho izq/der esquerda/direita "
            "esquerdo/direito esq/dir sinistra/destra sinistro/destro sx/dx sin/des левый/правый "
            "левая/правая левое/правое лев/прав л/п л/пр 左/右 左側/右側 "
            "ひだり/みぎ hidari/migi zuo/you 왼쪽/오른쪽 왼/오른 좌/우 lewy/prawy lewa/prawa lewe/prawe sol/sag "
            "g/d"
        ).split()
    )
)
"""What the one side is called where the other is called so."""
SURE_SIDES: frozenset[str] = frozenset(
    word for word in LEFT | RIGHT if len(word) > 3 or word in "左右" or (not word.isascii() and len(word) > 1)
)
"""Sides that need no counterpart in the rig to be believed."""

NOISE: frozenset[str] = frozenset(
    (
        "def deform bind jnt joint bone bn bones skin sk j b rig bip biped char character main stretch bend x c m "
        "mid proximal intermediate distal medial phalanx phalange phalanges falange knochen os hueso osso bot "
        "кость ボーン 骨 骨骼 de la le da do du des del of the sim skel skeleton"
    ).split()
)
"""Words that say nothing."""
FK: frozenset[str] = frozenset(("fk",))
PALM: frozenset[str] = frozenset("palm metacarpal metacarpals carpal carpals meta base".split())
"""Words of a finger's bone within the palm; that of the thumb is its first one."""
HELPERS: frozenset[str] = frozenset(
    (
        "ik pole poles target tgt ctrl ctl control controls controller con cnt mch mech org vis tweak twist twst "
        "twisting roll share helper hlp nub end tip socket attach attachment weapon gun sword prop item holster "
        "breast boob boobs bust pec pectoral pectorals skirt hair cloth cape coat dress sleeve belt bag eye eyes "
        "eyelid eyelids lid jaw face facial lip lips mouth brow eyebrow tongue teeth tooth ear ears nose cheek "
        "chin forehead temple temples tail wing wings muscle mus fix corrective aux dummy null loc locator "
        "effector parent offset heel pivot switch props widget wgt shape hook bendy poletarget adjust volume butt "
        "glute glutes buttock genital penis nipple nail fin horn ponytail bang bangs braid ribbon string pad armor "
        "armour shield helmet hat scarf tie collision collider phys physics jiggle dynamic dyn spring kneecap "
        "elbowfan spline snap follow lookat look aim tracker camera cam light 捩 捩れ ねじり ik親 先 目 髪 舌 顎 "
        "乳 スカート キャンセル 補助 хвост волосы глаз глаза юбка schwanz haar haare auge "
        "augen kiefer queue cheveux oeil machoire cola pelo ojo mandibula rabo cabelo olho coda capelli occhio "
        "staart oog 头发 眼 裙 尾 꼬리 머리카락 눈 치마 lattice hilfe hilfs drehung aide torsion ayuda auxiliar "
        "giro torcao ausiliare torsione hulp draai помощник скрутка скручивание "
        "вспомогательный hojo nejiri hineri 扭转 扭 辅助 輔助 fuzhu niuzhuan 비틀림 보조 extra aid "
        "corr driver drv"
    ).split()
)
"""Words of bones that fill no slot: controls, mechanism, twist, face, hair, clothes, props, tails and wings."""
