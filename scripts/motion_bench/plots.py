"""Pictures of the tables: errors and shaking by clip, the feet of one walker, time against length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from animepose_blender.core import cameras
from animepose_blender.estimate.metrics import pose
from animepose_blender.estimate.metrics.pairing import pair
from animepose_blender.skeleton import CONTACT_JOINTS
from animepose_blender.take import Take

from .aims import JITTER_SHARE, RATE, RAW_SHARE
from .figures import TRUTH
from .measure import WITH_GAPS, Measured
from .methods import BASELINES, BEFORE, OURS, RAW
from .speed import Length

COLOURS: dict[str, str] = dict(
    zip(
        (OURS, BEFORE, *BASELINES, TRUTH),
        ("#1b6ca8", "#8fb8d8", "#c44e52", "#e8a87c", "#b8a04a", "#444444"),
        strict=True,
    )
)
FOOT = 0
"""The left heel, of `CONTACT_JOINTS`."""
SHOWN_S = 4.0


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)


def _bars(axes: Any, clips: Sequence[str], rows: Mapping[str, Sequence[float]]) -> None:
    width = 0.8 / len(rows)
    for k, (name, values) in enumerate(rows.items()):
        at = np.arange(len(clips)) + (k - (len(rows) - 1) / 2) * width
        axes.bar(at, values, width, label=name, color=COLOURS[name])
    axes.set_xticks(np.arange(len(clips)), clips, rotation=20, ha="right")
    axes.grid(axis="y", alpha=0.3)


def _legend(axes: Any) -> None:
    """Above the picture, where it hides no bar."""
    axes.legend(ncols=7, fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0))


def _values(figures: Sequence[Mapping[str, Any]], row: str, key: str) -> list[float]:
    found = [f.get(row, {}).get(key) for f in figures]
    return [np.nan if value is None else value for value in found]


def errors(clips: Mapping[str, Mapping[str, Mapping[str, Any]]], path: Path) -> None:
    """`mpjpe_mm` of every method in every clip, with the aim as a line over the bars of each."""
    figures = list(clips.values())
    rows = {n: _values(figures, n, "mpjpe_mm") for n in (OURS, BEFORE, *BASELINES)}
    rows = {n: values for n, values in rows.items() if np.isfinite(values).any()}
    figure, axes = plt.subplots(figsize=(max(8.0, 0.9 * len(clips)), 3.8))
    _bars(axes, list(clips), rows)
    aim = RAW_SHARE * np.array(rows[RAW])
    at = np.arange(len(clips))
    axes.hlines(aim, at - 0.42, at + 0.42, color="black", linestyle="--", linewidth=1, label=f"{RAW_SHARE} of raw")
    axes.set_ylabel("mpjpe, mm")
    _legend(axes)
    _save(figure, path)


def natural(clips: Mapping[str, Mapping[str, Mapping[str, Any]]], path: Path) -> None:
    """Jitter, slide and depth below the floor of every method in every clip, beside the truth's own."""
    figures = list(clips.values())
    figure, all_axes = plt.subplots(3, 1, figsize=(max(8.0, 0.9 * len(clips)), 8.0), sharex=True)
    words = {"jitter_10m_s3": "jitter, 10 m/s³", "foot_slide_mm": "slide, mm", "penetration_mm": "below floor, mm"}
    for axes, (key, word) in zip(all_axes, words.items(), strict=True):
        rows = {n: _values(figures, n, key) for n in (OURS, BEFORE, *BASELINES, TRUTH)}
        _bars(axes, list(clips), {n: values for n, values in rows.items() if np.isfinite(values).any()})
        axes.set_ylabel(word)
        axes.set_yscale("symlog", linthresh=10 if key == "jitter_10m_s3" else 1)
        axes.set_ylim(bottom=0)
        if key == "jitter_10m_s3":
            aim, at = JITTER_SHARE * np.array(rows[TRUTH]), np.arange(len(clips))
            axes.hlines(aim, at - 0.42, at + 0.42, color="black", linestyle="--", linewidth=1, label="aim")
    _legend(all_axes[0])
    _save(figure, path)


