#!/usr/bin/env python3
"""The demo clip against its truth: every figure of `animepose evaluate`, raw MediaPipe beside ours.

    .venv/bin/python scripts/bench_demo.py [--clip CLIP --truth TRUTH] [--json FILE]

The baseline is MediaPipe's world landmarks as they come, frame by frame, for the same people found by the same
detection: no turning to the ray, no smoothing, no constant bones. A root of its own it does not have; it gets the one
that fits its landmarks to the picture, frame by frame, and the floor of our take.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from scene_bench.baselines import take_of

from animepose_blender.estimate.detections import gather
from animepose_blender.estimate.evaluate import evaluate
from animepose_blender.estimate.metrics.truth import Truth
from animepose_blender.estimate.observe import observe
from animepose_blender.estimate.run import run
from animepose_blender.estimate.video import open_clip
from animepose_blender.protocol import JobRequest
from animepose_blender.take import Take

DEMO = Path(__file__).resolve().parent / "demo_clip"
FIGURES = (
    "mpjpe_mm", "mpjpe_body_mm", "pa_mpjpe_mm", "pck150_rel", "pck150_abs", "mrpe_mm", "coverage", "idf1",
    "id_switches", "jitter_10m_s3", "foot_slide_mm", "penetration_mm", "bone_cv",
)  # fmt: skip


class Silent:
    """A reporter that says nothing."""

    def progress(self, stage: str, stage_fraction: float) -> None: ...

    def warning(self, message: str) -> None: ...

    def check_cancelled(self) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clip", type=Path, default=DEMO / "salsa.mp4")
    parser.add_argument("--truth", type=Path, default=DEMO / "salsa_truth.npz")
    parser.add_argument("--focal", help="focal length in px; `true` = the truth's; default: as a user would run it")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    truth = Truth.load(arguments.truth)
    focal_px = None
    if arguments.focal:
        focal_px = float(truth.intrinsics[0, 0, 0]) if arguments.focal == "true" else float(arguments.focal)
    with tempfile.TemporaryDirectory() as folder:
        job = JobRequest(clip=str(arguments.clip), take=str(Path(folder) / "take.npz"), focal_px=focal_px)
        run(job, Silent())
        ours = Take.load(job.take)
    seen = gather(observe(job, open_clip(job.clip), Silent()).tracklets)
    raw = take_of(seen, seen.tracklet, ours, ours.intrinsics, size_root=False)
    results = {"ours": evaluate(ours, truth), "raw MediaPipe": evaluate(raw, truth)}
    print(f"{'figure':<16}" + "".join(f"{name:>16}" for name in results) + f"{'truth itself':>16}")
    for figure in FIGURES:
        values = [r[figure] for r in results.values()] + [results["ours"].get(f"{figure}_truth")]
        print(f"{figure:<16}" + "".join(f"{'-' if v is None else format(v, '.3f'):>16}" for v in values))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
