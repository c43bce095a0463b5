"""The tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .compare import HAND, HAND_LOCAL, OURS, OURS_IK, Figures
from .maps import NUMBERS, Mapped, total
from .speed import Times

Results = dict[tuple[str, str, str], dict[str, Figures]]
"""Rig, variant and motion → method → figures."""
SHOWN = (OURS, OURS_IK, HAND, HAND_LOCAL)


def mean_figures(found: Iterable[Figures]) -> Figures | None:
    """The mean of each figure; of the worst limb the worst."""
    rows = list(found)
    if not rows:
        return None
    means = {name: float(np.mean([getattr(row, name) for row in rows])) for name in vars(rows[0])}
    return Figures(**(means | {"limb_worst": max(row.limb_worst for row in rows)}))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Markdown."""
    return ["", f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)]


def number(value: float) -> str:
    """Three digits at most, none for what is nothing."""
    return "0" if abs(value) < 0.005 else f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"


def by_method(results: Results) -> list[str]:
    """Everything in one line for each method and kind of rig."""
    head = (
        "rigs", "method", "limbs °", "worst °", "twist °", "feet °", "slide mm/frame", "drift mm", "below floor mm",
    )  # fmt: skip
    rows = []
    for variant in dict.fromkeys(key[1] for key in results):
        for method in SHOWN:
            one = mean_figures(f[method] for key, f in results.items() if key[1] == variant and method in f)
            if one is not None:
                rows.append((variant or "as their makers have them", method, *_cells(one)))
    return table(head, rows)


def _cells(one: Figures) -> list[str]:
    return [number(v) for v in (one.limb, one.limb_worst, one.twist, one.foot, one.slide, one.drift, one.below)]


def by_rig(results: Results) -> list[str]:
    """One line for each rig: ours, and by hand beside it."""
    head = ("rig", "limbs °", "by hand", "twist °", "by hand", "slide mm/frame", "by hand", "drift mm", "by hand")
    rows = []
    for name in dict.fromkeys(key[0] for key in results):
        for method in (OURS, OURS_IK):
            pair = [
                mean_figures(f[m] for key, f in results.items() if key[0] == name and m in f) for m in (method, HAND)
            ]
            if pair[0] is None or pair[1] is None:
                continue
            cells = [
                number(getattr(one, figure)) for figure in ("limb", "twist", "slide", "drift") for one in pair if one
            ]
            rows.append((name + (", IK" if method == OURS_IK else ""), *cells))
    return table(head, rows)


def of_proportions(found: dict[str, dict[str, tuple[float, float]]]) -> list[str]:
    """Rigs of the person's own proportions."""
    head = (
        "the person's own bones",
        *(f"{m}, {what} mm" for m in (OURS, HAND, HAND_LOCAL) for what in ("mean", "max")),
    )
    rows = [
        (name, *(number(value) for m in (OURS, HAND, HAND_LOCAL) for value in methods[m]))
        for name, methods in found.items()
    ]
    return table(head, rows)


def of_speed(times: list[Times]) -> list[str]:
    """Times as parts of the bake by hand of the same run, and of its shortest one."""
    head = ("frames", "bones", "keys", "from a take / by hand", "from an armature / by hand", "live offset / by hand",
            "a frame, against the first line")  # fmt: skip
    first = times[0]
    rows = [
        (
            str(one.frames), str(one.bones), f"{one.keys:,}",
            *(f"{seconds / one.hand_s:.3f}" for seconds in (one.take_s, one.armature_s, one.live_s)),
            f"{(one.take_s / one.frames) / (first.take_s / first.frames):.2f}",
        )
        for one in times
    ]  # fmt: skip
    return table(head, rows)


def of_maps(found: dict[str, Mapped]) -> list[str]:
    """How much of the maps is right."""
    head = ("names", "rigs", "bones right %", "of the 15 main ones %", "main ones wrong and not marked")
    rows = [
        (name, str(m.rigs), f"{100 * m.right / m.bones:.1f}", f"{100 * m.main_right / m.main:.1f}", str(m.main_silent))
        for name, m in found.items()
    ]
    whole = total(found.values())
    rows.append(
        (
            "all", str(whole.rigs), f"{100 * whole.right / whole.bones:.1f}",
            f"{100 * whole.main_right / whole.main:.1f}", str(whole.main_silent),
        )
    )  # fmt: skip
    return table(head, rows)


def aims(
    results: Results,
    proportions: dict[str, dict[str, tuple[float, float]]],
    times: list[Times],
    found: dict[str, Mapped],
) -> list[str]:
    """The issue's aims, and what was measured."""
    ours = [
        (key[0] + (", IK" if m == OURS_IK else ""), f[m])
        for key, f in results.items()
        for m in (OURS, OURS_IK)
        if m in f
    ]
    names = dict.fromkeys(name for name, _ in ours)
    limb_name, limb = max(
        ((name, mean_figures(f for n, f in ours if n == name)) for name in names),
        key=lambda pair: pair[1].limb if pair[1] else 0.0,
    )
    assert limb is not None
    drift_name, drift = max(ours, key=lambda pair: pair[1].drift)
    rows = [
        ("limb directions ≤ 2°, mean of every family", f"{number(limb.limb)}° at most ({limb_name})"),
        ("pinned feet ≤ 5 mm", f"{number(drift.drift)} mm at most ({drift_name})"),
    ]
    if proportions:
        worst = max(methods[OURS][1] for methods in proportions.values())
        rows.append(("own proportions: joints within 5 mm", f"{number(worst)} mm at most"))
    if found:
        named = total(one for name, one in found.items() if name != NUMBERS)
        rows.append(
            (
                "map ≥ 95 % right over families and renamed ones, no main one silently wrong",
                f"{100 * named.right / named.bones:.1f} %, {named.main_silent} of {named.main:,} silently wrong",
            )
        )
    whole = next((one for one in times if one.frames == 1800), None)
    if whole:
        rows.append(
            (f"{whole.bones} bones, 1,800 frames under 1.5 s", "reached" if whole.take_s < 1.5 else "not reached")
        )
        last, first = times[-1], times[0]
        growth = (last.take_s / last.frames) / (first.take_s / first.frames)
        rows.append((f"linear in frames ({first.frames} to {last.frames})", f"{growth:.2f} of the time a frame"))
    return table(("aim", "measured"), rows)
