#!/usr/bin/env python3
"""What a good detector and pose network of the picture are worth: the way of the preset `quality`, with true boxes and
keypoints, a little shaken, in place of its networks, beside the preset `offline`; with BlazePose's feet and metric
joints, and without.

    .venv/bin/python scripts/bench_true_keypoints.py [CLIP.mp4 ...] [--shake 0.01] [--json FILE]

Clips need their CLIP_truth.npz beside them; the default is the demo clip. People are found where at least a third of
their joints are seen. Keypoints are those of COCO; hidden ones are there too, with little confidence, as such networks
have them.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch
from bench_demo import Silent

from animepose_blender.core import cameras
from animepose_blender.estimate.backends import PoseObservation
from animepose_blender.estimate.evaluate import evaluate
from animepose_blender.estimate.hub.device import choose_device
from animepose_blender.estimate.hub.follow import Networks, follow_in_batches
from animepose_blender.estimate.hub.protocols import PeopleFound
from animepose_blender.estimate.hub.stage_times import StageTimes
from animepose_blender.estimate.mediapipe_hands import MediaPipeHands
from animepose_blender.estimate.mediapipe_pose import MediaPipePose
from animepose_blender.estimate.metrics.truth import Truth
from animepose_blender.estimate.parts import OpenParts
from animepose_blender.estimate.run import run
from animepose_blender.protocol import JobRequest
from animepose_blender.skeleton import COCO_17, J
from animepose_blender.take import Take

DEMO = Path(__file__).resolve().parent / "demo_clip" / "salsa.mp4"
FIGURES = ("mpjpe_mm", "mpjpe_body_mm", "w_mpjpe_mm", "mrpe_mm", "foot_slide_mm", "coverage", "idf1", "id_switches")
SEEN, GUESSED = 0.9, 0.35
"""Confidence of keypoints that are seen, and that are hidden."""
MARGIN_PX = 6.0
LEAST_SEEN = 1 / 3


class TrueKeypoints:
    """A detector and a pose network that know the truth; they must be asked for every frame once, in order.

    Args:
        truth: of the clip.
        seen: (T, F, J) bool, which joints are.
        shake: standard deviation of keypoints, as a share of the square root of the box's area.
    """

    name, skeleton = "true keypoints", "coco_17"

    def __init__(self, truth: Truth, seen: np.ndarray, shake: float) -> None:
        camera = cameras.invert(truth.camera_to_world)[None]
        joints_px = cameras.project(cameras.transform(camera, truth.joints_world_m), truth.intrinsics[None])
        place = [J.get(name, J["nose"]) for name in COCO_17]
        self._points_px = np.where(np.isin(COCO_17, list(J))[:, None], joints_px[:, :, place], np.nan)
        self._confidence = np.where(np.isin(COCO_17, list(J)), np.where(seen[:, :, place], SEEN, GUESSED), 0.0)
        low, high = np.nanmin(joints_px, axis=2) - MARGIN_PX, np.nanmax(joints_px, axis=2) + MARGIN_PX
        self._box_px = np.concatenate([low, high], axis=-1)
        self._here = seen.mean(axis=-1) >= LEAST_SEEN
        self._rng, self._shake, self._next = np.random.default_rng(0), shake, 0
        self._asked: list[list[tuple[int, np.ndarray]]] = []

    def find(self, pictures: torch.Tensor) -> list[PeopleFound]:
        """See `BatchDetector`."""
        numbers = range(self._next, self._next + len(pictures))
        self._next += len(pictures)
        people = [(number, self._rng.permutation(np.flatnonzero(self._here[:, number]))) for number in numbers]
        self._asked.append(people)
        return [PeopleFound(self._box_px[who, number], np.full(len(who), SEEN)) for number, who in people]

    def keypoints(
        self, pictures: torch.Tensor, picture: np.ndarray, boxes_px: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `BatchPose`."""
        people = self._asked.pop(0)
        points_px = np.concatenate([self._points_px[who, number] for number, who in people])
        sigma_px = self._shake * np.sqrt((boxes_px[:, 2:] - boxes_px[:, :2]).prod(axis=-1))
        confidence = np.concatenate([self._confidence[who, number] for number, who in people])
        return points_px + self._rng.normal(size=points_px.shape) * sigma_px[:, None, None], confidence


class SeesNothing:
    """In place of BlazePose."""

    def estimate_each(self, jobs) -> list[PoseObservation | None]:
        return [None] * len(jobs)


def parts_of(path: Path, shake: float, completed: bool) -> OpenParts:
    """What a run uses instead of networks of the store, by a truth.npz whose joints are those of the skeleton."""
    with np.load(path, allow_pickle=False) as data:
        order = [list(data["joint_names"]).index(name) for name in J]
        seen = data["visible"][..., order]
    eyes, times = TrueKeypoints(Truth.load(path), seen, shake), StageTimes()
    body, hands = MediaPipePose(), MediaPipeHands() if completed else None
    networks = Networks(choose_device("cpu"), eyes, eyes, None, None, body if completed else SeesNothing(), times)
    return OpenParts(
        lambda frames, most, watchers: follow_in_batches(frames, networks, most, watchers), hands, lambda: (eyes.name,),
        profile=times.profile, closers=(body.close, *([hands.close] if hands else [])),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clips", metavar="CLIP", type=Path, nargs="*", default=[DEMO])
    parser.add_argument("--shake", type=float, default=0.01, help="of the square root of a box's area")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    rows: dict[str, dict[str, list[float]]] = {}
    for clip in arguments.clips:
        path = clip.with_name(f"{clip.stem}_truth.npz")
        ways = {
            "offline": None,
            "true keypoints and BlazePose": parts_of(path, arguments.shake, True),
            "true keypoints alone": parts_of(path, arguments.shake, False),
        }
        for way, parts in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                job = JobRequest(str(clip), str(Path(folder) / "take.npz"), hands=way != "true keypoints alone")
                started = time.monotonic()
                run(job, Silent(), parts)
                seconds = time.monotonic() - started
                take = Take.load(job.take)
            found = evaluate(take, Truth.load(path))
            own = rows.setdefault(way, {figure: [] for figure in (*FIGURES, "ms a frame")})
            for figure in FIGURES:
                own[figure].append(np.nan if found.get(figure) is None else found[figure])
            own["ms a frame"].append(1000 * seconds / take.frame_count)
            print(f"{clip.stem}, {way}: " + ", ".join(f"{name} {values[-1]:.3g}" for name, values in own.items()))
    means = {way: {name: float(np.nanmean(values)) for name, values in own.items()} for way, own in rows.items()}
    print(f"\n| mean of {len(arguments.clips)} | " + " | ".join((*FIGURES, "ms a frame")) + " |")
    print("|---" * (len(FIGURES) + 2) + "|")
    for way, own in means.items():
        print(f"| {way} | " + " | ".join(f"{value:.3g}" for value in own.values()) + " |")
    if arguments.json:
        arguments.json.write_text(json.dumps({"means": means, "clips": rows}, indent=1))


if __name__ == "__main__":
    main()
