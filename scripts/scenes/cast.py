"""Who plays in the benchmark: builds, ages, skins and clothes, as plain data."""

from __future__ import annotations

from .clothing import Outfit
from .mesh import Shape

CAST: dict[str, tuple[Shape, Outfit]] = {
    "anna": (
        Shape(1.66, gender=0.0, muscle=0.45, weight=0.40, proportions=0.6, race=(0.0, 0.1, 0.9)),
        Outfit(
            skin=(0.60, 0.36, 0.26), lips=(0.45, 0.12, 0.12), iris=(0.10, 0.25, 0.20), hair=(0.30, 0.16, 0.05),
            top=(0.10, 0.32, 0.42), top_2=(0.85, 0.83, 0.75), pattern="stripes", pattern_m=0.06,
            legs=(0.08, 0.10, 0.18), shoes=(0.70, 0.70, 0.68), sleeve=0.45, hair_m=0.014, long_hair=True,
        ),
    ),
    "ben": (
        Shape(1.90, gender=1.0, muscle=0.75, weight=0.55, height=0.75, proportions=0.7, race=(0.9, 0.0, 0.1)),
        Outfit(
            skin=(0.085, 0.042, 0.026), lips=(0.16, 0.06, 0.05), iris=(0.04, 0.02, 0.01), hair=(0.01, 0.009, 0.008),
            top=(0.75, 0.55, 0.08), top_2=(0.80, 0.65, 0.20), pattern="checks", pattern_m=0.25,
            legs=(0.16, 0.15, 0.13), shoes=(0.80, 0.80, 0.80), sleeve=0.42,
        ),
    ),
    "carla": (
        Shape(1.58, gender=0.05, muscle=0.4, weight=0.72, height=0.4, proportions=0.4, race=(0.2, 0.2, 0.6)),
        Outfit(
            skin=(0.40, 0.21, 0.13), lips=(0.40, 0.08, 0.09), iris=(0.07, 0.04, 0.02), hair=(0.03, 0.018, 0.012),
            top=(0.45, 0.06, 0.28), top_2=(0.75, 0.45, 0.62), pattern="dots", pattern_m=0.05,
            legs=(0.45, 0.06, 0.28), shoes=(0.05, 0.04, 0.05), sleeve=0.30, skirt=True, hem=0.30, hair_m=0.015,
            long_hair=True,
        ),
    ),
    "deng": (
        Shape(1.72, gender=1.0, muscle=0.5, weight=0.45, height=0.5, proportions=0.5, race=(0.0, 1.0, 0.0)),
        Outfit(
            skin=(0.52, 0.32, 0.19), lips=(0.40, 0.17, 0.13), iris=(0.05, 0.03, 0.02), hair=(0.012, 0.011, 0.012),
            top=(0.78, 0.78, 0.76), top_2=(0.55, 0.60, 0.66), pattern="stripes", pattern_m=0.03,
            legs=(0.28, 0.24, 0.17), shoes=(0.12, 0.07, 0.04), sleeve=0.97,
        ),
    ),
    "emil": (
        Shape(1.78, gender=0.95, muscle=0.45, weight=0.78, height=0.5, proportions=0.3, age="old"),
        Outfit(
            skin=(0.58, 0.33, 0.25), lips=(0.45, 0.20, 0.17), iris=(0.15, 0.25, 0.35), hair=(0.45, 0.44, 0.42),
            top=(0.18, 0.24, 0.12), top_2=(0.30, 0.20, 0.10), pattern="checks", pattern_m=0.08,
            legs=(0.10, 0.09, 0.08), shoes=(0.04, 0.03, 0.03), sleeve=0.97,
        ),
    ),
    "fatou": (
        Shape(1.71, gender=0.0, muscle=0.55, weight=0.45, height=0.6, proportions=0.7, race=(1.0, 0.0, 0.0)),
        Outfit(
            skin=(0.12, 0.058, 0.034), lips=(0.22, 0.06, 0.06), iris=(0.04, 0.02, 0.012), hair=(0.012, 0.01, 0.009),
            top=(0.78, 0.16, 0.05), top_2=(0.90, 0.62, 0.15), pattern="checks", pattern_m=0.12,
            legs=(0.70, 0.68, 0.62), shoes=(0.55, 0.10, 0.06), sleeve=0.10, hair_m=0.02,
        ),
    ),
    "gus": (
        Shape(1.82, gender=1.0, muscle=0.60, weight=0.50, height=0.6, proportions=0.6, race=(0.1, 0.2, 0.7)),
        Outfit(
            skin=(0.48, 0.27, 0.17), lips=(0.40, 0.16, 0.12), iris=(0.08, 0.12, 0.10), hair=(0.10, 0.045, 0.02),
            top=(0.06, 0.12, 0.34), top_2=(0.70, 0.12, 0.10), pattern="stripes", pattern_m=0.16,
            legs=(0.20, 0.22, 0.26), shoes=(0.60, 0.58, 0.50), sleeve=0.40,
        ),
    ),
    "hana": (
        Shape(1.62, gender=0.0, muscle=0.4, weight=0.35, height=0.45, proportions=0.6, race=(0.0, 0.9, 0.1)),
        Outfit(
            skin=(0.58, 0.37, 0.24), lips=(0.45, 0.12, 0.12), iris=(0.05, 0.03, 0.02), hair=(0.015, 0.012, 0.012),
            top=(0.80, 0.74, 0.28), top_2=(0.20, 0.36, 0.22), pattern="dots", pattern_m=0.10,
            legs=(0.12, 0.20, 0.14), shoes=(0.75, 0.72, 0.65), sleeve=0.70, hair_m=0.012, long_hair=True,
        ),
    ),
    "ida": (
        Shape(1.15, gender=0.3, muscle=0.5, weight=0.5, height=0.5, proportions=0.5, race=(0.1, 0.1, 0.8), age="child"),
        Outfit(
            skin=(0.60, 0.37, 0.27), lips=(0.45, 0.17, 0.15), iris=(0.10, 0.20, 0.30), hair=(0.22, 0.11, 0.04),
            top=(0.80, 0.10, 0.12), top_2=(0.90, 0.85, 0.80), pattern="stripes", pattern_m=0.05,
            legs=(0.10, 0.22, 0.45), shoes=(0.80, 0.75, 0.20), sleeve=0.40, hair_m=0.012,
        ),
    ),
    "juno": (
        Shape(1.17, gender=0.0, muscle=0.45, weight=0.45, race=(0.6, 0.1, 0.3), age="child"),
        Outfit(
            skin=(0.24, 0.12, 0.07), lips=(0.30, 0.09, 0.08), iris=(0.05, 0.03, 0.015), hair=(0.015, 0.011, 0.01),
            top=(0.15, 0.50, 0.45), top_2=(0.90, 0.80, 0.30), pattern="dots", pattern_m=0.06,
            legs=(0.55, 0.20, 0.40), shoes=(0.85, 0.85, 0.85), sleeve=0.25, hair_m=0.018,
        ),
    ),
}  # fmt: skip
"""Name to build and clothes; `ida` and `juno` are children, `ben` is the tall one."""
