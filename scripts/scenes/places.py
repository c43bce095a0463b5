"""Where the benchmark's clips are played: floors, walls, columns, trees and lamps, as plain data, and their objects.

Every place lies round the origin; most cameras look along +Y. Surfaces carry pictures (`textures`), so that a moving
camera finds corners everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from .render import Colour
from .room import area_lamp, box
from .textures import SIZE, make

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Box:
    """A box between two corners, with a picture that is `tile_m` wide."""

    low: Point
    high: Point
    texture: str
    tile_m: float = 2.0


@dataclass(frozen=True)
class Column:
    """A round column that stands on the floor."""

    at: tuple[float, float]
    radius_m: float
    height_m: float
    texture: str
    tile_m: float = 1.5


@dataclass(frozen=True)
class Tree:
    """A trunk and a crown."""

    at: tuple[float, float]
    height_m: float


@dataclass(frozen=True)
class Lamp:
    """A square lamp."""

    at: Point
    towards: Point
    size_m: float
    watts: float
    colour: Colour = (1.0, 0.95, 0.88)


@dataclass(frozen=True)
class Sun:
    """Sunlight from a direction, seen from above: `azimuth_deg` 0 is from +X, 90 from +Y."""

    azimuth_deg: float
    height_deg: float
    strength: float
    colour: Colour = (1.0, 0.95, 0.86)
    softness_deg: float = 3.0


@dataclass(frozen=True)
class Place:
    """A floor and what stands on it.

    `sky` is the colour of the light from all round, `sky_strength` its strength.
    """

    floor: str
    tile_m: float
    things: tuple[Box | Column | Tree, ...] = ()
    lamps: tuple[Lamp, ...] = ()
    sun: Sun | None = None
    sky: Colour = (0.75, 0.85, 1.0)
    sky_strength: float = 0.4


def _posters(y: float, spots: tuple[tuple[float, float], ...], first: int) -> tuple[Box, ...]:
    return tuple(
        Box((x - 0.45, y - 0.03, z - 0.6), (x + 0.45, y, z + 0.6), f"poster:{first + k}", 1.3)
        for k, (x, z) in enumerate(spots)
    )


PLACES: dict[str, Place] = {
    "studio": Place(
        floor="planks", tile_m=2.2,
        things=(
            Box((-6, 3.2, 0), (6, 3.4, 3.4), "bricks", 2.0), Box((-6.2, -7, 0), (-6, 3.4, 3.4), "plaster", 2.5),
            Box((6, -7, 0), (6.2, 3.4, 3.4), "plaster", 2.5), Box((-6, 3.1, 0), (6, 3.2, 0.14), "planks", 2.0),
            *_posters(3.2, ((-3.4, 1.7), (-1.4, 1.9), (1.1, 1.6), (3.3, 1.8)), 1),
            Box((2.6, 2.5, 0), (4.4, 3.0, 0.45), "planks", 1.5),
        ),
        lamps=(
            Lamp((-2.5, -3.0, 3.2), (0, 0, 0.9), 1.2, 330), Lamp((3.0, -1.5, 3.2), (0, 0, 1), 1.0, 160, (0.8, 0.9, 1)),
        ),
        sky_strength=0.35,
    ),
    "gym": Place(
        floor="mats", tile_m=2.0,
        things=(
            Box((-7, 4.0, 0), (7, 4.2, 4.0), "panels", 3.0), Box((-7.2, -6, 0), (-7, 4.2, 4.0), "concrete", 2.5),
            Box((7, -6, 0), (7.2, 4.2, 4.0), "concrete", 2.5),
            *(Box((-5.2, 3.80, 0.3 + 0.22 * k), (-2.6, 3.86, 0.35 + 0.22 * k), "planks", 0.8) for k in range(10)),
            *(Box((x, 3.78, 0), (x + 0.08, 3.95, 2.6), "planks", 0.8) for x in (-5.28, -3.94, -2.6)),
            *_posters(4.0, ((0.6, 2.2), (4.2, 2.0)), 11), Box((3.0, 2.9, 0), (4.6, 3.7, 0.8), "poster:21", 1.6),
            Box((1.4, 3.2, 0), (2.0, 3.8, 0.55), "poster:22", 1.2),
        ),
        lamps=(
            Lamp((-3, -1, 3.9), (-2, 0, 0), 1.6, 240, (0.92, 0.96, 1.0)),
            Lamp((3, -1, 3.9), (2, 0, 0), 1.6, 240, (0.92, 0.96, 1.0)),
            Lamp((0, -4.5, 3.6), (0, 0, 0.8), 1.2, 160, (0.95, 0.98, 1.0)),
        ),
        sky_strength=0.30,
    ),
    "hall": Place(
        floor="tiles", tile_m=2.4,
        things=(
            Box((-10, 6.0, 0), (10, 6.2, 4.5), "plaster", 3.0), Box((-10, 5.9, 0), (10, 6.0, 0.9), "panels", 2.0),
            *(Column((x, 4.6), 0.26, 4.5, "concrete") for x in (-6.0, -2.9, 3.1, 6.2)),
            *_posters(6.0, ((-4.5, 2.3), (0.1, 2.2), (4.6, 2.4)), 31),
            Box((-0.9, 5.3, 0), (1.1, 5.8, 0.5), "planks", 1.5),
        ),
        lamps=(
            Lamp((-4, -3.5, 4.2), (0, 0, 0.8), 1.5, 420, (1.0, 0.86, 0.66)),
            Lamp((4.5, 1.0, 4.2), (0.5, 2, 0.5), 1.2, 300, (1.0, 0.86, 0.66)),
        ),
        sky=(0.9, 0.85, 0.8), sky_strength=0.25,
    ),
    "street": Place(
        floor="asphalt", tile_m=3.0,
        things=(
            Box((-14, 6.0, 0), (14, 6.4, 7.5), "windows", 3.0), Box((-14, 3.6, 0), (14, 6.0, 0.12), "paving", 1.6),
            Box((14, -6, 0), (14.4, 6.4, 7.5), "windows", 3.0), Box((-14.4, -6, 0), (-14, 6.4, 7.5), "windows", 3.0),
            Column((-4.4, 4.2), 0.07, 4.5, "concrete", 0.6), Column((5.2, 4.2), 0.07, 4.5, "concrete", 0.6),
            Box((1.2, 4.3, 0.12), (2.6, 4.9, 0.75), "poster:41", 1.2),
            Box((-8.0, 4.6, 0.12), (-6.2, 5.2, 1.1), "leaves", 1.2),
            Box((7.0, 4.8, 0.12), (7.9, 5.5, 2.2), "poster:42", 1.2),
        ),
        sun=Sun(235, 42, 3.4), sky=(0.55, 0.72, 1.0), sky_strength=0.9,
    ),
    "park": Place(
        floor="grass", tile_m=3.0,
        things=(
            Box((-30, -0.9, 0.0), (30, 0.9, 0.004), "paving", 1.4), Box((-20, 7.0, 0), (20, 7.8, 1.5), "leaves", 1.6),
            Tree((-5.2, 4.6), 5.0), Tree((-1.6, 6.0), 6.0), Tree((3.4, 4.4), 5.2), Tree((7.5, 5.4), 6.0),
            Tree((11.5, 4.2), 5.5), Tree((-9.6, 5.0), 6.0),
            Box((0.2, 2.5, 0.38), (1.9, 2.9, 0.45), "planks", 1.2),
            Box((0.2, 2.9, 0.55), (1.9, 2.95, 0.95), "planks", 1.2),
            Box((0.3, 2.55, 0), (0.38, 2.9, 0.38), "bark", 0.8), Box((1.72, 2.55, 0), (1.8, 2.9, 0.38), "bark", 0.8),
            Box((-24, 13, 0), (24, 13.4, 6.0), "windows", 3.0),
        ),
        sun=Sun(300, 28, 3.6, (1.0, 0.88, 0.70)), sky=(0.55, 0.75, 1.0), sky_strength=0.6,
    ),
    "plaza": Place(
        floor="paving", tile_m=2.6,
        things=(
            Box((-16, 9.0, 0), (16, 9.4, 8.0), "windows", 3.2), Box((-16.4, -6, 0), (-16, 9.4, 8.0), "bricks", 2.5),
            Box((16, -6, 0), (16.4, 9.4, 8.0), "bricks", 2.5),
            Box((-6.5, 6.2, 0), (-4.7, 7.4, 0.6), "concrete", 1.5), Tree((-5.6, 6.8), 4.5),
            Box((5.2, 6.0, 0), (7.0, 7.2, 0.6), "concrete", 1.5), Tree((6.1, 6.6), 4.5),
            Box((-0.9, 7.6, 0), (0.9, 8.2, 1.9), "poster:51", 1.8),
        ),
        sun=Sun(250, 60, 1.2, (1.0, 0.98, 0.95), softness_deg=25.0), sky=(0.80, 0.86, 0.95), sky_strength=1.5,
    ),
    "garage": Place(
        floor="concrete", tile_m=3.0,
        things=(
            Box((-11, 6.5, 0), (11, 6.8, 3.0), "concrete", 2.6), Box((-11.3, -7, 0), (-11, 6.8, 3.0), "bricks", 2.4),
            Box((11, -7, 0), (11.3, 6.8, 3.0), "bricks", 2.4),
            Box((-7.5, 5.2, 0), (-7.0, 5.7, 3.0), "poster:60", 1.4),
            Box((-3.0, 5.2, 0), (-2.5, 5.7, 3.0), "poster:61", 1.4),
            Box((2.4, 5.2, 0), (2.9, 5.7, 3.0), "poster:62", 1.4),
            Box((7.0, 5.2, 0), (7.5, 5.7, 3.0), "poster:63", 1.4),
            Box((-5.8, 5.9, 0), (-4.0, 6.4, 1.0), "poster:65", 1.4), *_posters(6.5, ((0.2, 1.6), (5.0, 1.6)), 71),
        ),
        lamps=(
            Lamp((-3.5, 0.5, 2.95), (-3.0, 1, 0), 0.9, 210, (0.85, 1.0, 0.92)),
            Lamp((3.0, 0.5, 2.95), (3.0, 1, 0), 0.9, 210, (0.85, 1.0, 0.92)),
            Lamp((0.0, -4.0, 2.95), (0, 0, 0.5), 0.9, 170, (0.9, 1.0, 0.95)),
        ),
        sky_strength=0.12,
    ),
}  # fmt: skip


def _picture_material(texture: str, tile_m: float) -> bpy.types.Material:
    """A material that lays a picture over a surface from the side that it faces, in metres; made once."""
    name = f"{texture} {tile_m:g}"
    if name in bpy.data.materials:
        return bpy.data.materials[name]
    image = bpy.data.images.get(texture)
    if image is None:
        rgba = np.ones((SIZE, SIZE, 4), dtype=np.float32)
        rgba[..., :3] = make(texture)[::-1]
        image = bpy.data.images.new(texture, SIZE, SIZE)
        image.pixels.foreach_set(rgba.ravel())
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    where, scale, picture = (nodes.new(f"ShaderNode{kind}") for kind in ("NewGeometry", "VectorMath", "TexImage"))
    shader, output = (nodes.new(f"ShaderNode{kind}") for kind in ("BsdfDiffuse", "OutputMaterial"))
    scale.operation = "SCALE"
    scale.inputs["Scale"].default_value = 1.0 / tile_m
    picture.image, picture.projection = image, "BOX"
    links.new(where.outputs["Position"], scale.inputs[0])
    links.new(scale.outputs[0], picture.inputs["Vector"])
    links.new(picture.outputs["Color"], shader.inputs["Color"])
    links.new(shader.outputs[0], output.inputs["Surface"])
    material.diffuse_color = (*np.mean(make(texture), axis=(0, 1)).tolist(), 1.0)
    return material


def _column(scene: bpy.types.Scene, column: Column) -> None:
    sides = 24
    angle = np.arange(sides) / sides * 2 * np.pi
    ring = column.radius_m * np.stack([np.cos(angle), np.sin(angle)], axis=1) + column.at
    vertices = [(x, y, z) for z in (0.0, column.height_m) for x, y in ring.tolist()]
    faces = [(k, (k + 1) % sides, sides + (k + 1) % sides, sides + k) for k in range(sides)]
    mesh = bpy.data.meshes.new("column")
    mesh.from_pydata(vertices, [], [*faces, tuple(range(sides, 2 * sides))])
    mesh.materials.append(_picture_material(column.texture, column.tile_m))
    scene.collection.objects.link(bpy.data.objects.new("column", mesh))


def _tree(scene: bpy.types.Scene, tree: Tree) -> None:
    _column(scene, Column(tree.at, 0.045 * tree.height_m, 0.6 * tree.height_m, "bark", 0.9))
    rng = np.random.default_rng(int(100 * abs(tree.at[0]) + 10 * abs(tree.at[1])))
    for _ in range(5):
        size = tree.height_m * rng.uniform(0.17, 0.25)
        shift = rng.uniform(-0.16, 0.16, 2) * tree.height_m
        # A lumpy ball, quads by latitude.
        u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 17)[:-1], np.linspace(0.1, np.pi - 0.1, 9), indexing="ij")
        ball = np.stack([np.cos(u) * np.sin(v), np.sin(u) * np.sin(v), np.cos(v)], axis=-1)
        ball = ball * (size * rng.uniform(0.85, 1.1, u.shape))[..., None]
        ball += [tree.at[0] + shift[0], tree.at[1] + shift[1], tree.height_m * rng.uniform(0.62, 0.85)]
        index = np.arange(16 * 9).reshape(16, 9)
        a, b = index, np.roll(index, -1, axis=0)
        faces = np.stack([a[:, :-1], a[:, 1:], b[:, 1:], b[:, :-1]], axis=-1).reshape(-1, 4)
        mesh = bpy.data.meshes.new("crown")
        mesh.from_pydata(ball.reshape(-1, 3).tolist(), [], faces.tolist())
        mesh.materials.append(_picture_material("leaves", 1.4))
        scene.collection.objects.link(bpy.data.objects.new("crown", mesh))


def _sun(scene: bpy.types.Scene, sun: Sun) -> None:
    data = bpy.data.lights.new("sun", "SUN")
    data.energy, data.color, data.angle = sun.strength, sun.colour, np.radians(sun.softness_deg)
    made = bpy.data.objects.new("sun", data)
    made.rotation_euler = (0.0, np.radians(90 - sun.height_deg), np.radians(sun.azimuth_deg))
    scene.collection.objects.link(made)


def add_place(scene: bpy.types.Scene, place: Place, extra: tuple[Box | Column | Tree, ...] = ()) -> None:
    """Build a place round the origin, with what a clip puts there besides."""
    for thing in (Box((-40, -40, -0.1), (40, 40, 0.0), place.floor, place.tile_m), *place.things, *extra):
        if isinstance(thing, Box):
            box(scene, "box", thing.low, thing.high, _picture_material(thing.texture, thing.tile_m))
        elif isinstance(thing, Column):
            _column(scene, thing)
        else:
            _tree(scene, thing)
    for lamp in place.lamps:
        area_lamp(scene, lamp.at, lamp.towards, lamp.size_m, lamp.watts, lamp.colour)
    if place.sun is not None:
        _sun(scene, place.sun)
    world = bpy.data.worlds.new("world")
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (*place.sky, 1.0)
    background.inputs["Strength"].default_value = place.sky_strength
    scene.world = world
