"""The whole preset beside `offline`: on rendered clips with a truth, and on the real clips, with pictures."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from check_quality import FIGURES, SETS, SPEED, SUMS, Tells, clips_of
from check_quality import measure as measure_clip

from animepose_blender.core.boxes import iou
from animepose_blender.estimate.preview import Overlay
from animepose_blender.estimate.run import run
from animepose_blender.estimate.video import open_clip
from animepose_blender.protocol import JobRequest
from animepose_blender.take import State, Take

from .average_precision import at_score, claims, share_within, together
from .detect import HAND_BOXES
from .sources import Missing, Sources
from .tables import number, table

PRESETS = ("offline", "animepose")
CLIPS = ("park_two_people", "runner_panning_camera")
SHOWN, WIDTH_PX = 4, 480
"""Frames of each clip in the picture, and how wide each is."""
HALF = np.array([0.5])


def measure(sources: Sources, sets: tuple[str, ...], takes: Path | None = None) -> dict[str, Any]:
    """Figures for `lines`.

    Args:
        sources: weights are those that ship, whatever it says.
        sets: of `check_quality`.
        takes: where the takes of the real clips are kept, for `draw`.
    """
    figures: dict[str, Any] = {"sets": {}, "clips": {}}
    jobs: dict[str, dict[str, Any]] = {preset: {} for preset in PRESETS}
    with tempfile.TemporaryDirectory() as folder:
        for name in sets:
            some = [measure_clip(*pair, jobs, Path(folder)) for pair in clips_of(name, [], SETS[name])]
            figures["sets"][name] = _means([clip.figures for clip in some])
            figures["sets"][name]["failed"] = [line for clip in some for line in clip.failed]
            figures["sets"][name]["by_clip"] = {c.name: {p: _kept(f) for p, f in c.figures.items()} for c in some}
        if sources.clips is not None:
            where = takes or Path(folder)
            where.mkdir(parents=True, exist_ok=True)
            for name in CLIPS:
                if (sources.clips / f"{name}.mp4").is_file():
                    figures["clips"][name] = _real(sources.clips / f"{name}.mp4", where)
    if not figures["sets"] and not figures["clips"]:
        raise Missing("There is no clip to run on.", "Name the folder of the real clips with --clips.")
    return figures


def _kept(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: figures.get(name) for name in (*FIGURES, SPEED)}


def _means(clips: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Of the clips that every preset could measure."""
    whole = [clip for clip in clips if all(preset in clip for preset in PRESETS)]
    means: dict[str, Any] = {"clips": len(clips), "measured": len(whole)}
    for preset in PRESETS:
        means[preset] = {}
        for figure in (*FIGURES, SPEED):
            known = [clip[preset][figure] for clip in whole if clip[preset].get(figure) is not None]
            value = np.sum(known) if figure in SUMS else np.mean(known) if known else None
            means[preset][figure] = None if value is None else float(value)
    return means


def _real(clip: Path, folder: Path) -> dict[str, Any]:
    """Both presets on a clip without a truth: who is found in the frames with boxes by hand, and frames a second."""
    known = json.loads(HAND_BOXES.read_text(encoding="utf-8"))["clips"][clip.stem]
    figures = {}
    for preset in PRESETS:
        path = take_path(folder, clip.stem, preset)
        began = time.perf_counter()
        result = run(JobRequest(clip=str(clip), take=str(path), preset=preset), Tells(f"{clip.stem}, {preset}"))
        take = Take.load(path)
        figures[preset] = {
            "people": take.person_count, "frames": take.frame_count,
            "frames_per_s": result.frames / (time.perf_counter() - began),
            "observed": sorted(((take.state == State.OBSERVED).sum(axis=1)).tolist(), reverse=True),
            "reprojection": reprojection(take),
        } | _found(take, known)  # fmt: skip
    return figures


def take_path(folder: Path, clip: str, preset: str) -> Path:
    """Where the take of a real clip lies."""
    return folder / f"{clip}_{preset}.npz"


