"""Words of bone names, in many languages: the parts of the body.

Words stand without separators, accents (of Latin letters) and capitals, as `tokens` brings names to. A word may mean
several parts, with how likely each is: rigs call the upper arm "arm" or "shoulder", by joint or by limb.
"""

from __future__ import annotations

FINGER_PARTS: tuple[str, ...] = ("thumb", "index", "middle", "ring", "pinky")

_ONE_PART: dict[str, str] = {
    "root": "armature world global scene ground wurzel racine raiz radice wortel корень 全ての親 root 루트 gen",
    "pelvis": (
        "pelvis hips becken huefte hufte hanches hanche bassin bassine cadera caderas quadril bacino anche heupen "
        "bekken таз бедра 下半身 腰 ヒップ 骨盤 koshi kotsuban kahanshin 骨盆 臀 臀部 髋 髋部 kuan kuanbu "
        "pengu tunbu 골반 엉덩이 biodra miednica kalca cog hip"
    ),
    "spine": (
        "spine back torso chest abdomen waist belly ribcage ribs rib thorax upperchest upperbody lowerback "
        "upperback midback wirbelsaeule wirbelsaule ruecken rucken bauch brust brustkorb oberkoerper oberkorper "
        "unterkoerper colonne dos torse poitrine ventre columna espalda pecho vientre cintura espinha coluna "
        "costas peito tronco schiena petto colonna addome busto ruggengraat rug borst buik позвоночник "
        "спина грудь живот торс 上半身 胸 脊椎 背骨 脊柱 背 腹 胴 胴体 jouhanshin sebone mune "
        "hara 胸部 脊 腰椎 胸椎 jizhui jizhu jizhugu xiong xiongbu beibu 척추 가슴 허리 상체 kregoslup klatka "
        "omurga gogus lumbar sacrum sternum vertebra vertebrae body 躯干 スパイン チェスト"
    ),
    "neck": (
        "neck hals nacken cou cuello pescoco collo nek шея 首 頸 くび kubi 脖子 颈 颈部 脖 bozi jing jingbu "
        "bojing 목 szyja boyun ネック cervical"
    ),
    "head": (
        "head kopf tete cabeza cabeca testa hoofd голова 頭 頭部 あたま atama 头 头部 tou toubu naodai 머리 "
        "glowa bas skull ヘッド cranium schaedel schadel"
    ),
    "shoulder": (
        "clavicle clavicula collar collarbone schluesselbein schlusselbein clavicule clavicola sleutelbeen "
        "ключица 鎖骨 sakotsu 锁骨 suogu 쇄골 scapula obojczyk"
    ),
    "upper_arm": (
        "upperarm uparm oberarm hautdubras brassup brazosuperior bracosuperior bovenarm плечевая 上腕 "
        "二の腕 jouwan 上臂 大臂 shangbi dabi 위팔 상완 humerus bicep biceps ramie"
    ),
    "forearm": (
        "forearm lowerarm lowarm unterarm avantbras antebrazo antebraco avambraccio onderarm предплечье "
        "前腕 zenwan 前臂 小臂 下臂 qianbi xiaobi 아래팔 전완 하완 elbow ellbogen ellenbogen coude codo cotovelo "
        "gomito elleboog локоть ひじ 肘 hiji 肘部 zhou 팔꿈치 radius ulna przedramie lokiec"
    ),
    "hand": (
        "hand wrist handgelenk poignet mano mao pols polso muneca pulso кисть рука_кисть "
        "запястье 手首 手 tekubi te 手腕 手掌 shou shouwan 손 손목 dlon nadgarstek el_bilegi"
    ),
    "thigh": (
        "thigh upperleg upleg oberschenkel oberbein cuisse muslo coxa coscia dij dijbeen bovenbeen femur "
        "бедро 太もも 太腿 もも futomomo momo 大腿 datui 허벅지 넓적다리 udo uyluk fermoral"
    ),
    "shin": (
        "shin calf lowerleg lowleg unterschenkel unterbein wade mollet jambeinf pantorrilla espinilla canela "
        "panturrilha polpaccio stinco tibia onderbeen scheen kuit голень すね 脛 ひざ 膝 hiza sune 小腿 "
        "xiaotui 膝盖 xigai 종아리 무릎 knee knie genou rodilla joelho ginocchio колено crus kolano lydka "
        "diz"
    ),
    "foot": (
        "foot fuss pied pie pe piede voet стопа ступня 足首 ashikubi 脚踝 脚 jiao jiaohuai 足部 발 발목 "
        "ankle knoechel knochel cheville tobillo tornozelo caviglia enkel щиколотка лодыжка stopa "
        "kostka ayak"
    ),
    "toe": (
        "toe toes toebase ball zeh zehe zehen orteil orteils dedospie dedosdelpie artelho dedosdope dita tenen "
        "teen палец_ноги носок つま先 つまさき 爪先 足先 tsumasaki 脚趾 脚尖 jiaozhi jiaojian 발가락 "
        "발끝 metatarsal palce_stop ballen punta"
    ),
    "thumb": (
        "thumb daumen pouce pulgar polegar pollice duim большой большойпалец 親指 oyayubi 拇指 "
        "大拇指 muzhi 엄지 엄지손가락 kciuk pollex"
    ),
    "index": (
        "index indexfinger fore forefinger pointer zeigefinger zeige indice indicador wijsvinger "
        "указательный 人指 人差指 人差し指 hitosashi 食指 shizhi 검지 집게손가락 wskazujacy"
    ),
    "middle": (
        "middle middlefinger mid mittelfinger mittel majeur medius medio corazon midi middelvinger средний "
        "中指 nakayubi zhongzhi 중지 가운데손가락 srodkowy"
    ),
    "ring": (
        "ring ringfinger annulaire anular anelar anulare ringvinger безымянный 薬指 kusuriyubi 无名指 "
        "wumingzhi 약지 serdeczny"
    ),
    "pinky": (
        "pinky pinkie little littlefinger small kleinerfinger kleine klein kleinfinger auriculaire menique minimo "
        "mindinho mignolo pink мизинец 小指 koyubi xiaozhi 소지 새끼손가락 maly"
    ),
}

