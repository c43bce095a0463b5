"""One picture by OpenGL: linear colour, instance ids and depth in one pass, several samples a pixel.

Camera axes are OpenCV's (x right, y down, z forward), pixel centres lie at +0.5. With K = (fx, fy, cx, cy), a point
(X, Y, Z) lands at u = fx X / Z + cx, and the row of the frame buffer is the row of the picture:

    clip = (2 fx / w X + (2 cx / w - 1) Z,  2 fy / h Y + (2 cy / h - 1) Z,  (f + n) / (f - n) Z - 2 f n / (f - n),  Z)
"""

from __future__ import annotations

from dataclasses import dataclass, field

import moderngl
import numpy as np

from animepose_blender.errors import AnimePoseError

from . import shaders
from .bank import Bank

NEAR_M, FAR_M = 0.1, 200.0
REGIONS = 6
MOST_FEET = 16


@dataclass(frozen=True, eq=False)
class Camera:
    """Intrinsics (3, 3) in pixels, world-to-camera (4, 4) in metres, and the picture's size."""

    intrinsics: np.ndarray
    view: np.ndarray
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Look:
    """Of each of the six regions: two linear colours (6, 3), pattern and its size in metres (6,), gloss, thickness."""

    colours_a: np.ndarray
    colours_b: np.ndarray
    kinds: np.ndarray
    sizes_m: np.ndarray
    glosses: np.ndarray
    thickness_m: np.ndarray


@dataclass(frozen=True, eq=False)
class Actor:
    """A figure of the bank in one of its poses, put into the world by (4, 4) `place`."""

    figure: int
    pose: int
    place: np.ndarray
    look: Look


@dataclass(frozen=True, eq=False)
class Setting:
    """Everything but people: light, sky, and (N, 14) float32 corners of triangles.

    A corner is place, normal, two linear colours, pattern and its size. Directions point to the lights.
    """

    corners: np.ndarray
    ambient: np.ndarray
    light_colours: np.ndarray
    light_directions: np.ndarray
    sky_a: np.ndarray
    sky_b: np.ndarray
    sky_pattern: np.ndarray
    exposure: float = 1.0
    feet_m: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))


