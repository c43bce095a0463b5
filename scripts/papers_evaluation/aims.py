"""What the project set out to reach, beside what was reached, from the kept figures of all sections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .ablations import PAPER_MM
from .tables import number, table

Figures = dict[str, Any]
PAPER_SHARE = 1 - PAPER_MM["full"] / PAPER_MM["baseline"]
"""By which the cascade's paper betters its own baseline."""


def lines(known: Figures) -> list[str]:
    """Markdown; only what was measured, nothing if that is nothing."""
    rows = [row for make in (_detect, _root, _cascade, _photographs) for row in _sure(make, known)]
    return ["## Aims", "", *table(["aim", "measured", "reached"], rows)] if rows else []


def _sure(make: Callable[[Figures], list[list[str]]], known: Figures) -> list[list[str]]:
    try:
        return make(known)
    except KeyError:  # its section, or a part of it, was not measured
        return []


def _row(aim: str, measured: str, reached: bool) -> list[str]:
    return [aim, measured, "yes" if reached else "no"]


def _detect(known: Figures) -> list[list[str]]:
    one = known["detect"]["clips"]["all"]["one_false"]
    aim = "DetectNet finds 90 % of the people at one false person a frame, real clips"
    return [_row(aim, f"{number(one['recall'], 1)} %", one["recall"] >= 90)]


def _root(known: Figures) -> list[list[str]]:
    one = known["root"]["true_boxes"]
    ratio = one["root_net"]["mrpe_mm"] / one["k"]["mrpe_mm"]
    both = f"{number(one['root_net']['mrpe_mm'])} mm of {number(one['k']['mrpe_mm'])}: {number(100 * ratio)} %"
    return [_row("RootNet's error is at most half of k's alone", both, ratio <= 0.5)]


def _cascade(known: Figures) -> list[list[str]]:
    by_variant = {one["variant"]: one["mpjpe_mm"] for one in known["ablations"]["cascade"].values()}
    share = 1 - by_variant["full"] / by_variant["baseline"]
    aim = f"the cascade betters its own baseline by the paper's {number(100 * PAPER_SHARE)} %"
    return [_row(aim, f"{number(100 * share, 1)} %", share >= PAPER_SHARE)]


def _photographs(known: Figures) -> list[list[str]]:
    by_name = {name: one["pck05"] for name, one in known["pose"].items() if "pck05" in one}
    rows = []
    for photos, title in ((False, "trained without photographs"), (True, "trained with photographs, too")):
        some = {name: value for name, value in by_name.items() if name.endswith("_photos") is photos}
        if some:
            best = max(some, key=lambda name: some[name])
            aim = f"PCK@0.5 of 75 % on the held-out photographs, {title}"
            rows.append(_row(aim, f"{number(some[best], 1)} % (`{best}`)", some[best] >= 75))
    return rows
