#!/usr/bin/env python3
"""What each motion setting does, as plots and one table, for `docs/motion_settings.md`.

    .venv/bin/python scripts/plot_motion_settings.py [SETTING ...] [--pictures docs/pictures] [--write FILE.md]

The networks look at each clip once; every setting then only solves again. The demo clip shows smoothness, foot lock and
floor. Nobody stands still there, so the dead zone is shown on a child who stands, in the benchmark's `six_plaza`.
Thin grey lines and grey areas are the truth. Only heights and speeds are compared, which no choice of world axes moves.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # before pyplot: there may be no screen

import numpy as np
from bench_demo import Silent
from bench_scene import Case, load, take_of
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from scene_bench.marks import put_between
from scipy.signal import welch

from animepose_blender.core import cameras
from animepose_blender.core.frame_numbers import nearest_frames
from animepose_blender.estimate.evaluate import evaluate
from animepose_blender.estimate.reconstruct import reconstruct
from animepose_blender.estimate.smooth import HALF_LIFE_HZ_S
from animepose_blender.skeleton import CONTACT_JOINTS, J
from animepose_blender.take import Take

SCRIPTS = Path(__file__).resolve().parent
DEMO = SCRIPTS / "demo_clip" / "salsa.mp4"
STANDING = SCRIPTS / "benchmark" / "dev" / "six_plaza.mp4"
PICTURES = SCRIPTS.parent / "docs" / "pictures"

SMOOTHNESS_S = (0.0, 0.05, 0.2)
FOOT_LOCKS = ("auto", "always", "never", "grounding")
FLOORS = ("flat", "none")
HOLD_STILL_M = (0.0, 0.03)
WINDOW_S = (1.0, 3.5)
"""The part of the demo clip in which single movements can still be told apart in a small picture."""
WELCH_S = 3.0
"""Length of the pieces whose spectra are averaged."""
COLOURS = ("#c44e52", "#2f6fb0", "#dd8a1d", "#55a868")
TRUTH = {"color": "0.45", "linewidth": 1.0}
FIGURES = {
    "mpjpe_mm": "joints off, mm", "jitter_10m_s3": "shaking, 10 m/s³", "foot_slide_mm": "feet slide, mm a frame",
    "penetration_mm": "below the floor, mm",
}  # fmt: skip


@dataclass(eq=False)
class Clip:
    """A clip that was looked at once, and its takes by setting."""

    case: Case
    takes: dict[tuple[tuple[str, Any], ...], Take] = field(default_factory=dict)

    def take(self, **settings: Any) -> Take:
        """The take with these fields of the job, the others at their defaults; solved once."""
        job = replace(self.case.job, **settings)
        plain = replace(job, **{name: getattr(self.case.job, name) for name in settings})
        key = tuple((name, value) for name, value in settings.items() if getattr(plain, name) != value)
        if key not in self.takes:
            solved = reconstruct(self.case.observed, self.case.focal, job, Silent())
            if solved is None:
                raise SystemExit(f"Nobody was found in {self.case.name}.")
            self.takes[key] = take_of(self.case, solved)
        return self.takes[key]

    def truth_m(self) -> np.ndarray:
        """(T, F, J, 3) true joints in the frames of the takes."""
        truth = self.case.truth
        return truth.joints_world_m[:, nearest_frames(truth.frame_time_s, self.case.observed.time_s)].astype(float)

    def joints_m(self, person: int, **settings: Any) -> np.ndarray:
        """(F, J, 3) of the true person of this index: whoever stands in their direction from the camera."""
        take, truth = self.take(**settings), self.case.truth
        at = nearest_frames(truth.frame_time_s, take.frame_time_s)
        true_m = cameras.transform(cameras.invert(truth.camera_to_world[at]), truth.joints_world_m[person, at])
        ours_m = cameras.transform(cameras.invert(take.camera_to_world)[None], take.joints_world_m.astype(float))
        apart = np.linalg.norm(_direction(ours_m[:, :, J["pelvis"]]) - _direction(true_m[:, J["pelvis"]]), axis=-1)
        return take.joints_world_m[np.nanargmin(np.nanmedian(apart, axis=1))].astype(float)


def _direction(points_m: np.ndarray) -> np.ndarray:
    return points_m / np.linalg.norm(points_m, axis=-1, keepdims=True)


def speed(points_m: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F,) horizontal speed of (F, 3), metres a second."""
    return np.linalg.norm(np.gradient(points_m[:, :2], time_s, axis=0), axis=-1)


