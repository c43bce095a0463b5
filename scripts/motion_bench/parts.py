"""Single parts of the run replaced by the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from bench_demo import Silent
from bench_scene import Case, take_of
from scene_bench.oracle import LeavesAlone, Oracle

from animepose_blender.estimate.camera import Focal
from animepose_blender.estimate.detections import gather
from animepose_blender.estimate.evaluate import evaluate
from animepose_blender.estimate.observe import Observed
from animepose_blender.estimate.reconstruct import Given, Reconstruction, reconstruct
from animepose_blender.estimate.scene import Scene
from animepose_blender.skeleton import PARENTS, REST_LENGTHS_M, J
from animepose_blender.take import Take

AS_IT_IS, TRUE_2D, TRUE_2D_SCENE = "as it is", "true keypoints", "true keypoints, camera, floor, identities and sizes"
TRUE_3D = "true keypoints and relative joints"
PARTS = (AS_IT_IS, TRUE_2D, TRUE_2D_SCENE, TRUE_3D)

TILT_SIGMA_RAD = 0.002
_UPRIGHT = [J[n] for n in ("spine", "chest", "neck", "left_knee", "right_knee", "left_ankle", "right_ankle")]


def with_truth(case: Case) -> dict[str, Take]:
    """The takes of a clip with parts of the truth put in."""
    exact_2d = case.oracle.perfect(case.observed, metric=False)
    exact = case.oracle.perfect(case.observed, metric=True)
    # Joints in true metres leave no doubt about anybody's size.
    as_large = Given(sizes=np.ones(len(exact.tracklets)), lifter=LeavesAlone())
    found = {
        TRUE_2D: reconstruct(exact_2d, case.focal, case.job, Silent()),
        TRUE_2D_SCENE: _in_true_scene(case, exact_2d),
        TRUE_3D: reconstruct(exact, case.focal, case.job, Silent(), as_large),
    }
    return {name: take_of(case, solved) for name, solved in found.items() if solved is not None}


def _in_true_scene(case: Case, observed: Observed) -> Reconstruction | None:
    """With true camera, floor, identities and sizes."""
    oracle, size = case.oracle, sizes_of(case.oracle)
    scene = Scene(oracle.camera_to_world[0], size, np.zeros(len(size)), 1.0, TILT_SIGMA_RAD)
    given = Given(oracle.motion(), oracle.people_of(gather(observed.tracklets)), scene)
    return reconstruct(observed, Focal(oracle.focal_px, "user"), case.job, Silent(), given)


def sizes_of(oracle: Oracle) -> np.ndarray:
    """(T,) how large true people are, over the skeleton's rest pose, by the bones that make up a stature."""
    joints_m = oracle.joints_world_m
    lengths_m = np.linalg.norm(joints_m - joints_m[:, :, PARENTS], axis=-1)[..., _UPRIGHT]
    return np.nanmedian(lengths_m.sum(axis=-1), axis=1) / REST_LENGTHS_M[_UPRIGHT].sum()


def figures_with_truth(case: Case) -> dict[str, dict[str, Any]]:
    """Figures of `with_truth`."""
    return {name: evaluate(take, case.truth) for name, take in with_truth(case).items()}
