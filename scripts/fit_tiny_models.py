#!/usr/bin/env python3
"""Make tiny networks for the preset `quality`, fitted to one clip, and put them into a weight store.

    .venv/bin/python scripts/fit_tiny_models.py CLIP --store FOLDER [--take TAKE] [--minutes 8] [--only pose depth]
    ANIMEPOSE_MODELS=FOLDER .venv/bin/animepose estimate CLIP --preset quality -o out/take.npz

They are of the classes that the public weights have, under their ids and in their format, and know this one clip by
heart: the whole preset can be tried, and every coordinate seen to be right, where the public weights cannot be fetched.
They find nobody anywhere else. What they learn is what the preset `offline` sees in the clip: its take, or --take.
One network after the other, each for --minutes on --threads cores; where others use the machine too, --further goes on
with what is there. A step takes about half a second of one core. After 750 steps boxes overlapped those of the take by
0.92, and after 1400 steps keypoints lay within 0.6 pixels of the heatmaps, both in the median.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from tiny_models import depth_anything, rf_detr, rt_detr, vitpose
from tiny_models.labels import Labelled, read_labels
from tiny_models.saving import put_into_store
from transformers import (
    DepthAnythingForDepthEstimation,
    RfDetrForInstanceSegmentation,
    RTDetrV2ForObjectDetection,
    VitPoseForPoseEstimation,
)
from transformers.utils import logging

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.run import run
from animepose_blender.protocol import JobRequest
from animepose_blender.take import Take

_DEPTH_SHARE = 0.25
"""Depth needs this share of --minutes for each scene."""


@dataclass(frozen=True)
class Work:
    """What to fit networks to, and where to put them."""

    store: Path
    clip: Path
    frames: list[Labelled]
    minutes: float
    further: bool
    """Whether to go on with the networks that are in the store."""

    def there(self, name: str) -> Path | None:
        """The folder of a network to go on with."""
        return self.store / name if self.further else None


def make_detector(work: Work) -> None:
    name, there = rf_detr.NAME, work.there(rf_detr.NAME)
    start = RfDetrForInstanceSegmentation.from_pretrained(there) if there else None
    network = rf_detr.fitted(work.frames, work.minutes, teller(name), start=start)
    put_into_store(work.store, name, network, rf_detr.PROCESSOR, role="detector", clip=work.clip)


def make_rt_detr(work: Work) -> None:
    name, there = rt_detr.NAME, work.there(rt_detr.NAME)
    start = RTDetrV2ForObjectDetection.from_pretrained(there) if there else None
    network = rt_detr.fitted(work.frames, work.minutes, teller(name), start=start)
    put_into_store(work.store, name, network, rt_detr.PROCESSOR, role="detector", clip=work.clip)


def make_pose(work: Work) -> None:
    name, there = vitpose.NAME, work.there(vitpose.NAME)
    start = VitPoseForPoseEstimation.from_pretrained(there) if there else None
    network = vitpose.fitted(work.frames, work.minutes, teller(name), start=start)
    put_into_store(
        work.store, name, network, vitpose.PROCESSOR, role="pose", clip=work.clip, skeleton=vitpose.SKELETON,
        options=vitpose.OPTIONS,
    )  # fmt: skip


def make_depth(work: Work) -> None:
    for scene, name in depth_anything.NAMES.items():
        there = work.there(name)
        start = DepthAnythingForDepthEstimation.from_pretrained(there) if there else None
        network = depth_anything.fitted(work.frames, work.minutes * _DEPTH_SHARE, teller(name), scene, start=start)
        put_into_store(
            work.store, name, network, depth_anything.PROCESSOR, role="depth", clip=work.clip,
            options={"scene": scene, "max_depth_m": depth_anything.FURTHEST_M[scene]},
        )  # fmt: skip


MAKERS: dict[str, Callable[[Work], None]] = {
    "detector": make_detector, "rt-detr": make_rt_detr, "pose": make_pose, "depth": make_depth,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--store", type=Path, required=True, help="folder to put the networks into")
    parser.add_argument("--take", type=Path, help="what the preset offline made of the clip (default: made now)")
    parser.add_argument("--minutes", type=float, default=8.0, help="time for each network (default: 8)")
    parser.add_argument("--every", type=int, default=3, help="use every n-th frame (default: 3)")
    parser.add_argument("--only", nargs="+", choices=MAKERS, default=list(MAKERS), help="which to make (default: all)")
    parser.add_argument("--further", action="store_true", help="go on with what is in the store")
    parser.add_argument("--threads", type=int, default=1, help="cores (default: 1)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    logging.disable_progress_bar()
    try:
        frames = read_labels(given.clip, _take(given.clip, given.take), given.every)
    except AnimePoseError as error:
        print(f"{error.message} {error.remedy}", file=sys.stderr)
        return int(error.exit_code)
    people = sum(len(frame.boxes_px) for frame in frames)
    print(f"{len(frames)} frames of {given.clip.name} with {people} people", flush=True)
    for name in given.only:
        MAKERS[name](Work(given.store, given.clip, frames, given.minutes, given.further))
    return 0


def _take(clip: Path, path: Path | None) -> Take:
    """The take that is given, or a new one."""
    if path is not None:
        return Take.load(path)
    with tempfile.TemporaryDirectory() as folder:
        new = Path(folder) / "take.npz"
        run(JobRequest(str(clip), str(new), hands=False), Silent())
        return Take.load(new)


class Silent:
    """A reporter that says nothing."""

    def progress(self, stage: str, stage_fraction: float) -> None: ...

    def warning(self, message: str) -> None: ...

    def check_cancelled(self) -> None: ...


def teller(name: str) -> Callable[[str], None]:
    """Prints how a network's fitting goes, with the time since it began."""
    started = time.monotonic()
    return lambda text: print(f"{name}: {text} ({time.monotonic() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(main())
