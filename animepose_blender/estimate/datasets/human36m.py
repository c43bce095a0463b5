"""Human3.6M in the form VideoPose3D gave it: `data_3d_h36m.npz`.

Its member `positions_3d` is a dictionary, subject → action → (F, 32, 3) metres in world axes (or 17 joints, already
chosen), and is read without unpickling (`object_arrays`). Methods are tested on S9 and S11, all four cameras.

Estimates are takes whose names tell subject, action and camera, such as `S9/Directions 1.54138969.take.npz`, or one
.npz with a member `S9/Directions 1/54138969` for each clip: (F, 17, 3) metres in camera axes, joints in the order of
`skeleton.HUMAN36M_17`.

References: Ionescu et al., Human3.6M (2014); Pavllo et al., VideoPose3D (2019), sections 6.1 and 6.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...core import quaternions as quat
from ...errors import AnimePoseError
from ...take import State, Take, read_npz
from ..metrics.alignment import fit_similarity
from ..metrics.conventions import to_convention
from .human36m_cameras import CAMERAS, WORLD_FROM_CAMERA
from .object_arrays import read_nested
from .takes import average, check_length, joints_camera_m, stem

_REMEDY = "Give the data_3d_h36m.npz that VideoPose3D's prepare_data_h36m.py makes."

CHOSEN_OF_32 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""The 17 joints that move, of the 32 recorded."""

Clip = tuple[str, str, str]
"""Subject, action, camera."""


def evaluate_predictions(files: Sequence[str], truth: str) -> dict[str, Any]:
    """Figures of each clip, of each action, and their mean over actions, which is what papers report.

    Returns:
        - `protocol1_mpjpe_mm`: mean joint distance with the hips laid on each other.
        - `protocol2_pa_mpjpe_mm`: after turning, shifting and scaling each pose (VideoPose3D's protocol 2);
          `pa_rigid_mpjpe_mm` without scaling (3DMPPE's "PA MPJPE").
        - `coverage`: part of the frames with an estimate; the others do not count in the errors.
        `clips_missing` counts the clips of S9 and S11 that no estimate was given for.
    Raises:
        AnimePoseError: if a file cannot be used, or an estimate is of no clip in the truth.
    """
    positions_m = _positions(truth)
    sequences: dict[str, dict[str, Any]] = {}
    for (subject, action, camera), estimate_m in _estimates(files, positions_m):
        name = f"{subject}/{action}/{camera}"
        if name in sequences:
            raise AnimePoseError(f"There are two estimates of {name}.", "Give one for each clip.")
        true_m = _in_camera(positions_m[subject][action], subject, camera)
        sequences[name] = _figures(_cut(estimate_m, len(true_m), name), true_m)
    actions: dict[str, dict[str, float | None]] = {}
    for action in sorted({_kind(name) for name in sequences}):
        actions[action] = _over_frames([table for name, table in sequences.items() if _kind(name) == action])
    clips = sum(len(positions_m[subject]) for subject in positions_m) * len(CAMERAS)
    return {
        "format": "human36m",
        "sequences": sequences,
        "actions": actions,
        "average": average(actions.values()),
        "clips_missing": clips - len(sequences),
    }


def _positions(truth: str) -> dict[str, dict[str, np.ndarray]]:
    """Subject → action → (F, 17, 3) metres, world axes, of the subjects that methods are tested on."""
    whole = read_nested(truth, "positions_3d", _REMEDY)
    if not isinstance(whole, dict) or not all(isinstance(actions, dict) for actions in whole.values()):
        raise AnimePoseError(f"{truth}: positions_3d is not a dictionary of subjects and actions.", _REMEDY)
    chosen: dict[str, dict[str, np.ndarray]] = {}
    for subject in WORLD_FROM_CAMERA.keys() & whole.keys():
        for action, points in whole[subject].items():
            shape = points.shape if isinstance(points, np.ndarray) else None
            if shape is None or len(shape) != 3 or shape[1] not in (17, 32) or shape[2] != 3:
                raise AnimePoseError(f"{truth}: {subject} {action} has shape {shape}, expected (F, 32, 3).", _REMEDY)
            points = points[:, list(CHOSEN_OF_32)] if shape[1] == 32 else points
            chosen.setdefault(subject, {})[str(action)] = points.astype(np.float64)
    if not chosen:
        raise AnimePoseError(f"{truth} holds neither S9 nor S11; it has {sorted(map(str, whole))}.", _REMEDY)
    return chosen