class Renderer:
    """Draws pictures of one size from one bank; holds the figures on the device."""

    def __init__(self, bank: Bank | None, width: int, height: int, samples: int = 3):
        if samples % 2 == 0:
            raise AnimePoseError("Samples across a pixel must be odd, so that one lies on its centre.")
        # Two names that drivers go by; EGL draws without a window, on a GPU or in software.
        try:
            self.context = moderngl.create_context(standalone=True, require=430, backend="egl")  # type: ignore[arg-type]
        except Exception as error:
            raise AnimePoseError(
                f"OpenGL 4.3 could not be started: {error}.", "Install a driver with EGL (Mesa's does it in software)."
            ) from error
        self.size, self.samples = (width, height), samples
        gl = self.context
        self._person = gl.program(vertex_shader=shaders.PERSON_VERTEX, fragment_shader=shaders.PERSON_FRAGMENT)
        self._thing = gl.program(vertex_shader=shaders.THING_VERTEX, fragment_shader=shaders.THING_FRAGMENT)
        self._sky = gl.program(vertex_shader=shaders.SKY_VERTEX, fragment_shader=shaders.SKY_FRAGMENT)
        self._join = gl.program(vertex_shader=shaders.SKY_VERTEX, fragment_shader=shaders.JOIN_FRAGMENT)
        self._fine = self._targets(width * samples, height * samples, "f2")
        self._plain = self._targets(width, height, "f1")
        corners = gl.buffer(np.array([[-1, -1], [3, -1], [-1, 3]], "f4").tobytes())
        self._sky_array = gl.vertex_array(self._sky, [(corners, "2f", "in_corner")])
        self._join_array = gl.vertex_array(self._join, [(corners, "2f", "in_corner")])
        self._bones = gl.buffer(reserve=80 * 64)
        self._bank = bank
        self._figures = [self._load(k) for k in range(len(bank.figures))] if bank else []

    @property
    def device(self) -> str:
        """What draws."""
        return str(self.context.info["GL_RENDERER"])

    def close(self) -> None:
        """Give the device's memory back."""
        self.context.release()

    def _targets(self, width: int, height: int, colour: str) -> moderngl.Framebuffer:
        gl, size = self.context, (width, height)
        textures = [gl.texture(size, 4, dtype=colour), gl.texture(size, 1, dtype="u1"), gl.texture(size, 1, dtype="f4")]
        for texture in textures:
            texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
        return gl.framebuffer(textures, gl.depth_renderbuffer(size))

    def _load(self, number: int) -> moderngl.VertexArray:
        assert self._bank is not None
        figure, gl = self._bank.figures[number], self.context
        floats = np.concatenate([figure.rest_m, figure.normals, figure.colours, figure.weights], axis=1)
        small = np.concatenate([figure.weight_bones, figure.regions[:, None]], axis=1)
        return gl.vertex_array(
            self._person,
            [
                (gl.buffer(floats.astype("f4").tobytes()), "3f 3f 3f 4f", "in_rest", "in_normal", "in_colour",
                 "in_weights"),
                (gl.buffer(small.astype("u1").tobytes()), "4u1 1u1", "in_bones", "in_region"),
            ],
            index_buffer=gl.buffer(figure.triangles.astype("i4").tobytes()),
        )  # fmt: skip

    def draw(self, camera: Camera, setting: Setting, actors: list[Actor]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One picture.

        Returns:
            (H, W, 3) uint8 sRGB, (H, W) uint8 ids (0 nobody, k + 1 actor k), (H, W) float32 depth in metres along the
            camera's axis, infinite where there is nothing.
        """
        gl = self.context
        view = np.ascontiguousarray(camera.view.T, "f4").tobytes()
        projection = np.ascontiguousarray(_projection(camera).T, "f4").tobytes()
        eye = -camera.view[:3, :3].T @ camera.view[:3, 3]
        self._fine.use()
        gl.enable(moderngl.DEPTH_TEST)
        self._fine.clear(depth=1.0)
        for name in ("sky_a", "sky_b", "sky_pattern"):
            self._sky[name].value = tuple(getattr(setting, name).tolist())  # type: ignore[union-attr]
        self._sky_array.render()
        for program in (self._thing, self._person):
            program["view"].write(view)  # type: ignore[union-attr]
            program["projection"].write(projection)  # type: ignore[union-attr]
            for name, value in (
                ("eye", eye), ("ambient", setting.ambient), ("light_colours", setting.light_colours),
                ("light_directions", setting.light_directions),
            ):  # fmt: skip
                program[name].write(np.ascontiguousarray(value, "f4").tobytes())  # type: ignore[union-attr]
        feet = np.full((MOST_FEET, 3), 1e4, "f4")
        feet[: len(setting.feet_m)] = setting.feet_m[:MOST_FEET]
        self._thing["feet"].write(feet.tobytes())  # type: ignore[union-attr]
        if len(setting.corners):
            buffer = gl.buffer(setting.corners.astype("f4").tobytes())
            names = ("in_place", "in_normal", "in_colour", "in_colour_b", "in_pattern")
            array = gl.vertex_array(self._thing, [(buffer, "3f 3f 3f 3f 2f", *names)])
            array.render()
            array.release()
            buffer.release()
        self._bones.bind_to_uniform_block(0)
        for number, actor in enumerate(actors):
            self._draw_actor(number + 1, actor)
        return self._read(setting.exposure)

    def _draw_actor(self, number: int, actor: Actor) -> None:
        assert self._bank is not None
        figure, look, program = self._bank.figures[actor.figure], actor.look, self._person
        bones = np.tile(np.eye(4), (figure.rotations.shape[1], 1, 1))
        bones[:, :3, :3] = figure.rotations[actor.pose]
        bones[:, :3, 3] = figure.shifts_m[actor.pose]
        bones = actor.place @ bones
        self._bones.write(np.ascontiguousarray(bones.transpose(0, 2, 1), "f4").tobytes())
        program["id"].value = number  # type: ignore[union-attr]
        for name, value in (
            ("colours_a", look.colours_a), ("colours_b", look.colours_b), ("kinds", look.kinds),
            ("sizes", look.sizes_m), ("glosses", look.glosses), ("thickness", look.thickness_m),
        ):  # fmt: skip
            program[name].write(np.ascontiguousarray(value, "f4").tobytes())  # type: ignore[union-attr]
        self._figures[actor.figure].render()

    def _read(self, exposure: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self._plain.use()
        self.context.disable(moderngl.DEPTH_TEST)
        for unit, (name, texture) in enumerate(
            zip(("colour", "id", "depth"), self._fine.color_attachments, strict=True)
        ):
            texture.use(unit)  # type: ignore[union-attr]
            self._join[name].value = unit  # type: ignore[union-attr]
        self._join["samples"].value = self.samples  # type: ignore[union-attr]
        self._join["exposure"].value = exposure  # type: ignore[union-attr]
        self._join_array.render()
        shape = self.size[::-1]
        colour, ids, depth = (
            np.frombuffer(self._plain.read(components=c, attachment=k, dtype=t, alignment=1), d)
            for k, (c, t, d) in enumerate([(3, "f1", np.uint8), (1, "u1", np.uint8), (1, "f4", np.float32)])
        )
        return colour.reshape(*shape, 3), ids.reshape(shape), depth.reshape(shape)


def _projection(camera: Camera) -> np.ndarray:
    (fx, _, cx), (_, fy, cy), _ = camera.intrinsics
    w, h, n, f = camera.width, camera.height, NEAR_M, FAR_M
    return np.array(
        [
            [2 * fx / w, 0, 2 * cx / w - 1, 0],
            [0, 2 * fy / h, 2 * cy / h - 1, 0],
            [0, 0, (f + n) / (f - n), -2 * f * n / (f - n)],
            [0, 0, 1, 0],
        ]
    )