def foot(measured: Measured, title: str, path: Path) -> None:
    """Height and speed of the left heel of the person who steps most, and where it truly stands."""
    truth = measured.truth
    if truth.contact is None:
        return
    steps = np.abs(np.diff(truth.contact[..., FOOT].astype(int), axis=1)).sum(axis=1)
    walker = int(np.argmax(steps))
    time_s = truth.frame_time_s
    shown = time_s <= time_s[0] + SHOWN_S
    lines = {TRUTH: truth.joints_world_m[walker][:, CONTACT_JOINTS[FOOT]]}
    for name in (RAW, BEFORE, WITH_GAPS):
        if name in measured.takes:
            lines[OURS if name == WITH_GAPS else name] = _foot_of(measured.takes[name], measured, walker)
    figure, (high, fast) = plt.subplots(2, 1, figsize=(9.0, 5.0), sharex=True)
    for name, at_m in lines.items():
        style = {"color": COLOURS[name], "linewidth": 1.0 if name == RAW else 1.6, "label": name}
        high.plot(time_s[shown], 100 * at_m[shown, 2], **style)
        speed = np.linalg.norm(np.gradient(at_m, time_s, axis=0), axis=-1)
        fast.plot(time_s[shown], speed[shown], **style)
    for axes in (high, fast):
        stands = truth.contact[walker, :, FOOT] & shown
        low, top = axes.get_ylim()
        axes.fill_between(time_s, low, top, where=stands.tolist(), color="black", alpha=0.10, step="mid", linewidth=0)
        axes.set_ylim(low, top)
        axes.grid(alpha=0.3)
    high.set_ylabel("height of the left heel, cm")
    fast.set_ylabel("its speed, m/s")
    fast.set_ylim(0, min(fast.get_ylim()[1], 8.0))
    fast.set_xlabel("s; grey: it truly stands")
    high.set_title(title, fontsize=10)
    high.legend(ncols=4, fontsize=8)
    _save(figure, path)


def _foot_of(take: Take, measured: Measured, walker: int) -> np.ndarray:
    """(F, 3) the foot of whoever stands for a true person, on the frames of the truth; NaN where nobody does."""
    truth = measured.truth
    pairs = pair(take, truth)
    ours_px = cameras.project(pairs.predicted_camera_m, pairs.predicted_intrinsics)
    matches = pose.match_people(pose.match_cost(ours_px, cameras.project(pairs.true_camera_m, pairs.true_intrinsics)))
    mine = matches[:, walker]
    feet_m = pairs.predicted_world_m[np.maximum(mine, 0), np.arange(len(mine)), CONTACT_JOINTS[FOOT]]
    found = np.full((len(truth.frame_time_s), 3), np.nan)
    found[pairs.truth_frame] = np.where((mine >= 0)[:, None], feet_m, np.nan)
    return found


def length(lengths: Sequence[Length], path: Path) -> None:
    """Time and memory of the solve against the length of the clip."""
    frames = np.array([one.person_frames for one in lengths])
    figure, (time_axes, memory_axes) = plt.subplots(1, 2, figsize=(9.0, 3.4))
    time_axes.plot(frames, [one.seconds for one in lengths], "o-", color=COLOURS[OURS], label="by the clock")
    work = [one.processor_seconds for one in lengths]
    time_axes.plot(frames, work, "o-", color=COLOURS[BEFORE], label="work of the processor")
    time_axes.plot(frames, frames / RATE, "--", color="black", linewidth=1, label=f"{RATE:.0f} person-frames a second")
    time_axes.set_ylabel("seconds of the solve on two cores")
    time_axes.legend(fontsize=8)
    memory_axes.plot(frames, [one.peak_mib for one in lengths], "o-", color=COLOURS[OURS])
    memory_axes.set_ylabel("peak memory, MiB")
    for axes in (time_axes, memory_axes):
        axes.set_xlabel("person-frames")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    _save(figure, path)
