"""The main job on one clip: estimate, build the .blend, draw the preview and, where the truth is known, measure.

Called by `scripts/demo`, which sets everything up first.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

from animepose_blender.errors import AnimePoseError, ExitCode
from animepose_blender.estimate.evaluate import evaluate
from animepose_blender.estimate.metrics.truth import Truth
from animepose_blender.estimate.preview import write_preview
from animepose_blender.take import State, Take

SCRIPTS = Path(__file__).resolve().parent
BUNDLED_CLIP = SCRIPTS / "demo_clip" / "salsa.mp4"
OUT = SCRIPTS.parent / "out"

FIGURES = (
    ("coverage", "part of the people's frames in which they were found", "{:.3f}"),
    ("idf1", "how well people keep their identity, 1 is best", "{:.3f}"),
    ("id_switches", "times a person was taken for another", "{:d}"),
    ("mpjpe_mm", "mean joint error, pelvis on pelvis, mm", "{:.0f}"),
    ("mpjpe_body_mm", "the same over the twelve limb joints, mm", "{:.0f}"),
    ("pa_mpjpe_mm", "the same over all, fitted to the truth, mm", "{:.0f}"),
    ("mrpe_mm", "mean error of the pelvis in space, mm", "{:.0f}"),
    ("pck150_rel", "joints within 15 cm, pelvis on pelvis, %", "{:.1f}"),
    ("pck150_abs", "joints within 15 cm in space, %", "{:.1f}"),
    ("jitter_10m_s3", "shaking, 10 m/s³", "{:.1f}"),
    ("foot_slide_mm", "slide of standing feet, mm a frame", "{:.1f}"),
    ("penetration_mm", "mean depth of feet below the floor, mm", "{:.1f}"),
    ("bone_cv", "how much bones change their length, 0 is best", "{:.3f}"),
)


def main() -> int:
    """Run the demo; returns the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="From a video to animated armatures, in out/.")
    parser.add_argument("clip", nargs="?", type=Path, default=BUNDLED_CLIP, help="a video (default: the bundled clip)")
    clip: Path = parser.parse_args().clip
    take_path, blend_path = OUT / f"{clip.stem}.take.npz", OUT / f"{clip.stem}.blend"
    video_path, picture_path = OUT / f"{clip.stem}_preview.mp4", OUT / f"{clip.stem}_preview.png"
    truth_path = clip.with_name(f"{clip.stem}_truth.npz")
    try:
        truth = Truth.load(truth_path) if truth_path.is_file() else None
        print(f"Estimating {_short(clip)} ...", flush=True)
        _animepose("estimate", clip, "-o", take_path)
        print("Building the scene ...", flush=True)
        _animepose("convert", take_path, "-o", OUT)
        print("Drawing the preview ...", flush=True)
        take = Take.load(take_path)
        write_preview(take, clip, video_path, picture_path)
        figures = evaluate(take, truth) if truth else None
    except _Failed as failure:
        return failure.status
    except AnimePoseError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)

    print(f"\n{_people(take)}")
    for path, what in (
        (blend_path, "the scene: open it in Blender"),
        (video_path, "the people over the clip"),
        (picture_path, "the same, six moments of it"),
        (take_path, "everything measured, for Import Take"),
    ):
        print(f"  {_short(path):<28} {what}")
    if figures is not None:
        _print_figures(figures)
    return int(ExitCode.DONE)


class _Failed(Exception):
    """A command has said what is wrong; all that is left is its status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _animepose(*arguments: str | Path) -> None:
    # The console script of this very environment, as a user would call it.
    command = [Path(sys.executable).with_name("animepose"), *arguments]
    try:
        status = subprocess.run([str(part) for part in command], check=False).returncode
    except KeyboardInterrupt:
        # Ctrl-C reaches the command too, which cleans up after itself.
        raise _Failed(int(ExitCode.CANCELLED)) from None
    if status != ExitCode.DONE:
        raise _Failed(status)


def _people(take: Take) -> str:
    seconds = take.frame_time_s[-1] - take.frame_time_s[0]
    shares = (take.state != State.ABSENT).mean(axis=1)
    counted = "1 person" if take.person_count == 1 else f"{take.person_count} people"
    parts = ", ".join(f"{number} in {share:.0%}" for number, share in zip(take.person_id.tolist(), shares))
    return f"{counted} in {seconds:.1f} s of video (by number: {parts} of the frames)."


def _print_figures(figures: dict[str, Any]) -> None:
    print(f"\nAgainst the known truth ({figures['person_frames']} frames of people):")
    for name, meaning, layout in FIGURES:
        value, true = figures[name], figures.get(f"{name}_truth")
        shown = "-" if value is None else layout.format(value)
        beside = f" (of the truth itself: {layout.format(true)})" if true is not None else ""
        print(f"  {name:<16} {shown:>7}   {meaning}{beside}")


def _short(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    sys.exit(main())