def reprojection(take: Take) -> float | None:
    """Median distance in the picture of the solved joints from the keypoints that are sure, percent of the box's
    height. Small does not say that the keypoints are right."""
    overlay = Overlay.of(take, (1.0, 1.0))
    off = np.linalg.norm(overlay.joints_px + 0.5 - take.keypoints_px, axis=-1)
    height = (take.box_px[..., 3] - take.box_px[..., 1])[..., None]
    sure = (take.state == State.OBSERVED)[..., None] & (take.keypoint_confidence >= 0.5) & np.isfinite(off / height)
    return float(100 * np.median((off / height)[sure])) if sure.any() else None


def _found(take: Take, known: dict[str, Any]) -> dict[str, float]:
    """Recall in percent and false people a frame, of those who are observed in the frames with boxes by hand."""
    parts = []
    for at, frame in known.items():
        there = take.state[:, int(at)] == State.OBSERVED
        boxes = take.box_px[there, int(at)].astype(float)
        ignorable = share_within(boxes, np.array(frame["ignored"], float).reshape(-1, 4))
        parts.append(claims(np.ones(len(boxes)), iou(boxes, np.array(frame["people"], float)), ignorable, HALF))
    one = at_score(together(parts), 0.0)
    return {"recall": 100 * one.recall, "false": one.false}


def draw(clip: Path, takes: Path, path: Path) -> None:
    """A picture of some frames with both presets' skeletons, `offline` on the left."""
    some = [Take.load(take_path(takes, clip.stem, preset)) for preset in PRESETS]
    count = some[0].frame_count
    wanted = [int((k + 0.5) * count / SHOWN) for k in range(SHOWN)]
    rows, overlays = [], None
    for at, _, colour in open_clip(clip).frames():
        if at not in wanted:
            continue
        scale = WIDTH_PX / colour.shape[1]
        small = cv2.resize(colour, (WIDTH_PX, round(colour.shape[0] * scale)), interpolation=cv2.INTER_AREA)
        overlays = overlays or [Overlay.of(take, (scale, scale)) for take in some]
        pair = [small.copy() for _ in some]
        for picture, overlay in zip(pair, overlays, strict=True):
            overlay.draw(picture, at)
        rows.append(np.concatenate(pair, axis=1))
    sheet = np.concatenate(rows)[..., ::-1]
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, 82])


def lines(figures: dict[str, Any], pictures: dict[str, str]) -> list[str]:
    """Markdown; pictures by name of the clip."""
    out = ["## The preset beside `offline`", ""]
    for name, one in figures["sets"].items():
        measured = f"{one['measured']} of {one['clips']} clips" if one["clips"] > 1 else "one clip"
        out += [f"Set `{name}` of docs/benchmark_clips.md ({measured}); figures of docs/metrics.md.", ""]
        rows = [[f"`{figure}`", *(_cell(figure, one[preset].get(figure)) for preset in PRESETS)] for figure in FIGURES]
        speed = [one[preset].get(SPEED) for preset in PRESETS]
        if all(speed):
            rows.append(["frames a second, as a ratio to `offline`", "1", number(speed[1] / speed[0], 2)])
        out += table(["", *(f"`{preset}`" for preset in PRESETS)], rows)
        out += [f"Failed: {line}" for line in one["failed"]] + ([""] if one["failed"] else [])
    rows = []
    for name, one in figures["clips"].items():
        for preset in PRESETS:
            row = one[preset]
            frames = ", ".join(str(n) for n in row["observed"][:6])
            rows.append([f"`{name}`", f"`{preset}`", row["people"], f"{frames} of {row['frames']}",
                         number(row["recall"], 0), number(row["false"], 2), number(row["reprojection"], 1),
                         number(row["frames_per_s"] / one["offline"]["frames_per_s"], 2)])  # fmt: skip
    if rows:
        out += ["Real clips: recall and false people a frame are of those who are observed in twelve frames whose "
                "boxes were drawn by hand; reprojection is the median of solved joints against keypoints, % of the "
                "box's height; speed is a ratio within one run.", ""]  # fmt: skip
        head = ["clip", "preset", "people", "frames observed", "recall %", "false a frame", "reprojection %"]
        out += table([*head, "frames a second / offline's"], rows)
    for name in figures["clips"]:
        if name in pictures:
            out += [f"![{name}, offline on the left]({pictures[name]})", ""]
    return out


def _cell(figure: str, value: float | None) -> str:
    return number(value, 0 if figure in SUMS or (value is not None and abs(value) >= 100) else 2)
