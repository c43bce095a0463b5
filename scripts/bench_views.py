#!/usr/bin/env python3
"""One man in four calibrated views: our joints and MediaPipe's own against a triangulation of all four.

    .venv/bin/python scripts/bench_views.py --clips CLIPS/pose2sim_single

The triangulation is good to a few centimetres, so this compares; it does not measure millimetres. Both estimates see
one view each and are compared with the pelvis on the reference's pelvis, over the twelve limb joints, camera axes.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path

import numpy as np
from bench_demo import Silent
from scene_bench.baselines import take_of

from animepose_blender.core import cameras
from animepose_blender.estimate.detections import gather
from animepose_blender.estimate.metrics.pose import similarity_align
from animepose_blender.estimate.observe import observe
from animepose_blender.estimate.run import run
from animepose_blender.estimate.video import open_clip
from animepose_blender.protocol import JobRequest
from animepose_blender.skeleton import J, from_keypoints
from animepose_blender.take import Take

LIMBS = [
    J[f"{side}_{name}"] for side in ("left", "right") for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]


def error_mm(take: Take, reference_m: np.ndarray) -> tuple[float, float, float]:
    """Of the person who is where the reference is in the picture, mm.

    Returns:
        Mean error of the joints; mean distance of the roots; and the same after turning and shifting the path onto the
        reference's, which takes away what the camera's pose is off.
    """
    joints_m = cameras.transform(cameras.invert(take.camera_to_world), take.joints_world_m.astype(float))
    rays, true_rays = (points[..., 0, :2] / points[..., 0, 2:] for points in (joints_m, reference_m))
    person = int(np.nanargmin(np.nanmedian(np.linalg.norm(rays - true_rays, axis=-1), axis=1)))
    ours_m = joints_m[person]
    distance = (ours_m - ours_m[:, :1]) - (reference_m - reference_m[:, :1])
    aligned_m = similarity_align(ours_m[None, :, 0], reference_m[None, :, 0], scale=False)[0]
    return (
        1000 * float(np.nanmean(np.linalg.norm(distance[:, LIMBS], axis=-1))),
        1000 * float(np.nanmean(np.linalg.norm(ours_m[:, 0] - reference_m[:, 0], axis=-1))),
        1000 * float(np.nanmean(np.linalg.norm(aligned_m - reference_m[:, 0], axis=-1))),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=Path, required=True, help="the folder with cam01.mp4 … and reference.npz")
    arguments = parser.parse_args()
    with np.load(arguments.clips / "reference.npz") as reference:
        landmarks_m, world_to_camera = reference["landmarks_world_m"], reference["world_to_camera"]
        intrinsics = reference["intrinsics"]
    print("view  focal  found px  true px  raw mm  ours mm  root mm  root aligned mm  tilt  true")
    for view, told in itertools.product(range(len(intrinsics)), (True, False)):
        true_px = float(intrinsics[view, 0, 0])
        clip = str(arguments.clips / f"cam{view + 1:02}.mp4")
        with tempfile.TemporaryDirectory() as folder:
            job = JobRequest(clip=clip, take=str(Path(folder) / "take.npz"), focal_px=true_px if told else None)
            run(job, Silent())
            ours = Take.load(job.take)
        in_camera_m = cameras.transform(np.broadcast_to(world_to_camera[view], (len(landmarks_m), 4, 4)), landmarks_m)
        reference_m, _ = from_keypoints("blazepose_33", in_camera_m, np.ones(in_camera_m.shape[:2]))
        tracklets = observe(job, open_clip(job.clip), Silent()).tracklets
        seen = gather([t for t in tracklets if len(t.frames) == max(len(t.frames) for t in tracklets)])
        raw, _, _ = error_mm(take_of(seen, seen.tracklet, ours, ours.intrinsics, size_root=False), reference_m)
        mean, root, aligned = error_mm(ours, reference_m)
        tilt = np.degrees(np.arcsin(-ours.camera_to_world[0, 2, 2]))
        true_tilt = np.degrees(np.arcsin(-world_to_camera[view, 2, 2]))
        print(
            f"{view + 1:<6}{'told' if told else 'found':<7}{ours.intrinsics[0, 0, 0]:8.0f}{true_px:9.0f}{raw:8.0f}"
            f"{mean:9.0f}{root:9.0f}{aligned:17.0f}{tilt:6.1f}{true_tilt:6.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
