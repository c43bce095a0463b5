"""Backgrounds without people, made up: they stand in for photographs, so that networks learn people, not grey walls.

Reference: Baradad et al., "Learning to see by looking at noise" (2021): networks that learn from leaves of power-law
sizes that cover one another, and from noise with the spectrum of natural pictures, come near to those that learn from
photographs. Here leaves are ellipses, polygons, rectangles and limb-like rods with gradients and textures, in a few
muted colours a picture; before noise, sky and ground, or nothing; with lines; blurred now and then. Colours are RGB.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

BANK = 300
"""Pictures that exist; each is made when it is first asked for, in about 25 ms, and kept."""
SIDE_PX = 400
FIELD_PX = 512
SEED = 20221
DARK_SKIN, LIGHT_SKIN = np.array([50.0, 32.0, 24.0]), np.array([245.0, 208.0, 185.0])


def backdrop(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """(height, width, 3) uint8: a piece of a picture of the bank, flipped, stretched and tinted by chance."""
    picture = _made(int(rng.integers(BANK)))
    down, across = (SIDE_PX * rng.uniform(0.45, 1.0, 2) ** 0.7).astype(int)
    top, left = rng.integers(SIDE_PX - down + 1), rng.integers(SIDE_PX - across + 1)
    piece = picture[top : top + down, left : left + across]
    piece = piece[:, ::-1] if rng.random() < 0.5 else piece
    piece = piece[::-1] if rng.random() < 0.1 else piece
    piece = cv2.resize(np.ascontiguousarray(piece), (width, height), interpolation=cv2.INTER_LINEAR)
    gain, shift = rng.uniform(0.6, 1.3) * rng.uniform(0.9, 1.1, 3), rng.uniform(-25, 25)
    table = np.clip(np.arange(256)[:, None] * gain + shift, 0, 255).astype(np.uint8)[None]
    return cv2.LUT(piece, np.ascontiguousarray(table.transpose(1, 0, 2)))


def clutter(rng: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Things that are not people but may be of their colours and forms: rods like limbs, blobs like heads, boxes.

    Returns:
        (height, width, 3) uint8 colours, and (height, width) uint8 255 where a thing is.
    """
    size = float(min(height, width))
    number = int(rng.integers(1, 7))
    colours = np.where(rng.random((number, 1)) < 0.5, skin(rng, number), palette(rng, number))
    index = np.full((height, width), -1.0, np.float32)
    at = rng.uniform(0, 1, 2) * [width, height]
    for k in range(number):
        # Some stand together, as the parts of a body do.
        at = at + rng.normal(0, 0.12, 2) * size if rng.random() < 0.5 else rng.uniform(0, 1, 2) * [width, height]
        _leaf(rng, index, k, at, size * 0.03 * 10.0 ** rng.uniform(0, 0.9))
    return _coloured(rng, index, colours, 0.6), (index >= 0).astype(np.uint8) * 255


def skin(rng: np.random.Generator, number: int) -> np.ndarray:
    """(number, 3) colours between dark and light skin, 0 to 255."""
    tone = rng.random((number, 1))
    return np.clip((DARK_SKIN + tone * (LIGHT_SKIN - DARK_SKIN)) * rng.uniform(0.85, 1.1, (number, 3)), 0, 255)


def palette(rng: np.random.Generator, number: int) -> np.ndarray:
    """(number, 3) colours that go together, mostly muted, 0 to 255."""
    hues = rng.random(int(rng.integers(1, 4)))
    hue = (hues[rng.integers(len(hues), size=number)] + rng.normal(0, 0.04, number)) % 1
    saturation = rng.beta(1.0, 1.5 + 5 * rng.random(), number)
    value = rng.beta(1.5, 1.5, number) * 0.9 + 0.08
    hsv = np.stack([hue * 360, saturation, value], -1).astype(np.float32)[None]
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0].astype(float) * 255


def noise(rng: np.random.Generator, height: int, width: int, slope: float) -> np.ndarray:
    """(height, width) float32 noise of deviation about 1 whose amplitude falls with the frequency's power `slope`."""
    field = _field(round(slope * 5), int(rng.integers(6)))
    top, left = rng.integers(0, FIELD_PX, 2)
    rows, columns = np.arange(top, top + height) % FIELD_PX, np.arange(left, left + width) % FIELD_PX
    field = field[rows][:, columns]  # it repeats without a seam
    return field[:, ::-1] if rng.random() < 0.5 else field


