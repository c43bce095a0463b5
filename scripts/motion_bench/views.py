"""Each view of the man in four calibrated ones, against the triangulation of all four."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from bench_demo import Silent
from bench_views import LIMBS

from animepose_blender.core import cameras
from animepose_blender.estimate.assemble import assemble
from animepose_blender.estimate.camera import focal_of
from animepose_blender.estimate.metrics.motion import jitter_10m_s3, mean_of
from animepose_blender.estimate.metrics.pose import errors_m, root_relative, similarity_align
from animepose_blender.estimate.metrics.swaps import swap_figures, swapped_limbs
from animepose_blender.estimate.reconstruct import reconstruct
from animepose_blender.estimate.video import open_clip
from animepose_blender.protocol import JobRequest
from animepose_blender.skeleton import from_keypoints
from animepose_blender.take import State, Take

from .measure import Folders
from .methods import BEFORE, OURS, baselines, only
from .store import observed_of

REFERENCE = "the triangulation itself"


def measure_views(folder: Path, folders: Folders) -> dict[str, dict[str, dict[str, Any]]]:
    """Figures of every view and method; `folder` has cam01.mp4 ... and reference.npz."""
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        landmarks_m, world_to_camera = reference["landmarks_world_m"].astype(float), reference["world_to_camera"]
    results = {}
    for view, to_camera in enumerate(world_to_camera, start=1):
        clip = folder / f"cam{view:02}.mp4"
        job = JobRequest(clip=str(clip), take=str(clip.with_suffix(".npz")))
        observed = observed_of(clip, job, Silent(), folders.cache)
        solved = reconstruct(observed, focal_of(job, open_clip(str(clip))), job, Silent())
        if solved is None:
            results[f"view {view}"] = {}
            continue
        ours = assemble(solved.people, solved.view, {"clip": clip.name, "size": list(observed.size_px)})
        if folders.takes is not None:
            ours.save(folders.takes / f"{clip.stem}.take.npz")
        found = {OURS: only(ours, State.OBSERVED), **baselines(ours, solved, observed)}
        if folders.before is not None and (earlier := folders.before / f"{clip.stem}.take.npz").exists():
            found[BEFORE] = only(Take.load(earlier), State.OBSERVED)
        in_camera_m = cameras.transform(np.broadcast_to(to_camera, (len(landmarks_m), 4, 4)), landmarks_m)
        true_m, _ = from_keypoints("blazepose_33", in_camera_m, np.ones(in_camera_m.shape[:2]))
        results[f"view {view}"] = {name: _figures(take, true_m) for name, take in found.items()}
        own = jitter_10m_s3(true_m[None][:, :, LIMBS], ours.frame_time_s[: len(true_m)])
        results[f"view {view}"][REFERENCE] = {"jitter_10m_s3": own}
        print(f"view {view}", {name: round(f.get("mpjpe_mm", 0)) for name, f in results[f"view {view}"].items()})
    return results


def _figures(take: Take, true_m: np.ndarray) -> dict[str, Any]:
    """Of the person nearest to the camera, against joints (F, J, 3) in camera axes: the twelve limb joints."""
    joints_m = cameras.transform(cameras.invert(take.camera_to_world), take.joints_world_m.astype(float))
    ours_m = joints_m[int(np.nanargmin(np.nanmedian(joints_m[:, :, 0, 2], axis=1)))]
    count, time_s = min(len(ours_m), len(true_m)), take.frame_time_s
    ours_m, true_m, time_s = ours_m[:count], true_m[:count], time_s[:count]
    aligned_m = similarity_align(ours_m[:, LIMBS], true_m[:, LIMBS], scale=True)
    compared = np.isfinite(ours_m[:, 0, 0])
    return {
        "mpjpe_mm": _mm(errors_m(root_relative(ours_m)[:, LIMBS], root_relative(true_m)[:, LIMBS])),
        "pa_mpjpe_mm": _mm(errors_m(aligned_m, true_m[:, LIMBS])),
        # The camera stands still here, so its axes do as well as the world's.
        "jitter_10m_s3": jitter_10m_s3(ours_m[None][:, :, LIMBS], time_s),
        **swap_figures(swapped_limbs(ours_m, true_m)[None], compared[None], time_s),
    }


def _mm(distance_m: np.ndarray) -> float:
    return 1000 * (mean_of(distance_m) or np.nan)
