"""The mannequin's mesh is closed, right side out, and belongs to the bones of the armature."""

import numpy as np
import pytest

from animepose_blender.core import finger_space, fingers
from animepose_blender.core.armature_space import SHOWN_NAMES, rest_bones
from animepose_blender.core.figure import Figure, build_figure
from animepose_blender.skeleton import REST_LENGTHS_M


def figure_of(lengths_m: np.ndarray, with_fingers: bool = False) -> Figure:
    rest = rest_bones(lengths_m, np.tile(fingers.REST_LENGTHS_M, (2, 1)) if with_fingers else None)
    return build_figure(rest.joints_m, lengths_m, rest.fingers)


def triangles_of(figure: Figure) -> np.ndarray:
    return np.concatenate([figure.triangles, figure.quads[:, [0, 1, 2]], figure.quads[:, [0, 2, 3]]])


@pytest.mark.parametrize("with_fingers", [False, True])
def test_every_vertex_belongs_to_exactly_one_bone_and_every_bone_has_some(with_fingers):
    figure = figure_of(REST_LENGTHS_M, with_fingers)
    numbers = np.concatenate(list(figure.bone_vertices.values()))
    assert sorted(numbers.tolist()) == list(range(len(figure.vertices_m)))
    assert set(figure.bone_vertices) == set(SHOWN_NAMES) | (set(finger_space.NAMES) if with_fingers else set())


@pytest.mark.parametrize("with_fingers", [False, True])
def test_the_mesh_is_closed_and_every_part_is_right_side_out(with_fingers):
    figure = figure_of(REST_LENGTHS_M * np.linspace(0.8, 1.2, len(REST_LENGTHS_M)), with_fingers)
    triangles = triangles_of(figure)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    forward = {tuple(edge) for edge in edges.tolist()}
    assert len(forward) == len(edges) and all((b, a) in forward for a, b in forward)
    a, b, c = (figure.vertices_m[triangles[:, i]] for i in range(3))
    bone_of = {int(v): bone for bone, vertices in figure.bone_vertices.items() for v in vertices}
    volume_m3 = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6
    for bone in figure.bone_vertices:
        assert sum(v for v, t in zip(volume_m3, triangles, strict=True) if bone_of[int(t[0])] == bone) > 0, bone


def test_it_stands_on_the_floor_faces_minus_y_and_is_as_tall_as_its_person():
    for scale in (0.6, 1.0, 1.2):
        vertices_m = figure_of(REST_LENGTHS_M * scale).vertices_m
        assert abs(vertices_m[:, 2].min()) < 1e-3 * scale
        assert abs(vertices_m[:, 2].max() - 1.70 * scale) < 0.01
        assert np.allclose(np.sort(vertices_m[:, 0]), np.sort(-vertices_m[:, 0]), atol=1e-3)
        head = vertices_m[vertices_m[:, 2] > 1.5 * scale]
        assert head[:, 1].min() < -0.13 * scale < 0.1 * scale < head[:, 1].max() + 0.03 * scale


def test_fingers_take_the_place_of_mittens_and_leave_the_rest_of_the_body_as_it_is():
    plain, fingered = figure_of(REST_LENGTHS_M), figure_of(REST_LENGTHS_M, with_fingers=True)
    for bone in set(SHOWN_NAMES) - {"hand.L", "hand.R"}:
        np.testing.assert_array_equal(
            plain.vertices_m[plain.bone_vertices[bone]], fingered.vertices_m[fingered.bone_vertices[bone]]
        )
    for side, letter in enumerate("LR"):
        tips_m = fingered.vertices_m[fingered.bone_vertices[f"middle_3.{letter}"]]
        wrist_x = (0.705, -0.705)[side]
        assert np.abs(tips_m[:, 0] - wrist_x).max() < np.abs(fingers.REST_POINTS_M[side, 12, 0]) + 0.01
