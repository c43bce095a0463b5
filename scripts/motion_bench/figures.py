"""Which figures the tables show, their means over clips, and tables as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Figures = Mapping[str, Any]
"""Of one take, as `animepose evaluate` names them."""

ACCURACY = {
    "mpjpe_mm": "mpjpe mm", "mpjpe_body_mm": "limbs mm", "pa_mpjpe_mm": "pa mm", "jitter_10m_s3": "jitter",
    "foot_slide_mm": "slide mm", "penetration_mm": "below floor mm", "bone_cv": "bone cv", "swap_percent": "swapped %",
    "swap_longest_s": "longest s", "swaps_over_1s": "over 1 s",
}  # fmt: skip
CONTACTS = {
    "contact_precision": "joints right %", "contact_recall": "joints found %", "foot_contact_precision": "feet right %",
    "foot_contact_recall": "feet found %", "floor_gap_mean_mm": "off floor mm", "floor_gap_p95_mm": "95 % mm",
}  # fmt: skip
REPROJECTION = {
    "reprojection_median_percent": "from keypoints, median %", "reprojection_mean_percent": "mean %",
    "picture_error_percent": "from the truth, mean %",
}  # fmt: skip
ROUND_TRIP = {
    "kinematics_mm": "kinematics mm", "back_mm": "truth solved mm", "back_limbs_mm": "limbs mm",
    "back_feet_mm": "standing feet mm", "back_slide_mm": "slide mm", "back_slide_mm_truth": "true slide mm",
}  # fmt: skip
SHARES = ("contact_precision", "contact_recall", "foot_contact_precision", "foot_contact_recall")
SUMS, LARGEST = ("swaps_over_1s",), ("swap_longest_s", "kinematics_mm")
TRUTH = "the truth itself"


def truth_row(figures: Figures) -> dict[str, Any]:
    """The truth's own figures, which `evaluate` gives beside the take's."""
    return {key.removesuffix("_truth"): value for key, value in figures.items() if key.endswith("_truth")}


def averaged(clips: Sequence[Mapping[str, Figures]], row: str, keys: Sequence[str]) -> dict[str, float | None]:
    """A row over all clips that have it: means, sums of what is counted, the longest of runs."""
    found: dict[str, float | None] = {}
    for key in keys:
        values = [clip[row].get(key) for clip in clips if row in clip]
        values = [value for value in values if value is not None]
        over = np.sum if key in SUMS else np.max if key in LARGEST else np.mean
        found[key] = float(over(values)) if values else None
    return found


def cell(key: str, value: float | None) -> str:
    """A figure as text."""
    if value is None:
        return "-"
    if key in SHARES:
        return f"{100 * value:.0f}"
    if key in SUMS:
        return f"{value:.0f}"
    if key in ("bone_cv", "kinematics_mm"):
        return f"{value:.3f}"
    if key in REPROJECTION or key in LARGEST:
        return f"{value:.2f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


def table(title: str, columns: Mapping[str, str], rows: Sequence[tuple[str, Figures]]) -> list[str]:
    """A Markdown table."""
    lines = ["| " + " | ".join([title, *columns.values()]) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, figures in rows:
        lines.append("| " + " | ".join([name, *(cell(key, figures.get(key)) for key in columns)]) + " |")
    return lines


def plain_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table of text."""
    return ["| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows)]