def _estimates(files: Sequence[str], truth: dict[str, dict[str, np.ndarray]]) -> Iterator[tuple[Clip, np.ndarray]]:
    for path in files:
        if "schema_version" in (arrays := read_npz(path, "take", "Give takes, or an .npz of estimates.")):
            clip = _clip(f"{Path(path).absolute().parent.name} {stem(path)}", truth, path)
            take = Take.load(path)
            check_length(take, len(truth[clip[0]][clip[1]]), "/".join(clip))
            yield clip, _of_take(take)
            continue
        for name, points in arrays.items():
            if points.ndim != 3 or points.shape[1:] != (17, 3) or points.dtype.kind != "f":
                raise AnimePoseError(
                    f"{path}: {name} has shape {points.shape}, expected (F, 17, 3) of floating point numbers.",
                    "Write joints in metres, in camera axes and in VideoPose3D's order.",
                )
            yield _clip(name, truth, f"{name} in {path}"), points.astype(np.float64)


def _clip(text: str, truth: dict[str, dict[str, np.ndarray]], where: str) -> Clip:
    """What a name tells; spaces, dots and underscores are the same, and the last that fits counts."""
    words = " " + re.sub(r"[\W_]+", " ", text) + " "
    camera = next((camera for camera in CAMERAS if f" {camera} " in words), None)
    subject = next((subject for subject in truth if f" {subject} " in words), None)
    words = words.replace("TakingPhoto", "Photo").replace("WalkingDog", "WalkDog").replace(f" {camera} ", " ")
    actions = [action for action in truth.get(subject or "", {}) if words.rstrip().endswith(f" {action}")]
    if camera is None or subject is None or not actions:
        raise AnimePoseError(
            f"The name of {where} does not tell a clip of Human3.6M.",
            "Name it after subject, action and camera: S9/Directions 1/54138969, or 'S9_Directions 1.54138969.npz'.",
        )
    return subject, max(actions, key=len), camera


def _of_take(take: Take) -> np.ndarray:
    """(F, 17, 3) of the person who is there most of the time; Human3.6M shows one."""
    if not take.person_count:
        return np.full((take.frame_count, 17, 3), np.nan)
    person = int((take.state != State.ABSENT).sum(1).argmax())
    return to_convention("human36m_17", joints_camera_m(take)[person])


def _in_camera(points_m: np.ndarray, subject: str, camera: str) -> np.ndarray:
    """World points turned into camera axes; the camera's place does not matter, since hips are laid on each other."""
    turn = np.array(WORLD_FROM_CAMERA[subject][CAMERAS.index(camera)])
    return quat.rotate(quat.conjugate(turn), points_m)


def _cut(estimate_m: np.ndarray, frames: int, name: str) -> np.ndarray:
    """Some videos are longer than their motion capture, whose length counts."""
    if len(estimate_m) < frames:
        raise AnimePoseError(
            f"{name} has {frames} frames, its estimate has {len(estimate_m)}.", "Estimate all frames of the video."
        )
    return estimate_m[:frames]


def _figures(estimate_m: np.ndarray, true_m: np.ndarray) -> dict[str, Any]:
    relative_m, true_relative_m = (points - points[:, :1] for points in (estimate_m, true_m))
    errors_m = {"protocol1_mpjpe_mm": relative_m}
    for name, scale in (("protocol2_pa_mpjpe_mm", True), ("pa_rigid_mpjpe_mm", False)):
        errors_m[name] = fit_similarity(relative_m, true_relative_m, scale=scale).apply(relative_m)
    known = np.isfinite(relative_m).all((-1, -2))
    figures: dict[str, Any] = {
        name: float(np.linalg.norm(points[known] - true_relative_m[known], axis=-1).mean() * 1000)
        if known.any()
        else None
        for name, points in errors_m.items()
    }
    return {**figures, "coverage": float(known.mean()), "frames": len(true_m)}


def _over_frames(tables: list[dict[str, Any]]) -> dict[str, float | None]:
    """Mean over all frames of several clips."""
    frames = sum(table["frames"] for table in tables)
    seen = sum(table["coverage"] * table["frames"] for table in tables)
    result: dict[str, float | None] = {}
    for name in ("protocol1_mpjpe_mm", "protocol2_pa_mpjpe_mm", "pa_rigid_mpjpe_mm"):
        known = [t[name] * t["coverage"] * t["frames"] for t in tables if t[name] is not None]
        result[name] = sum(known) / seen if known else None
    return {**result, "coverage": seen / frames, "frames": frames}


def _kind(name: str) -> str:
    """`Directions` of `S9/Directions 1/54138969`."""
    return name.split("/")[1].split(" ")[0]
