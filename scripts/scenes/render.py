"""Drawing: people, room and camera as Blender objects, rendered frame by frame.

Only this module and `room` touch Blender's scene. Vertices are written in bulk; nothing is keyframed.
"""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from .camera import Camera
from .clothing import MATERIALS, Colour, Dressed, Outfit
from .mesh import skin
from .motion import Motion

ROUGHNESS = {"skin": 0.55, "eyes": 0.15, "hair": 0.75, "top": 0.85, "legs": 0.85, "shoes": 0.4}


def new_scene() -> bpy.types.Scene:
    """An empty scene in an otherwise empty file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def principled(name: str, colour: Colour, roughness: float = 0.8) -> tuple[bpy.types.Material, bpy.types.Node]:
    """A plain material and its shader node."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    material.diffuse_color = (*colour, 1.0)
    return material, shader


def _pattern(material: bpy.types.Material, shader: bpy.types.Node, outfit: Outfit) -> None:
    """Colour a cloth by where it rests, so that the pattern moves with it."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    rest = nodes.new("ShaderNodeAttribute")
    rest.attribute_name = "rest_m"
    a, b = (*outfit.top, 1.0), (*outfit.top_2, 1.0)
    if outfit.pattern == "checks":
        texture = nodes.new("ShaderNodeTexChecker")
        texture.inputs["Scale"].default_value = 1.0 / outfit.pattern_m
        texture.inputs["Color1"].default_value, texture.inputs["Color2"].default_value = a, b
        links.new(rest.outputs["Vector"], texture.inputs["Vector"])
        links.new(texture.outputs["Color"], shader.inputs["Base Color"])
        return
    if outfit.pattern == "stripes":
        texture = nodes.new("ShaderNodeTexWave")
        texture.bands_direction = "Z"
        texture.inputs["Scale"].default_value = 0.314 / outfit.pattern_m
        value = texture.outputs["Fac"]
        edge = 0.5
    else:
        texture = nodes.new("ShaderNodeTexVoronoi")
        texture.inputs["Scale"].default_value = 1.0 / outfit.pattern_m
        texture.inputs["Randomness"].default_value = 0.3
        value = texture.outputs["Distance"]
        edge = 0.32
    links.new(rest.outputs["Vector"], texture.inputs["Vector"])
    ramp = nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.interpolation = "CONSTANT"
    ramp.color_ramp.elements[0].color, ramp.color_ramp.elements[1].color = b, a
    ramp.color_ramp.elements[1].position = edge
    links.new(value, ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], shader.inputs["Base Color"])


def _materials(outfit: Outfit) -> list[bpy.types.Material]:
    plain: dict[str, Colour] = {
        "skin": outfit.skin, "eyes": (0.8, 0.8, 0.8), "hair": outfit.hair,
        "top": outfit.top, "legs": outfit.legs, "shoes": outfit.shoes,
    }  # fmt: skip
    made = []
    for name in MATERIALS:
        material, shader = principled(name, plain[name], ROUGHNESS[name])
        if name in ("skin", "eyes"):
            colour = material.node_tree.nodes.new("ShaderNodeAttribute")
            colour.attribute_name = "colour"
            material.node_tree.links.new(colour.outputs["Color"], shader.inputs["Base Color"])
        elif name == "top":
            _pattern(material, shader, outfit)
        made.append(material)
    return made


def add_person(scene: bpy.types.Scene, name: str, dressed: Dressed) -> bpy.types.Object:
    """A mesh object of a dressed person at rest."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(dressed.rest_m.tolist(), [], dressed.faces.tolist())
    mesh.polygons.foreach_set("material_index", dressed.materials.astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(dressed.faces), dtype=bool))
    rest = mesh.attributes.new("rest_m", "FLOAT_VECTOR", "POINT")
    rest.data.foreach_set("vector", dressed.rest_m.astype(np.float32).ravel())
    colour = mesh.attributes.new("colour", "FLOAT_COLOR", "POINT")
    rgba = np.concatenate([dressed.colours, np.ones((len(dressed.colours), 1))], axis=1)
    colour.data.foreach_set("color", rgba.astype(np.float32).ravel())
    for material in _materials(dressed.outfit):
        mesh.materials.append(material)
    person = bpy.data.objects.new(name, mesh)
    scene.collection.objects.link(person)
    return person


def surface(dressed: Dressed, motion: Motion, frame: int) -> np.ndarray:
    """(n, 3) where a dressed person's vertices are in a frame, metres."""
    return skin(dressed.body, motion.rotations[frame], motion.heads_m[frame], dressed.vertices, dressed.rest_m)


def move_person(person: bpy.types.Object, vertices_m: np.ndarray) -> None:
    """Put a person's vertices (n, 3) where they are now."""
    person.data.vertices.foreach_set("co", vertices_m.astype(np.float32).ravel())
    person.data.update()


def move_camera(scene: bpy.types.Scene, camera: Camera) -> None:
    """Put the scene's camera where `camera` is."""
    if scene.camera is None:
        raise ValueError("the scene has no camera yet")
    # Blender's camera looks along its -Z with +Y up: y and z change sign.
    scene.camera.matrix_world = (camera.camera_to_world @ np.diag([1.0, -1.0, -1.0, 1.0])).T.tolist()


def add_camera(scene: bpy.types.Scene, camera: Camera) -> None:
    """Make `camera` the one that the scene is rendered through."""
    width, height = camera.size_px
    data = bpy.data.cameras.new("camera")
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = 36.0
    data.lens = camera.focal_px * data.sensor_width / width
    made = bpy.data.objects.new("camera", data)
    scene.collection.objects.link(made)
    scene.camera = made
    move_camera(scene, camera)
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100


def use_cycles(scene: bpy.types.Scene, samples: int, bounces: int = 2) -> None:
    """Path tracing on the CPU, few samples and a denoiser, the same noise each time."""
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.denoising_prefilter = "FAST"
    scene.cycles.max_bounces = bounces
    scene.cycles.diffuse_bounces = 1
    scene.cycles.glossy_bounces = bounces - 1
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    scene.cycles.seed = 0
    scene.render.use_persistent_data = True
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.view_settings.exposure = 0.1


def use_workbench(scene: bpy.types.Scene) -> None:
    """Plain shading without light transport: for a quick look."""
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.shading.color_type = "MATERIAL"
    scene.display.shading.light = "STUDIO"
    scene.display.shading.show_shadows = True


def render_frame(scene: bpy.types.Scene, path: Path) -> None:
    """Render to a PNG: under another name first, so that a picture that is there is a whole one."""
    part = path.with_name("part_" + path.name)
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.render.filepath = str(part)
    bpy.ops.render.render(write_still=True)
    part.replace(path)