def smoothness(clip: Clip, axes: np.ndarray) -> None:
    """A wrist's height over time, and the spectrum of both people's wrists."""
    time_s, wrist = clip.case.observed.time_s, J["right_wrist"]
    true_m = clip.truth_m()
    rate = 1 / float(np.median(np.diff(time_s)))

    def spectrum(people_m: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        heights = [m[:, J[f"{side}_wrist"], 2] for m in people_m for side in ("left", "right")]
        power = [welch(1000 * h, rate, nperseg=round(WELCH_S * rate), detrend="linear") for h in heights]
        return power[0][0], np.sqrt(np.mean([p for _, p in power], axis=0))

    axes[0].plot(time_s, 100 * true_m[0, :, wrist, 2], label="truth", **TRUTH)
    axes[1].semilogy(*spectrum(list(true_m)), label="truth", **TRUTH)
    for value, colour in zip(SMOOTHNESS_S, COLOURS):
        people_m = [clip.joints_m(person, smoothness_s=value) for person in range(len(true_m))]
        axes[0].plot(time_s, 100 * people_m[0][:, wrist, 2], color=colour, label=f"{value:g} s")
        axes[1].semilogy(*spectrum(people_m), color=colour, label=f"{value:g} s")
        if value:
            axes[1].axvline(HALF_LIFE_HZ_S / value, color=colour, linestyle=":", linewidth=1)
    _label(axes[0], "time, s", "height of the right wrist, cm", WINDOW_S)
    _label(axes[1], "frequency, Hz (dotted: half is left)", "wrists' height, mm/√Hz")
    axes[1].legend(frameon=False)


def foot_lock(clip: Clip, axes: np.ndarray) -> None:
    """Speed and height of one foot's toe; grey areas: where it truly stands."""
    time_s, truth = clip.case.observed.time_s, clip.case.truth
    toe = J["left_toe"]
    true_m = clip.truth_m()[0, :, toe]
    lines = [("truth", true_m, {**TRUTH, "zorder": 1})]
    lines += [
        (mode, clip.joints_m(0, foot_lock=mode)[:, toe], {"color": colour, "linestyle": style})
        for mode, colour, style in zip(FOOT_LOCKS, COLOURS, ("-", "-", "-", "--"))
    ]
    shown = (time_s >= WINDOW_S[0]) & (time_s <= WINDOW_S[1])
    for name, points_m, style in lines:
        axes[0].plot(time_s[shown], 100 * speed(points_m, time_s)[shown], label=name, **style)
        axes[1].plot(time_s[shown], 100 * points_m[shown, 2], label=name, **style)
    if truth.contact is not None:
        stands = truth.contact[0, nearest_frames(truth.frame_time_s, time_s), CONTACT_JOINTS.index(toe)] > 0
        for axis in axes:
            _shade(axis, time_s, stands)
    _label(axes[0], "time, s", "speed of the left toe, cm/s", WINDOW_S)
    _label(axes[1], "time, s (grey: truly stands)", "height of the left toe, cm", WINDOW_S)
    axes[0].set_ylim(bottom=0)
    axes[1].set_ylim(bottom=0)
    axes[1].legend(frameon=False, ncols=2)


def floor(clip: Clip, axes: np.ndarray) -> None:
    """The lowest joint of each person."""
    time_s = clip.case.observed.time_s
    for person, (axis, true_m) in enumerate(zip(axes, clip.truth_m())):
        axis.axhspan(-20, 0, color="0.92")
        axis.plot(time_s, 100 * true_m[..., 2].min(axis=1), label="truth", **TRUTH)
        lowest = [clip.joints_m(person, floor=value)[..., 2].min(axis=1) for value in FLOORS]
        for value, colour, heights_m in zip(FLOORS, reversed(COLOURS[:2]), lowest):
            axis.plot(time_s, 100 * heights_m, color=colour, label=value)
        _label(axis, "time, s (grey: below the floor)", f"lowest joint of person {person + 1}, cm")
        axis.set_ylim(min(-3.0, *(100 * np.nanmin(h) - 1 for h in lowest)), None)
    axes[0].legend(frameon=False)


def hold_still(clip: Clip, axes: np.ndarray) -> None:
    """How far the nose and a knee of somebody who stands are from where they are most of the time."""
    time_s, true_m = clip.case.observed.time_s, clip.truth_m()
    stands = int(np.argmin(np.median(np.ptp(true_m, axis=1).max(axis=-1), axis=-1)))
    for axis, name in zip(axes, ("nose", "left_knee")):
        lines = [("truth", true_m[stands], TRUTH)]
        for value, colour in zip(HOLD_STILL_M, COLOURS):
            lines.append((f"{100 * value:g} cm", clip.joints_m(stands, hold_still_m=value), {"color": colour}))
        for label, joints_m, style in lines:
            points_m = joints_m[:, J[name]]
            away_m = np.linalg.norm(points_m - np.nanmedian(points_m, axis=0), axis=-1)
            axis.plot(time_s, 1000 * away_m, label=label, **style)
        _label(axis, "time, s", f"{name.replace('_', ' ')} off its usual place, mm")
    axes[0].legend(frameon=False)


SETTINGS = {
    "smoothness": (smoothness, DEMO, [{"smoothness_s": v} for v in SMOOTHNESS_S]),
    "foot_lock": (foot_lock, DEMO, [{"foot_lock": v} for v in FOOT_LOCKS]),
    "floor": (floor, DEMO, [{"floor": v} for v in FLOORS]),
    "hold_still": (hold_still, STANDING, [{"hold_still_m": v} for v in HOLD_STILL_M]),
}
"""What draws a setting, on which clip, and the values that are compared."""


def _label(axis: Axes, x: str, y: str, limits: tuple[float, float] | None = None) -> None:
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    if limits:
        axis.set_xlim(*limits)
    axis.spines[["top", "right"]].set_visible(False)


def _shade(axis: Axes, time_s: np.ndarray, where: np.ndarray) -> None:
    axis.fill_between(time_s, 0, 1, where=where.tolist(), transform=axis.get_xaxis_transform(), color="0.9", zorder=0)


def table(clips: dict[Path, Clip], names: list[str]) -> list[str]:
    """Figures of whole clips as a Markdown table, one row for each value."""
    lines = ["| setting | clip | " + " | ".join(FIGURES.values()) + " |", "|---" * (len(FIGURES) + 2) + "|"]
    for name in names:
        _, path, values = SETTINGS[name]
        for settings in values:
            figures = evaluate(clips[path].take(**settings), clips[path].case.truth)
            words = ", ".join(f"`{key}` {value}" for key, value in settings.items())
            cells = ["-" if figures[key] is None else f"{figures[key]:.1f}" for key in FIGURES]
            lines.append(f"| {words} | {path.stem} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("settings", metavar="SETTING", nargs="*", help=f"of {', '.join(SETTINGS)} (default: all)")
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="folder for motion_SETTING.png")
    parser.add_argument("--write", type=Path, help="file to put the table into")
    arguments = parser.parse_args()
    names = arguments.settings or list(SETTINGS)
    if unknown := sorted(set(names) - set(SETTINGS)):
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(SETTINGS)}")
    plt.rcParams.update({"font.size": 8, "lines.linewidth": 1.3, "axes.linewidth": 0.6})
    clips: dict[Path, Clip] = {}
    for name in names:
        draw, path, _ = SETTINGS[name]
        if path not in clips:
            clips[path] = Clip(load(path))
        figure, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
        draw(clips[path], axes)
        figure.savefig(arguments.pictures / f"motion_{name}.png", dpi=110)
        plt.close(figure)
    lines = table(clips, names)
    print("\n".join(lines))
    if arguments.write:
        put_between(arguments.write, "motion settings", lines)


if __name__ == "__main__":
    main()