_SEVERAL: dict[str, dict[str, float]] = {
    "arm": {"upper_arm": 0.85, "shoulder": 0.2},
    "leg": {"shin": 0.7, "thigh": 0.65},
    "shoulder": {"shoulder": 0.9, "upper_arm": 0.6},
    "hip": {"pelvis": 0.8, "thigh": 0.6},
}
_SAME_AS: dict[str, str] = {
    "arm": "bras brazo braco braccio рука 腕 うで ude 팔 gebi kol shld",
    "leg": "bein jambe pierna perna gamba been нога 足 あし ashi 腿 tui 다리 noga bacak",
    "shoulder": (
        "schulter epaule hombro ombro spalla schouder плечо 肩 かた kata 肩膀 jian jianbang 어깨 bark omuz shldr"
    ),
    "hip": "hip huefte hufte hanche cadera anca heup biodro hueft 髋 股 股関節",
}
_UPPER = "up upper ober superior haut hautde sup upr верх shang jou 上 boven superiore supinf"
_LOWER = "low lower unter inferior bas inf lwr lo ниж xia ka 下 onder inferiore fore avant ante"


def _table() -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, float]] = {}
    for part, words in _ONE_PART.items():
        for word in words.split():
            table.setdefault(word.replace("_", ""), {})[part] = 1.0
    for word, parts in _SEVERAL.items():
        for same in (word, *_SAME_AS.get(word, "").split()):
            table[same] = dict(parts)
    for limb, upper, lower in (("arm", "upper_arm", "forearm"), ("leg", "thigh", "shin")):
        for base in (limb, *_SAME_AS[limb].split()):
            for modifiers, part in ((_UPPER, upper), (_LOWER, lower)):
                for modifier in modifiers.split():
                    table.setdefault(modifier + base, {part: 1.0})
                    table.setdefault(base + modifier, {part: 1.0})
    for base, part in (
        ("body", "spine"),
        ("chest", "spine"),
        ("spine", "spine"),
        ("torso", "spine"),
        ("back", "spine"),
    ):
        for modifier in "up upper lower low mid middle".split():
            table[modifier + base] = table[base + modifier] = {part: 1.0}
    table["lowerbody"] = {"pelvis": 0.9}
    for word in ("ashi", "足"):
        table[word] = {"thigh": 0.65, "shin": 0.6, "foot": 0.55}
    table["main"] = {"hand": 0.7, "root": 0.3}
    table["bas"] = {}
    table["root"] = {"root": 0.9, "pelvis": 0.4}
    table["center"] = table["centre"] = table["センター"] = {"pelvis": 0.5, "root": 0.4}
    table["body"] = {"spine": 0.3, "pelvis": 0.3}
    table["torso"] = {"spine": 0.8, "pelvis": 0.3}
    table["master"] = {"root": 0.7}
    table["cog"] = table["com"] = {"pelvis": 0.6}
    table["waist"] = {"spine": 0.8, "pelvis": 0.5}
    table["腰"] = table["koshi"] = {"pelvis": 0.8, "spine": 0.5}
    table["허리"] = {"spine": 0.9, "pelvis": 0.4}
    table["бедра"] = {"pelvis": 0.9, "thigh": 0.5}
    table["бедро"] = {"thigh": 0.9, "pelvis": 0.4}
    table["coxa"] = {"thigh": 0.9, "pelvis": 0.4}
    table["脚"] = {"foot": 0.8, "shin": 0.3}
    for word in "finger doigt dedo dito vinger палец 指 ゆび yubi 手指 shouzhi 손가락 palec parmak".split():
        table[word] = {"finger": 1.0}
    return table


PARTS: dict[str, dict[str, float]] = _table()
"""Word → part → weight 0 to 1. The part `finger` is one whose number says which."""
