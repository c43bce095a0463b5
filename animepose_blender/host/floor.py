"""The common floor as a grid of metres: to see where people stand; switched on for rendering, it catches shadows."""

from __future__ import annotations

import bpy
import numpy as np

MARGIN_M = 1.0
"""How far the floor goes on beyond everybody's path."""
MOST_CELLS = 64
"""Along one side; a floor that would have more gets larger cells."""
CELL_STEPS = (1, 2, 5)


def make_floor(name: str, joints_world_m: np.ndarray) -> bpy.types.Object:
    """A plane at z = 0 that reaches beyond everybody's path, linked to no collection yet.

    It is shown as wires of whole metres, cannot be picked by accident, and is not rendered until somebody wants it.

    Args:
        name: of the object.
        joints_world_m: (..., 3); NaN where somebody is absent.
    """
    low, high, cells = grid(joints_world_m)
    x, y = (np.linspace(low[axis], high[axis], cells[axis] + 1) for axis in range(2))
    vertices = np.stack([*np.meshgrid(x, y, indexing="ij"), np.zeros((len(x), len(y)))], axis=-1)
    index = np.arange(len(x) * len(y)).reshape(len(x), len(y))
    quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=-1)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.reshape(-1, 3).tolist(), [], quads.reshape(-1, 4).tolist())
    floor = bpy.data.objects.new(name, mesh)
    floor.display_type = "WIRE"
    floor.show_all_edges = True  # otherwise lines within a plane are left out
    floor.hide_select = True
    floor.hide_render = True
    floor.is_shadow_catcher = True
    return floor


def grid(joints_world_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower and upper corner, each (2,) metres, and number of cells along x and y, (2,).

    The lines lie at whole metres, or at multiples of 2, 5, 10, … m where everybody's paths are very long.
    """
    ground_m = joints_world_m.reshape(-1, 3)[:, :2].astype(np.float64)
    low, high = np.nanmin(ground_m, axis=0) - MARGIN_M, np.nanmax(ground_m, axis=0) + MARGIN_M
    step = 0
    while True:
        cell_m = CELL_STEPS[step % 3] * 10.0 ** (step // 3)
        first, last = np.floor(low / cell_m), np.ceil(high / cell_m)
        if (last - first).max() <= MOST_CELLS:
            return first * cell_m, last * cell_m, (last - first).astype(int)
        step += 1
