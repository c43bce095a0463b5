"""From the estimator's own landmarks to our joints: keypoints in pixels and metric joints in camera axes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..core import cameras
from ..core import quaternions as quat
from ..core.crop_axes import crop_turn
from ..skeleton import CONTACT_JOINTS, REST_JOINTS_M, J, from_keypoints

_EAR_M = REST_JOINTS_M[[J["left_ear"], J["right_ear"]]].mean(axis=0)
CROWN_ABOVE_EARS = float((REST_JOINTS_M[J["head_top"], 2] - _EAR_M[2]) / (2 * REST_JOINTS_M[J["left_ear"], 0]))
"""Height of the crown over the ears, in distances between the ears."""
CROWN_CONFIDENCE = 0.5
"""The crown is not seen but worked out from ears and nose."""
BLAZEPOSE_SIGMA_M = (0.05, 0.10)
"""How far the estimator's own joints are off across the view and along it."""


@dataclass(frozen=True, eq=False)
class Lifted:
    """Joints of one tracklet, n frames."""

    keypoints_px: np.ndarray
    """(n, K, 2); NaN where the estimator has no such point."""
    keypoint_confidence: np.ndarray
    """(n, K)."""
    joints_m: np.ndarray
    """(n, J, 3) relative to the pelvis, camera axes."""
    joint_confidence: np.ndarray
    """(n, J)."""
    sigma_m: np.ndarray
    """(n, J, 2) how far each joint may be off across the view of the person and along it."""
    contact: np.ndarray
    """(n, 4) probability that left heel, left toe, right heel, right toe stand; NaN where nothing tells."""

    @classmethod
    def of(
        cls,
        keypoints_px: np.ndarray,
        keypoint_confidence: np.ndarray,
        joints_m: np.ndarray,
        joint_confidence: np.ndarray,
    ) -> Lifted:
        """Joints of the estimator itself: as sure as it usually is, and without contacts."""
        sigma_m = np.broadcast_to(BLAZEPOSE_SIGMA_M, (*joint_confidence.shape, 2)).copy()
        untold = np.full((len(joints_m), len(CONTACT_JOINTS)), np.nan)
        return cls(keypoints_px, keypoint_confidence, joints_m, joint_confidence, sigma_m, untold)

    def where(self, chosen: np.ndarray) -> Lifted:
        """Some frames of it."""
        return Lifted(**{name: value[chosen] for name, value in vars(self).items()})


def lift_blazepose(
    landmarks_px: np.ndarray,
    confidence: np.ndarray,
    landmarks_m: np.ndarray,
    region: np.ndarray,
    intrinsics: np.ndarray,
) -> Lifted:
    """Take MediaPipe's landmarks into our skeleton.

    Its metric landmarks are as seen by a camera that looks straight at the person; turning them by the rotation from
    the optical axis to the ray through the middle of the person brings them into the axes of the real camera.

    Args:
        landmarks_px: (n, 33, 2).
        confidence: (n, 33).
        landmarks_m: (n, 33, 3).
        region: (n, 4) where the network looked, see `backends`.
        intrinsics: (n, 3, 3).
    """
    keypoints_px, keypoint_confidence = from_keypoints("blazepose_33", landmarks_px, confidence)
    turned_m = quat.rotate(crop_turn(region[:, :2], intrinsics)[:, None], landmarks_m)
    joints_m, joint_confidence = from_keypoints("blazepose_33", turned_m, confidence)
    return Lifted.of(keypoints_px, keypoint_confidence, *complete(joints_m, joint_confidence))


def onto_rays(lifted: Lifted, root_m: np.ndarray, intrinsics: np.ndarray) -> Lifted:
    """Move each joint across the view onto the ray of its keypoint, as far as the keypoint is sure.

    The picture shows joints across the view far better than the network's metric joints do, and their depth not at
    all: the depth is kept. On the four views of `pose2sim_single` this takes 6 % off the error of the joints.

    Args:
        lifted: as from `lift_blazepose`.
        root_m: (n, 3) the pelvis in camera axes.
        intrinsics: (n, 3, 3).
    """
    depth_m = root_m[:, None, 2] + lifted.joints_m[..., 2]
    seen_m = cameras.rays(lifted.keypoints_px, intrinsics) * depth_m[..., None] - root_m[:, None, :2]
    sure = np.where(np.isfinite(seen_m).all(axis=-1), lifted.keypoint_confidence, 0.0)[..., None]
    joints_m = lifted.joints_m.copy()
    joints_m[..., :2] += sure * (np.nan_to_num(seen_m) - joints_m[..., :2])
    for middle, stem in (("pelvis", "hip"), ("neck", "shoulder")):
        joints_m[:, J[middle]] = joints_m[:, [J[f"left_{stem}"], J[f"right_{stem}"]]].mean(axis=1)
    joints_m, _ = complete(joints_m, lifted.joint_confidence)
    return replace(lifted, joints_m=joints_m)


def complete(joints_m: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spine and chest on the line from pelvis to neck, the crown over ears and nose; origin at the pelvis."""
    joints_m = joints_m - joints_m[:, J["pelvis"], None]
    confidence = confidence.copy()
    left, right, nose = (joints_m[:, J[n]] for n in ("left_ear", "right_ear", "nose"))
    across, forward = left - right, nose - (left + right) / 2
    up = np.cross(forward, across)
    up /= np.linalg.norm(up, axis=-1, keepdims=True) + 1e-9
    # BlazePose puts the neck's stand-in between the shoulder joints; the base of the neck lies a little higher.
    trunk = joints_m[:, J["neck"]]
    shoulders_to_neck = (REST_JOINTS_M[J["neck"], 2] - REST_JOINTS_M[J["left_shoulder"], 2]) / (
        REST_JOINTS_M[J["left_shoulder"], 2] - REST_JOINTS_M[J["pelvis"], 2]
    )
    joints_m[:, J["neck"]] = trunk * (1 + shoulders_to_neck)
    joints_m[:, J["spine"]] = joints_m[:, J["neck"]] / 3
    joints_m[:, J["chest"]] = joints_m[:, J["neck"]] * 2 / 3
    width = np.linalg.norm(across, axis=-1, keepdims=True)
    joints_m[:, J["head_top"]] = (left + right) / 2 + up * width * CROWN_ABOVE_EARS
    trunk_confidence = np.minimum(confidence[:, J["pelvis"]], confidence[:, J["neck"]])
    confidence[:, J["spine"]] = confidence[:, J["chest"]] = trunk_confidence
    confidence[:, J["head_top"]] = confidence[:, J["nose"]] * CROWN_CONFIDENCE
    return joints_m, confidence