@lru_cache(maxsize=80)
def _field(fifths: int, number: int) -> np.ndarray:
    rng = np.random.default_rng((SEED, fifths, number))
    spectrum = np.fft.rfft2(rng.standard_normal((FIELD_PX, FIELD_PX)))
    frequency = np.hypot(np.fft.fftfreq(FIELD_PX)[:, None], np.fft.rfftfreq(FIELD_PX))
    frequency[0, 0] = np.inf
    field = np.fft.irfft2(spectrum * frequency ** (-0.2 * fifths), (FIELD_PX, FIELD_PX)).astype(np.float32)
    return field / field.std()


@lru_cache(maxsize=BANK)
def _made(number: int) -> np.ndarray:
    """(SIDE_PX, SIDE_PX, 3) uint8, picture `number` of the bank."""
    rng = np.random.default_rng((SEED, number))
    picture = _ground(rng)
    if rng.random() < 0.9:
        places, radii = _scatter(rng)
        index = np.full((SIDE_PX, SIDE_PX), -1.0, np.float32)
        upright, alike = rng.random() < 0.5, rng.random() < 0.25
        form = rng.random()
        for k, (place, radius) in enumerate(zip(places, radii)):
            _leaf(rng, index, k, place, radius, upright, form if alike else None)
        colours = palette(rng, len(radii))
        few = rng.random(len(radii)) < rng.choice([0, 0, 0.3])
        colours[few] = skin(rng, int(few.sum()))
        leaves = _coloured(rng, index, colours, rng.uniform(0.2, 1.0))
        picture = np.where((index >= 0)[..., None], leaves, picture)
    if rng.random() < 0.3:
        picture = _lines(rng, picture)
    if rng.random() < 0.4:
        picture = cv2.GaussianBlur(picture, (0, 0), float(10 ** rng.uniform(-0.3, 0.8)))
    light = 1 + rng.uniform(0, 0.35) * noise(rng, SIDE_PX, SIDE_PX, 2.0)[..., None]
    return np.clip(picture * np.clip(light, 0.2, 2.0), 0, 255).astype(np.uint8)


