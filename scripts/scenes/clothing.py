"""Clothes, hair and faces for a body: which surfaces are seen, of what material, in what colour.

The base mesh brings helpers that were made to carry clothes (`helper-tights` closes round the body, `helper-skirt`
hangs from the waist) and skin weights for them. An outfit keeps the parts of them that lie between given heights,
coats the scalp with hair, and leaves out the skin that cloth covers, so that none of it can poke through.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .mesh import BaseMesh, Body

MATERIALS = ("skin", "eyes", "hair", "top", "legs", "shoes")
M = {name: index for index, name in enumerate(MATERIALS)}

HAND_BONES = ("hand", "thumb", "index", "middle", "ring", "pinky")

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Outfit:
    """What a person wears; colours are linear RGB.

    `pattern` is one of checks, dots, stripes, and turns `top` and `top_2` into a pattern of `pattern_m` metres.
    Heights are shares of the way from ankle to crotch (`hem`) and from shoulder to wrist (`sleeve`).
    """

    skin: Colour
    lips: Colour
    iris: Colour
    hair: Colour
    top: Colour
    top_2: Colour
    pattern: str
    pattern_m: float
    legs: Colour
    shoes: Colour
    sleeve: float
    skirt: bool = False
    hem: float = 0.0
    hair_m: float = 0.008
    """How far the hair stands off the scalp."""
    long_hair: bool = False


@dataclass(frozen=True)
class Dressed:
    """The surfaces of a dressed person.

    Attributes:
        body: who wears it.
        vertices: (n,) which vertex of the base mesh each one follows.
        rest_m: (n, 3) where it rests.
        faces: (m, 4) indices into `vertices`.
        materials: (m,) index into MATERIALS.
        colours: (n, 3) linear RGB; used by skin and eyes.
        outfit: for the materials.
    """

    body: Body
    vertices: np.ndarray
    rest_m: np.ndarray
    faces: np.ndarray
    materials: np.ndarray
    colours: np.ndarray
    outfit: Outfit


def vertex_normals(vertices_m: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals, weighted by area; zero for vertices without a face."""
    corners = vertices_m[faces]
    normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    total = np.zeros_like(vertices_m)
    for k in range(4):
        np.add.at(total, faces[:, k], normal)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.divide(total, length, out=np.zeros_like(total), where=length > 0)


def texture_mask(base: BaseMesh, name: str) -> np.ndarray:
    """(V,) in 0-1: one of the skin maps (lips, ears, face, ...) at each vertex of the body; 0 elsewhere."""
    image = cv2.imread(str(base.folder / f"textures/mpfb_{name}.jpg"), cv2.IMREAD_GRAYSCALE)
    size = np.array(image.shape[::-1]) - 1
    x, y = np.clip(np.stack([base.uv[:, 0], 1.0 - base.uv[:, 1]]) * size[:, None], 0, size[:, None]).astype(int)
    mask = image[y, x] / 255.0
    mask[len(base.groups["body"]) :] = 0.0
    return mask


def _members(base: BaseMesh, *groups: str) -> np.ndarray:
    inside = np.zeros(len(base.vertices_dm), dtype=bool)
    for group in groups:
        inside[base.groups[group]] = True
    return inside


def _along(body: Body, bones: list[str]) -> np.ndarray:
    """(V,) how far each vertex lies along the line from the first bone's head to the last one's head, 0 to 1."""
    start, end = body.heads_m[body.bone[bones[0]]], body.heads_m[body.bone[bones[-1]]]
    line = end - start
    return (body.vertices_m - start) @ line / (line @ line)


def _scalp(body: Body) -> np.ndarray:
    base = body.base
    neutral = base.vertices_dm  # the same vertices for every shape, so the hairline is found on the neutral head
    head = body.bone_weight("head") > 0.5
    back = neutral[:, 2] < 0.62 - 0.9 * np.clip(7.35 - neutral[:, 1], 0.0, 0.6)
    top = neutral[:, 1] > 7.92 - 0.25 * np.clip(1.35 - neutral[:, 2], 0.0, 2.0)
    nape = neutral[:, 1] > 6.65
    bare = (texture_mask(base, "ears") > 0.3) | (texture_mask(base, "inside-mouth") > 0.3)
    return _members(base, "body") & head & nape & (back | top) & ~bare


def _skin_colours(body: Body, outfit: Outfit, scalp: np.ndarray) -> np.ndarray:
    base = body.base
    neutral = base.vertices_dm
    colours = np.tile(np.array(outfit.skin), (len(neutral), 1))

    def mix(colour: Colour, amount: np.ndarray) -> None:
        colours[:] += amount[:, None] * (np.array(colour) - colours)

    redder: Colour = (outfit.skin[0], outfit.skin[1] * 0.72, outfit.skin[2] * 0.68)
    mix(redder, 0.5 * texture_mask(base, "ears"))
    mix(outfit.lips, texture_mask(base, "lips"))
    # Brows follow an arc above each eye.
    x = np.abs(neutral[:, 0])
    arc = 7.50 + 0.06 * np.sin(np.clip((x - 0.13) / 0.40, 0, 1) * np.pi) - 0.04 * np.clip((x - 0.35) / 0.2, 0, 1)
    brow = (np.abs(neutral[:, 1] - arc) < 0.05) & (x > 0.10) & (x < 0.55) & (neutral[:, 2] > 1.0)
    mix(outfit.hair, 0.85 * brow)
    mix((outfit.skin[0] * 0.55, outfit.skin[1] * 0.45, outfit.skin[2] * 0.45), 0.6 * texture_mask(base, "eyelids"))
    mix(outfit.hair, 1.0 * scalp)
    for side in ("l", "r"):
        eye = base.groups[f"helper-{side}-eye"]
        out = neutral[eye] - neutral[eye].mean(axis=0)
        angle = np.degrees(np.arccos(np.clip(out[:, 2] / np.linalg.norm(out, axis=1), -1, 1)))
        colours[eye] = np.where((angle < 32)[:, None], outfit.iris, (0.85, 0.85, 0.83))
        colours[eye[angle < 12]] = (0.01, 0.01, 0.01)
    return colours


