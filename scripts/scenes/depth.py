"""Depth maps and person masks by casting a ray through each pixel: exact, and the same on every machine."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils.bvhtree import BVHTree

from .camera import Camera

Surface = tuple[np.ndarray, np.ndarray]
"""Vertices (n, 3), metres, and faces (m, 4) or a list of polygons."""


def scenery(scene: bpy.types.Scene) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """Vertices (n, 3) and polygons of everything in the scene that is a mesh; call it before people are added."""
    vertices, polygons, first = [], [], 0
    for thing in scene.collection.all_objects:
        if isinstance(thing.data, bpy.types.Mesh):
            at = np.empty(3 * len(thing.data.vertices), dtype=np.float32)
            thing.data.vertices.foreach_get("co", at)
            pose = np.array(thing.matrix_world)
            vertices.append(at.reshape(-1, 3) @ pose[:3, :3].T + pose[:3, 3])
            polygons += [tuple(first + v for v in polygon.vertices) for polygon in thing.data.polygons]
            first += len(vertices[-1])
    return np.concatenate(vertices) if vertices else np.zeros((0, 3)), polygons


def tree_of(things: tuple[np.ndarray, list[tuple[int, ...]]]) -> BVHTree:
    """Scenery as rays meet it."""
    return BVHTree.FromPolygons(things[0].tolist(), things[1])


def maps(
    people: list[Surface], things: tuple[np.ndarray, list[tuple[int, ...]]], camera: Camera, shrink: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Depth and labels of one frame.

    Args:
        people: each person's surface.
        things: the scenery.
        shrink: pixels of the picture to one of the maps, both ways; rays go through the middles of the maps' pixels.
    Returns:
        (h, w) float16 depth along the camera's axis, metres, infinite in the sky; (h, w) uint8 labels, 0 for none and
        k + 1 for person k.
    """
    vertices, polygons, owner, first = [things[0]], list(things[1]), [0] * len(things[1]), len(things[0])
    for index, (at, faces) in enumerate(people):
        vertices.append(at)
        polygons += [tuple(face) for face in (np.asarray(faces) + first).tolist()]
        owner += [index + 1] * len(faces)
        first += len(at)
    tree = BVHTree.FromPolygons(np.concatenate(vertices).tolist(), polygons)
    width, height = camera.size_px[0] // shrink, camera.size_px[1] // shrink
    y, x = np.meshgrid((np.arange(height) + 0.5) * shrink, (np.arange(width) + 0.5) * shrink, indexing="ij")
    rays = np.stack([x, y, np.ones_like(x)], axis=-1).reshape(-1, 3) @ np.linalg.inv(camera.intrinsics).T
    length = np.linalg.norm(rays, axis=1)
    world = (rays / length[:, None]) @ camera.camera_to_world[:3, :3].T
    start = camera.camera_to_world[:3, 3].tolist()
    depth, label = np.full(len(rays), np.inf), np.zeros(len(rays), dtype=np.uint8)
    for k, ray in enumerate(world.tolist()):
        _, _, face, distance = tree.ray_cast(start, ray)
        if face is not None:
            depth[k], label[k] = distance / length[k], owner[face]
    return depth.reshape(height, width).astype(np.float16), label.reshape(height, width)
