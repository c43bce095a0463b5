"""Colours of clothes: sampled on the person's own pixels, and compared over what both show."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.estimate.appearance import ZONES, colour_distance, zone_colours

SIZE = 128
RED, BLUE, GREY = (200, 30, 30), (30, 40, 200), (128, 128, 128)
NAMES = [name for name, _ in ZONES]


def _body() -> dict[str, np.ndarray]:
    """Somebody who faces the camera, pixels of the crop."""
    left_half = {
        "ear": (58, 22), "shoulder": (48, 40), "elbow": (36, 58), "hip": (54, 72), "knee": (52, 94), "ankle": (52, 116),
    }  # fmt: skip
    points = {"nose": np.array([64.0, 24.0])}
    for name, (x, y) in left_half.items():
        points[f"right_{name}"], points[f"left_{name}"] = np.array([x, y], float), np.array([SIZE - x, y], float)
    return points


def _lab(rgb: tuple[int, int, int]) -> np.ndarray:
    """CIELAB (D65) of an sRGB colour, by the textbook."""
    c = np.array(rgb) / 255
    linear = np.where(c > 0.04045, ((c + 0.055) / 1.055) ** 2.4, c / 12.92)
    m = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.119192, 0.9503041]]
    )
    t = (m @ linear) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _halves() -> np.ndarray:
    """A picture that is red above the hips and blue from there on."""
    picture = np.full((SIZE, SIZE, 3), BLUE, np.uint8)
    picture[:66] = RED
    return picture


def test_each_part_of_the_body_has_its_colour():
    colours = zone_colours(_halves(), _body(), np.full((SIZE, SIZE), 255, np.uint8))
    assert colours.shape == (len(ZONES), 3)
    for name, expected in {"head": RED, "upper trunk": RED, "upper arms": RED, "thighs": BLUE, "shins": BLUE}.items():
        np.testing.assert_allclose(colours[NAMES.index(name)], _lab(expected), atol=0.8, err_msg=name)


def test_only_the_persons_own_pixels_count():
    picture, mask = _halves(), np.full((SIZE, SIZE), 255, np.uint8)
    # Somebody else's arm hangs before the left thigh.
    picture[72:96, 64:], mask[72:96, 64:] = GREY, 0
    colours = zone_colours(picture, _body(), mask)
    np.testing.assert_allclose(colours[NAMES.index("thighs")], _lab(BLUE), atol=0.8)


def test_what_is_hidden_or_outside_the_crop_is_not_known():
    mask = np.full((SIZE, SIZE), 255, np.uint8)
    mask[90:] = 0
    body = _body()
    for side in ("left", "right"):
        body[f"{side}_elbow"] = np.array([-300.0, 500.0])
    colours = zone_colours(_halves(), body, mask)
    assert np.isnan(colours[NAMES.index("shins")]).all()
    assert np.isfinite(colours[NAMES.index("upper trunk")]).all()
    assert np.isnan(zone_colours(_halves(), body, np.zeros_like(mask))).all()
    far_away = {name: point + 10_000 for name, point in _body().items()}
    assert np.isnan(zone_colours(_halves(), far_away, np.full_like(mask, 255))).all()


def test_the_same_looks_are_no_distance_apart(rng):
    colours = rng.normal(0, 40, (5, len(ZONES), 3))
    np.testing.assert_array_equal(colour_distance(colours, colours), 0)


def test_distance_is_the_same_both_ways_and_of_every_pair(rng):
    a, b = rng.normal(0, 40, (3, len(ZONES), 3)), rng.normal(0, 40, (4, len(ZONES), 3))
    table = colour_distance(a[:, None], b)
    assert table.shape == (3, 4)
    np.testing.assert_allclose(table, colour_distance(b[:, None], a).T)
    assert table[1, 2] == pytest.approx(colour_distance(a[1], b[2]))


def test_other_clothes_lie_farther_than_another_light():
    clothes = np.tile(_lab(RED), (len(ZONES), 1))
    darker = clothes - [12.0, 0, 0]
    assert colour_distance(clothes, darker) < 1 < colour_distance(clothes, np.tile(_lab(BLUE), (len(ZONES), 1)))
    # As much in hue counts for more than in lightness.
    assert colour_distance(clothes, darker) < colour_distance(clothes, clothes - [0, 12.0, 0])


def test_only_parts_that_both_show_are_compared(rng):
    a = rng.normal(0, 40, (len(ZONES), 3))
    b = a.copy()
    a[1], b[2], b[4] = np.nan, np.nan, b[4] + 50
    whole = colour_distance(a, b)
    assert whole == pytest.approx(colour_distance(np.delete(a, [1, 2], 0), np.delete(b, [1, 2], 0)))
    b[4] = np.nan
    assert colour_distance(a, b) == 0


def test_nothing_seen_of_both_says_neither_yes_nor_no():
    unseen = np.full((len(ZONES), 3), np.nan)
    assert colour_distance(unseen, np.zeros((len(ZONES), 3))) == 1
    half, other = unseen.copy(), unseen.copy()
    half[:3], other[3:] = 0, 0
    assert colour_distance(half, other) == 1