def _scatter(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) places and (n,) radii of leaves in pixels, large ones first or in any order; or a jittered grid."""
    if rng.random() < 0.2:
        step = SIDE_PX / rng.integers(3, 16, 2)
        x, y = np.meshgrid(np.arange(0, SIDE_PX, step[0]), np.arange(0, SIDE_PX, step[1]))
        places = np.stack([x.ravel(), y.ravel()], -1) + step * (rng.random(2) + rng.normal(0, 0.05, (x.size, 2)))
        return places, np.full(x.size, step.min() * rng.uniform(0.3, 0.7))
    # The number of leaves of a radius falls with its cube, as that of things in photographs does; often less steeply.
    smallest, largest, steep = SIDE_PX * 0.01, SIDE_PX * rng.uniform(0.15, 0.5), rng.uniform(0.3, 2.0)
    count = int(10 ** rng.uniform(1.3, 2.9))
    u = rng.random(count)
    radii = (smallest**-steep * (1 - u) + largest**-steep * u) ** (-1 / steep)
    # As many as cover the picture some times over, or leave gaps.
    kept = np.cumsum(radii**2) < SIDE_PX**2 * rng.choice([0.5, 2.0, 6.0])
    radii = radii[kept] if rng.random() < 0.5 else np.sort(radii[kept])[::-1]
    return rng.uniform(-0.05, 1.05, (len(radii), 2)) * SIDE_PX, radii


def _ground(rng: np.random.Generator) -> np.ndarray:
    """(SIDE_PX, SIDE_PX, 3) uint8: noise in two or three colours, above and below a horizon or everywhere."""
    fields = []
    for _ in range(2):
        first, second, third = palette(rng, 3).astype(np.float32)
        field = noise(rng, SIDE_PX, SIDE_PX, rng.uniform(0.6, 1.8))
        if rng.random() < 0.4:  # nearer below: stretched along the picture's width, as a floor is
            field = cv2.resize(field[: SIDE_PX // 4], (SIDE_PX, SIDE_PX))
        share = (0.5 + rng.uniform(0.05, 0.4) * field)[..., None]
        other = noise(rng, SIDE_PX, SIDE_PX, 1.5)[..., None] * rng.uniform(0, 0.15)
        fields.append(first + np.clip(share, 0, 1) * (second - first) + other * (third - first))
    if rng.random() < 0.5:
        y, x = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float32)
        below = y + rng.normal(0, 0.08) * x > rng.uniform(0.2, 0.8) * SIDE_PX
        fields[0] = np.where(below[..., None], fields[1], fields[0])
    return np.clip(fields[0], 0, 255).astype(np.uint8)


def _leaf(
    rng: np.random.Generator, index: np.ndarray, number: float, at: np.ndarray, radius: float,
    upright: bool = False, form: float | None = None,
) -> None:  # fmt: skip
    """Draw one leaf's number into `index` (float32); its form, 0 to 1, is drawn by chance where none is given."""
    kind = rng.random() if form is None else form
    angle = rng.choice([0.0, 90.0]) + rng.normal(0, 2) if upright else rng.uniform(0, 360)
    centre = (float(at[0]), float(at[1]))
    if kind < 0.3:
        long = radius * rng.uniform(1.0, 1.7)
        cv2.ellipse(index, (centre, (2 * long, 2 * radius * rng.uniform(0.4, 1.0)), angle), [number], -1)
        return
    if kind < 0.6:
        corners = cv2.boxPoints((centre, (2 * radius * rng.uniform(0.3, 1.0), 2 * radius), angle))
    elif kind < 0.8:
        turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 9))))
        reach = radius * rng.uniform(0.5, 1.3, len(turns))
        corners = np.stack([np.cos(turns), np.sin(turns)], -1) * reach[:, None] + at
    else:  # a rod, bent in the middle as a limb is
        turn = np.radians(angle) + np.array([0, rng.normal(0, 0.6)])
        steps = np.stack([np.cos(turn), np.sin(turn)], -1) * radius * 1.2
        points = np.round(np.stack([at - steps[0], at, at + steps[1]])).astype(np.int32)
        cv2.polylines(index, [points], False, [number], max(int(radius * rng.uniform(0.15, 0.6)), 1))
        return
    cv2.fillPoly(index, [np.round(corners).astype(np.int32)], [number])


def _coloured(rng: np.random.Generator, index: np.ndarray, colours: np.ndarray, strength: float) -> np.ndarray:
    """(H, W, 3) uint8: each leaf in its colour, with a gradient and a texture of its own strengths."""
    height, width = index.shape
    count, which = len(colours), np.maximum(index, 0).astype(np.int32)
    slopes = rng.normal(0, 0.6 * strength, (2, count)).astype(np.float32) * (rng.random(count) < 0.7)
    y, x = np.mgrid[:height, :width].astype(np.float32) / max(height, width) - 0.5
    shade = 1 + slopes[0][which] * x + slopes[1][which] * y
    period, turn = rng.uniform(3, 25), rng.uniform(0, np.pi)
    phase = 2 * np.pi * max(height, width) / period * (x * np.cos(turn) + y * np.sin(turn))
    textures = [noise(rng, height, width, rng.uniform(0.3, 1.5)), np.sign(np.sin(phase, dtype=np.float32))]
    for texture, share in zip(textures, (0.6, 0.25)):
        amount = (rng.uniform(0, 0.35 * strength, count) * (rng.random(count) < share)).astype(np.float32)
        shade += amount[which] * texture
    shade = np.clip(shade, 0.1, 2.0)[..., None]
    return np.clip(colours.astype(np.float32)[which] * shade, 0, 255).astype(np.uint8)


def _lines(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """The picture with thin curves over it: branches, wires, edges."""
    drawn = np.ascontiguousarray(picture)
    for colour in palette(rng, int(rng.integers(3, 30))):
        way = np.cumsum(rng.normal(0, 0.3, 8) * rng.random() + rng.uniform(0, 2 * np.pi))
        steps = np.stack([np.cos(way - way[0]), np.sin(way - way[0])], -1) * rng.uniform(5, 60)
        points = rng.uniform(0, SIDE_PX, 2) + np.cumsum(steps, 0)
        cv2.polylines(
            drawn, [np.round(points).astype(np.int32)], False, colour.tolist(), int(rng.integers(1, 6)), cv2.LINE_AA
        )
    return drawn
