"""The aims of the motion, what was measured, and whether they are reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import parts
from .figures import TRUTH, averaged
from .measure import UNSMOOTHED, WITH_GAPS, Measured
from .methods import OURS, RAW
from .speed import Length

RAW_SHARE, JITTER_SHARE, SLIDE_MM, BELOW_MM, REPROJECTION_SHARE = 0.6, 1.5, 1.5, 5.0, 1.1
TRUE_2D_MM, RATE, KINEMATICS_MM, RETURN_MM, SLOWER = 35.0, 200.0, 1.0, 5.0, 1.3

Sets = Mapping[str, Mapping[str, Measured]]
"""Name of the set → clip → what was measured."""


def aims_table(
    sets: Sets, views: Mapping[str, Mapping[str, Mapping[str, Any]]], speed: Sequence[Length]
) -> list[tuple[str, ...]]:
    """Rows of aim and what was measured in each set, on the views and on the solve alone."""
    rows: list[tuple[str, ...]] = []

    def row(aim: str, of_set: Any, of_views: str = "") -> None:
        rows.append((aim, *(of_set(clips) for clips in sets.values()), of_views))

    ratios = [f[OURS]["mpjpe_mm"] / f[RAW]["mpjpe_mm"] for f in views.values() if OURS in f]
    row(
        f"`mpjpe_mm` at most {RAW_SHARE} of raw MediaPipe's",
        lambda clips: _times(clips, (OURS, "mpjpe_mm"), (RAW, "mpjpe_mm"), RAW_SHARE),
        _mark(", ".join(f"{r:.2f}" for r in ratios), max(ratios) <= RAW_SHARE) if ratios else "",
    )
    row(
        f"`jitter_10m_s3` within {JITTER_SHARE} of the truth's own",
        lambda clips: _times(clips, (WITH_GAPS, "jitter_10m_s3"), (TRUTH, "jitter_10m_s3"), JITTER_SHARE),
    )
    row(f"`foot_slide_mm` at most {SLIDE_MM}", lambda clips: _most(clips, WITH_GAPS, "foot_slide_mm", SLIDE_MM))
    row(f"`penetration_mm` at most {BELOW_MM:.0f}", lambda clips: _most(clips, WITH_GAPS, "penetration_mm", BELOW_MM))
    row("`bone_cv` 0", lambda clips: _most(clips, WITH_GAPS, "bone_cv", 5e-4))
    key = "reprojection_mean_percent"
    row(
        "reprojection at most 10 % worse than unsmoothed",
        lambda clips: _times(clips, (OURS, key), (UNSMOOTHED, key), REPROJECTION_SHARE),
    )
    long = sum(int(f[OURS]["swaps_over_1s"]) for f in views.values() if OURS in f)
    row(
        "no left/right swap over a second",
        lambda clips: _most(clips, WITH_GAPS, "swaps_over_1s", 0.0),
        _mark(str(long), not long) if views else "",
    )
    row(
        f"with true keypoints `mpjpe_mm` at most {TRUE_2D_MM:.0f}",
        lambda clips: _part(clips, parts.TRUE_2D, "mpjpe_mm", TRUE_2D_MM),
    )
    trips = {name: [{"trip": m.round_trip} for m in clips.values()] for name, clips in sets.items()}

    def trip(key: str, most: float) -> tuple[str, ...]:
        return tuple(
            _of_values([t["trip"].get(key) for t in of], averaged(of, "trip", [key])[key], most)
            for of in trips.values()
        )

    rows.append(
        (f"rotations give back the joints within {KINEMATICS_MM:.0f} mm", *trip("kinematics_mm", KINEMATICS_MM), "")
    )
    rows.append((f"the truth's own limbs come back within {RETURN_MM:.0f} mm", *trip("back_limbs_mm", RETURN_MM), ""))
    rows.append((f"and its standing feet slide at most {SLIDE_MM} mm", *trip("back_slide_mm", SLIDE_MM), ""))
    if speed:
        rates = [length.rate for length in speed]
        # By the processor's work: the clock of a busy machine says nothing of the length.
        slower = speed[0].processor_rate / speed[-1].processor_rate
        empty = ("",) * len(sets)
        rows.append(
            (f"{RATE:.0f} person-frames a second", *empty, _mark(f"{min(rates):.0f} at least", min(rates) >= RATE))
        )
        rows.append(
            (
                "linear in length",
                *empty,
                _mark(f"{slower:.2f} of the work a frame at 16 times the length", slower <= SLOWER),
            )
        )
    return rows


def _mean(clips: Mapping[str, Measured], row: str, key: str) -> float | None:
    return averaged([m.figures for m in clips.values()], row, [key])[key]


def _times(clips: Mapping[str, Measured], ours: tuple[str, str], theirs: tuple[str, str], most: float) -> str:
    """Ratio of two means, and in how many clips it is small enough."""
    both = _mean(clips, *ours), _mean(clips, *theirs)
    if both[0] is None or both[1] is None:
        return "-"
    shares = [
        f[ours[0]][ours[1]] / f[theirs[0]][theirs[1]]
        for f in (m.figures for m in clips.values())
        if ours[0] in f and theirs[0] in f and f[ours[0]].get(ours[1]) is not None and f[theirs[0]].get(theirs[1])
    ]
    return _counted(f"{both[0] / both[1]:.2f}", both[0] / both[1] <= most, shares, most)


def _most(clips: Mapping[str, Measured], row: str, key: str, most: float) -> str:
    """The mean (sum of what is counted), and in how many clips it is small enough."""
    mean = _mean(clips, row, key)
    return _of_values([m.figures[row].get(key) for m in clips.values()], mean, most)


def _part(clips: Mapping[str, Measured], part: str, key: str, most: float) -> str:
    """The same of runs with a part of the truth."""
    mean = averaged([m.with_truth for m in clips.values()], part, [key])[key]
    return _of_values([m.with_truth.get(part, {}).get(key) for m in clips.values()], mean, most)


def _of_values(values: Sequence[float | None], mean: float | None, most: float) -> str:
    known = [value for value in values if value is not None]
    return "-" if mean is None else _counted(f"{mean:.3g}", mean <= most, known, most)


def _counted(text: str, reached: bool, values: Sequence[float], most: float) -> str:
    if len(values) > 1:
        text += f"; {sum(value <= most for value in values)} of {len(values)}"
    return _mark(text, reached)


def _mark(text: str, reached: bool) -> str:
    return f"{text}, {'reached' if reached else 'not reached'}"
