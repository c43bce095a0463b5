"""The known truth of a clip, as read from `truth.npz`."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from ...errors import AnimePoseError
from ...skeleton import JOINT_COUNT, J
from ...take import read_npz

_REQUIRED = ("frame_time_s", "intrinsics", "camera_to_world", "person_id", "joints_world_m", "joint_names")
_WHAT_TO_DO = "Give a truth.npz with the fields " + ", ".join(_REQUIRED) + "."


@dataclass(eq=False)
class Truth:
    """Where everybody really was. F frames, T people; joints in the order of `skeleton.JOINTS`.

    Raises:
        AnimePoseError: if the shapes do not belong together.
    """

    frame_time_s: np.ndarray
    """(F,) strictly increasing, on the same clock as the take."""
    intrinsics: np.ndarray
    """(F, 3, 3) pinhole matrix, pixels."""
    camera_to_world: np.ndarray
    """(F, 4, 4) from OpenCV camera axes to world axes."""
    person_id: np.ndarray
    """(T,)"""
    joints_world_m: np.ndarray
    """(T, F, J, 3) NaN where unknown; floor at z = 0."""
    visible: np.ndarray | None = None
    """(T, F) bool: whether the person can be seen at all; None = not known."""
    contact: np.ndarray | None = None
    """(T, F, 4) bool: left heel, left toe, right heel, right toe on the floor; None = not known."""

    def __post_init__(self) -> None:
        frames, people = len(self.frame_time_s), len(self.person_id)
        expected = {
            "intrinsics": (frames, 3, 3),
            "camera_to_world": (frames, 4, 4),
            "joints_world_m": (people, frames, JOINT_COUNT, 3),
            "visible": (people, frames),
            "contact": (people, frames, 4),
        }
        for name, shape in expected.items():
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                raise AnimePoseError(
                    f"The truth is not valid: {name} has shape {value.shape}, expected {shape}.", _WHAT_TO_DO
                )
        if frames < 1 or (np.diff(self.frame_time_s) <= 0).any():
            raise AnimePoseError("The truth is not valid: frame_time_s must hold increasing times.", _WHAT_TO_DO)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Truth:
        """Read `truth.npz`.

        Joints are sorted into `skeleton.JOINTS` by `joint_names`; a joint the file lacks is NaN, one the skeleton
        lacks is left out. `visible` may be (T, F), or (T, F, joints), where a person counts as visible while a
        quarter of the joints is.

        Raises:
            AnimePoseError: if the file is missing, cannot be read, or lacks a field.
        """
        data = read_npz(path, "truth", _WHAT_TO_DO)
        missing = [name for name in _REQUIRED if name not in data]
        if missing:
            raise AnimePoseError(f"{path} is not a truth: {', '.join(missing)} missing.", _WHAT_TO_DO)

        words = [name for name in (*_REQUIRED, "visible", "contact") if name in data and name != "joint_names"]
        words = [name for name in words if data[name].dtype.kind not in "biuf"]
        if words:
            raise AnimePoseError(f"{path} is not valid: {', '.join(words)} must hold numbers.", _WHAT_TO_DO)
        names = [str(name) for name in np.ravel(data["joint_names"])]
        joints = np.asarray(data["joints_world_m"], dtype=np.float64)
        if joints.ndim != 4 or joints.shape[2:] != (len(names), 3):
            raise AnimePoseError(
                f"{path} is not valid: joints_world_m has shape {joints.shape}, expected "
                f"(people, frames, {len(names)} joint_names, 3).",
                _WHAT_TO_DO,
            )
        known = [index for index, name in enumerate(names) if name in J]
        if not known:
            raise AnimePoseError(f"{path} names no joint of the skeleton; it has {names[:5]}...", _WHAT_TO_DO)
        ours = [J[names[index]] for index in known]
        sorted_m = np.full((*joints.shape[:2], JOINT_COUNT, 3), np.nan)
        sorted_m[:, :, ours] = joints[:, :, known]

        visible = data.get("visible")
        if visible is not None:
            visible = np.asarray(visible) > 0
            visible = visible.mean(axis=-1) >= _VISIBLE_SHARE if visible.ndim == 3 else visible
        contact = data.get("contact")
        return cls(
            frame_time_s=np.asarray(data["frame_time_s"], dtype=np.float64),
            intrinsics=np.asarray(data["intrinsics"], dtype=np.float64),
            camera_to_world=np.asarray(data["camera_to_world"], dtype=np.float64),
            person_id=np.asarray(data["person_id"]),
            joints_world_m=sorted_m,
            visible=visible,
            contact=None if contact is None else np.asarray(contact) >= 0.5,
        )


_VISIBLE_SHARE = 0.25