def dress(body: Body, outfit: Outfit) -> Dressed:
    """The visible surfaces of a body in an outfit."""
    base = body.base
    z = body.vertices_m[:, 2]
    neck = body.heads_m[body.bone["neck_01"]]
    waist_z = body.heads_m[body.bone["spine_01"], 2] + 0.03
    ankle_z = body.heads_m[body.bone["foot_l"], 2]
    crotch_z = body.heads_m[body.bone["thigh_l"], 2]
    hem_z = ankle_z + outfit.hem * (crotch_z - ankle_z)

    hands = body.bone_weight(*[b for b in base.bones if b.split("_")[0] in HAND_BONES])
    arms = body.bone_weight(*[f"{b}_{s}" for b in ("upperarm", "lowerarm", "hand") for s in "lr"]) + hands > 0.5
    left = body.vertices_m[:, 0] > 0
    sleeve = np.where(left, _along(body, ["upperarm_l", "hand_l"]), _along(body, ["upperarm_r", "hand_r"]))
    # The collar is a plane that is lower in front.
    collar = z - neck[2] - 0.6 * (body.vertices_m[:, 1] - neck[1])

    tights, skin_part = _members(base, "helper-tights"), _members(base, "body")
    scalp = _scalp(body)
    in_shirt = np.where(arms, sleeve < outfit.sleeve, (z > waist_z) & (collar < 0.02))
    in_shoes = (z < ankle_z + 0.015) & ~arms
    in_legs = (z > (hem_z + 0.05 if outfit.skirt else 0.0)) & (collar < 0.0) & ~arms
    under = z > hem_z + 0.10 if outfit.skirt else z > 0.0
    # Skin is kept a little way in under every edge.
    hidden = np.where(
        arms,
        sleeve < outfit.sleeve - 0.06,
        ((collar < -0.03) & under) | (z < ankle_z),
    )
    hidden &= ~(hands > 0.3)

    def all_of(mask: np.ndarray) -> np.ndarray:
        return mask[base.faces].all(axis=1)

    def most_of(mask: np.ndarray) -> np.ndarray:
        return mask[base.faces].sum(axis=1) >= 3

    groups: list[tuple[np.ndarray, str]] = [
        (all_of(skin_part) & ~all_of(hidden & skin_part) & ~all_of(scalp), "skin"),
        (all_of(_members(base, "helper-l-eye", "helper-r-eye")), "eyes"),
        # Every face of the tights goes to the first garment that wants it, so that no gap opens between two.
        (all_of(tights) & most_of(in_shoes), "shoes"),
        (all_of(tights) & most_of(in_shirt), "top"),
        (
            all_of(tights) & most_of(in_legs) & ~most_of(in_shirt) & ~most_of(in_shoes),
            "top" if outfit.skirt else "legs",
        ),
    ]
    if outfit.skirt:
        groups.append((all_of(_members(base, "helper-skirt") & (z > hem_z)), "top"))
    faces = [base.faces[chosen] for chosen, _ in groups]
    materials = [np.full(len(f), M[name]) for f, (_, name) in zip(faces, groups, strict=True)]

    # Hair is a second coat of the scalp, so its vertices are copies.
    normals = vertex_normals(body.vertices_m, base.faces[all_of(skin_part)])
    scalp_faces = base.faces[all_of(scalp)]
    inner = np.unique(scalp_faces)
    count = np.bincount(scalp_faces.ravel(), minlength=len(z))
    rim = (count < np.bincount(base.faces[all_of(skin_part)].ravel(), minlength=len(z)))[inner]
    copies = np.full(len(z), -1)
    copies[inner] = len(z) + np.arange(len(inner))
    rest = np.concatenate(
        [body.vertices_m, body.vertices_m[inner] + normals[inner] * np.where(rim, 0.001, outfit.hair_m)[:, None]]
    )
    faces.append(copies[scalp_faces])
    materials.append(np.full(len(scalp_faces), M["hair"]))
    if outfit.long_hair:
        neutral = base.vertices_dm
        behind = _members(base, "helper-hair") & (neutral[:, 2] < 0.2) & (neutral[:, 1] > 5.2)
        faces.append(base.faces[all_of(behind)])
        materials.append(np.full(len(faces[-1]), M["hair"]))
    follows = np.concatenate([np.arange(len(z)), inner])

    faces_all = np.concatenate(faces)
    used, compact = np.unique(faces_all, return_inverse=True)
    return Dressed(
        body=body,
        vertices=follows[used],
        rest_m=rest[used],
        faces=compact.reshape(faces_all.shape),
        materials=np.concatenate(materials),
        colours=_skin_colours(body, outfit, scalp)[follows[used]],
        outfit=outfit,
    )
