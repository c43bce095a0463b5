"""The mannequin of a person: mesh, materials, and one vertex group a bone."""

from __future__ import annotations

import colorsys

import bpy
import numpy as np

from ..core.armature_space import RestBones
from ..core.figure import BODY, JOINT, LEFT, RIGHT, build_figure
from . import compat

_BODY_HSV = (
    (0.075, 0.80, 0.72), (0.53, 0.80, 0.52), (0.95, 0.68, 0.66),
    (0.27, 0.70, 0.46), (0.74, 0.55, 0.66), (0.13, 0.86, 0.72),
)  # fmt: skip
"""Colours of the first people: wood, teal, rose, moss, violet, ochre; further people repeat them."""
_TINTED = {BODY: (1.0, 1.0), LEFT: (0.82, 1.32), RIGHT: (1.05, 0.46)}
"""Factors of saturation and value. The left side is lighter and the right darker than the trunk, so that the two can be
told apart in any pose."""
_JOINT_RGB = (0.13, 0.11, 0.10)
_ROUGHNESS = 0.55


def person_colour(number: int) -> tuple[float, float, float, float]:
    """RGBA, linear, of the `number`-th person of a take."""
    return (*colorsys.hsv_to_rgb(*_BODY_HSV[number % len(_BODY_HSV)]), 1.0)


def make_materials(name: str, number: int) -> list[bpy.types.Material]:
    """The materials of a mannequin, one a tint, in the order of the tints."""
    hue, saturation, value = _BODY_HSV[number % len(_BODY_HSV)]
    labels = {BODY: "body", LEFT: "left", RIGHT: "right"}
    materials = []
    for tint in (BODY, LEFT, RIGHT, JOINT):
        if tint == JOINT:
            rgb = _JOINT_RGB
        else:
            more_saturation, more_value = _TINTED[tint]
            rgb = colorsys.hsv_to_rgb(hue, min(1.0, saturation * more_saturation), min(1.0, value * more_value))
        label = labels.get(tint, "joints")
        materials.append(compat.new_material(f"{name} {label}", (*rgb, 1.0), _ROUGHNESS))
    return materials


def make_mannequin(
    name: str, rest: RestBones, lengths_m: np.ndarray, materials: list[bpy.types.Material], armature: bpy.types.Object
) -> bpy.types.Object:
    """A mannequin object, parented to the armature and skinned to it, linked to no collection yet."""
    figure = build_figure(rest.joints_m, lengths_m, rest.fingers)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(figure.vertices_m.tolist(), [], figure.triangles.tolist() + figure.quads.tolist())
    for material in materials:
        mesh.materials.append(material)
    tints = np.concatenate([figure.triangle_tint, figure.quad_tint]).astype(np.int32)
    mesh.polygons.foreach_set("material_index", tints)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(tints), dtype=bool))
    mesh.update()

    mannequin = bpy.data.objects.new(name, mesh)
    for bone, vertices in figure.bone_vertices.items():
        mannequin.vertex_groups.new(name=bone).add(vertices.tolist(), 1.0, "REPLACE")
    mannequin.parent = armature
    modifier = mannequin.modifiers.new("Armature", "ARMATURE")
    assert isinstance(modifier, bpy.types.ArmatureModifier)
    modifier.object = armature
    return mannequin
