"""The rigs of the benchmark, built anew for every run, and the motions they get."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from addon_tests.retarget import rigs_in_blender as rigs
from addon_tests.retarget.rigs_in_blender import Rig
from addon_tests.rigs import catalogue
from animepose_blender.take import Take

from . import sources

AS_DRAWN, AS_BROUGHT, STRAY = "T-pose", "A-pose, Y up, cm, rolled", "A-pose, stray tails"
VARIANTS: dict[str, catalogue.Variant] = {
    AS_DRAWN: catalogue.PLAIN,
    AS_BROUGHT: catalogue.Variant(pose="A", rolls=4, unit_m=0.01, object_x_deg=90.0),
    STRAY: catalogue.Variant(pose="A", rolls=2, stray_tails=True),
}
"""As drawn by hand along the limbs; as files of other programs bring a rig; and with tails that mean nothing."""


@dataclass(frozen=True)
class Target:
    """One rig of the tables."""

    name: str
    variant: str
    build: Callable[[], Rig]
    ik: bool = False
    """Whether it has IK controls to be tried as well."""


def family_targets(variants: tuple[str, ...], families: list[str]) -> list[Target]:
    """Rigs of the catalogue."""
    return [
        Target(family, variant, lambda f=family, v=VARIANTS[variant]: rigs.catalogued(f, v))
        for family in families
        for variant in variants
    ]


def real_targets() -> list[Target]:
    """Rigs as their makers have them: Rigify's own, and MakeHuman's on its mesh where the data are there."""
    found = [
        Target("Rigify, generated", "", rigs.rigify, ik=True),
        Target("Rigify, metarig", "", rigs.metarig),
    ]
    if (rigs.DATA / "humans").is_dir():
        found += [Target(f"MakeHuman, {name}", "", lambda n=name: rigs.makehuman(n)) for name in rigs.MAKEHUMAN]
    return found


def use_data(folder: str | None) -> None:
    """Where `humans` lies, if not beside the repository."""
    if folder:
        os.environ["ANIMEPOSE_DATA"] = folder
        rigs.DATA = type(rigs.DATA)(folder)


def motions(quick: bool) -> dict[str, tuple[Take, int]]:
    """Name → take and person."""
    walk = {"lively walk": (sources.lively(120), 0)}
    if quick:
        return walk
    dancers = sources.dancers()
    return walk | {"dancer 1": (dancers, 0), "dancer 2": (dancers, 1)}
