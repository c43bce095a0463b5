"""A lit room with a plank floor, walls of two colours, a rug, a window and pictures: something to hold on to."""

from __future__ import annotations

import bpy
import numpy as np

from .render import Colour, principled

ROOM_M = (7.0, 6.0, 3.0)


def box(
    scene: bpy.types.Scene, name: str, low: tuple[float, ...], high: tuple[float, ...], material: bpy.types.Material
) -> None:
    corners = np.array([[(low, high)[k >> axis & 1][axis] for axis in range(3)] for k in range(8)])
    faces = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners.tolist(), [], faces)
    mesh.materials.append(material)
    scene.collection.objects.link(bpy.data.objects.new(name, mesh))


def _planks() -> bpy.types.Material:
    material, shader = principled("planks", (0.35, 0.19, 0.09), 0.45)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    place = nodes.new("ShaderNodeNewGeometry")
    bricks = nodes.new("ShaderNodeTexBrick")
    bricks.offset = 0.37
    for key, value in {
        "Scale": 1.0, "Mortar Size": 0.006, "Bias": -0.1, "Brick Width": 1.3, "Row Height": 0.16,
        "Color1": (0.42, 0.23, 0.11, 1), "Color2": (0.24, 0.12, 0.055, 1), "Mortar": (0.03, 0.015, 0.008, 1),
    }.items():  # fmt: skip
        bricks.inputs[key].default_value = value
    links.new(place.outputs["Position"], bricks.inputs["Vector"])
    links.new(bricks.outputs["Color"], shader.inputs["Base Color"])
    return material


def area_lamp(
    scene: bpy.types.Scene,
    place_m: tuple[float, float, float],
    towards_m: tuple[float, float, float],
    size_m: float,
    watts: float,
    colour: Colour,
) -> None:
    data = bpy.data.lights.new("lamp", "AREA")
    data.energy, data.size, data.color = watts, size_m, colour
    lamp = bpy.data.objects.new("lamp", data)
    back = np.array(place_m) - np.array(towards_m)
    back = back / np.linalg.norm(back)
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(back, right), back], axis=1)
    pose[:3, 3] = place_m
    lamp.matrix_world = pose.T.tolist()
    scene.collection.objects.link(lamp)


def add_room(scene: bpy.types.Scene, facing: float) -> None:
    """Build the room round the origin, its floor at z = 0, turned by `facing` radians; open towards its own -Y."""
    x, y, z = ROOM_M[0] / 2, ROOM_M[1] / 2, ROOM_M[2]
    before = set(scene.collection.objects)
    wall, _ = principled("wall", (0.52, 0.55, 0.50))
    panel, _ = principled("panel", (0.16, 0.25, 0.27))
    white, _ = principled("white", (0.8, 0.8, 0.77))
    dark, _ = principled("dark", (0.05, 0.04, 0.035), 0.5)
    orange, _ = principled("orange", (0.75, 0.28, 0.06))
    blue, _ = principled("blue", (0.08, 0.2, 0.5))
    box(scene, "floor", (-x - 2, -y - 5, -0.1), (x + 2, y, 0.0), _planks())
    box(scene, "back", (-x, y, 0.0), (x, y + 0.1, z), wall)
    for side in (-1.0, 1.0):
        box(scene, "side", (min(side * x, side * (x + 0.1)), -y, 0), (max(side * x, side * (x + 0.1)), y, z), wall)
    box(scene, "wainscot", (-x, y - 0.02, 0.0), (x, y, 0.95), panel)
    box(scene, "rail", (-x, y - 0.05, 0.95), (x, y, 1.02), white)
    box(scene, "skirting", (-x, y - 0.04, 0.0), (x, y, 0.12), white)
    for left, colour in ((-2.4, orange), (1.2, blue)):
        box(scene, "frame", (left, y - 0.05, 1.3), (left + 1.1, y, 2.1), dark)
        box(scene, "picture", (left + 0.07, y - 0.06, 1.37), (left + 1.03, y - 0.01, 2.03), colour)
        box(scene, "shape", (left + 0.3, y - 0.065, 1.5), (left + 0.62, y - 0.01, 1.85), white)
    box(scene, "bench", (-x + 0.2, y - 0.5, 0.38), (-x + 1.5, y - 0.1, 0.45), orange)
    for leg in (-x + 0.3, -x + 1.34):
        box(scene, "bench leg", (leg, y - 0.45, 0.0), (leg + 0.06, y - 0.15, 0.38), dark)
    area_lamp(scene, (-2.6, -2.5, 3.2), (0, 0, 0.8), 1.0, 260.0, (1.0, 0.93, 0.82))
    area_lamp(scene, (2.8, -3.0, 2.8), (0, 0, 1.0), 1.6, 130.0, (0.85, 0.92, 1.0))
    area_lamp(scene, (0.3, 1.0, 3.4), (0, 0, 0), 0.8, 90.0, (1.0, 0.97, 0.92))
    turn = np.eye(4)
    c, s = np.cos(facing), np.sin(facing)
    turn[:2, :2] = [[c, -s], [s, c]]
    for made in set(scene.collection.objects) - before:
        made.matrix_world = (turn @ np.array(made.matrix_world)).T.tolist()
    world = bpy.data.worlds.new("world")
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value, background.inputs["Strength"].default_value = (0.75, 0.85, 1.0, 1.0), 0.35
    scene.world = world
