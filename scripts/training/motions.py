"""The motion-capture recordings as moving figures of our skeleton: metres, Z up, feet on z = 0, all joints.

The recordings come with three skeletons. Each has hips, knees, ankles, shoulders, elbows, wrists and neck; what they
lack of ours (crown, nose, ears, knuckles, heel, toe tip) is set into frames built from what they have.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animepose_blender.core import quaternions
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.predict.body import assemble, bones_of
from animepose_blender.skeleton import JOINT_COUNT, MOCAP_NAMES, REST_JOINTS_M, J

RATE_HZ = 60.0
TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
TEST = ("martial_", "007_", "jumping_", "salsa_13", "salsa_14", "salsa_15", "salsa_28", "salsa_29", "salsa_30")
"""Beginnings (after `cmu_`) of the recordings that nothing is tuned on; every name that ends in `_b` is one too."""
VALIDATION = (
    "003_02", "005_17", "005_18", "005_19", "005_20", "006_12", "006_14", "006_15", "basketball_5",
    "basketball_signal_1", "directing_traffic_4", "indian_14", "running_5", "salsa_01", "salsa_02", "salsa_03",
    "salsa_05", "salsa_16", "salsa_17", "salsa_18", "salsa_20", "soccer_5", "walking_2", "walking_3",
    "walking_extra_18", "walking_extra_21", "walking_extra_27", "walking_extra_28", "walking_extra_32",
    "walking_extra_38",
)  # fmt: skip
"""Beginnings of the recordings that training leaves out and looks at: all that the benchmark's `dev` clips are made of
(scripts/benchmark/clips.json), and some more."""
FAULTY = ("salsa_06",)
"""Its head is upside down."""
SOLE_M = 0.02
"""Height of heel and toe of a flat foot, as in the rest pose."""
_ADULT_LEG_M = 0.83


@dataclass(frozen=True, eq=False)
class Figure:
    """One person of one recording at 60 Hz."""

    name: str
    root_m: np.ndarray
    """(F, 3)."""
    directions: np.ndarray
    """(F, J, 3) unit vectors of the bones, in world axes."""
    lengths_m: np.ndarray
    """(J,)."""
    partner: str
    """The other one of the couple; empty where there is none."""

    def joints_m(self) -> np.ndarray:
        """(F, J, 3)."""
        return assemble(self.root_m, self.directions, self.lengths_m)


def split_of(name: str) -> str:
    """ "train", "validation" or "test" for a recording such as `cmu_salsa_01`."""
    stem = name.removeprefix("cmu_")
    if stem.startswith(TEST) or stem.endswith("_b"):
        return "test"
    return "validation" if stem.startswith(VALIDATION) else "train"


def load_figures(folder: Path) -> list[Figure]:
    """All sound recordings of a folder, in order of name.

    Raises:
        AnimePoseError: if there is none.
    """
    paths = [p for p in sorted(folder.glob("cmu_*.npz")) if p.stem.removeprefix("cmu_") not in FAULTY]
    if not paths:
        raise AnimePoseError(f"There are no recordings (cmu_*.npz) in {folder}.", "Name their folder with --mocap.")
    raw = {path.stem: _joints(path) for path in paths}
    figures = []
    for name, (joints, leg) in raw.items():
        partner = _partner(name, raw)
        # A couple keeps one scale, or its hands would no longer meet.
        leg_unit = np.mean([leg, raw[partner][1]]) if partner else leg
        joints_m = joints * (_ADULT_LEG_M / leg_unit)
        root_m, directions, lengths_m = bones_of(joints_m)
        feet = joints_m[:, [J["left_toe"], J["right_toe"], J["left_heel"], J["right_heel"]], 2].min(axis=1)
        # The lowest frames of a recording stand on the floor; the very lowest are errors of measurement.
        root_m = root_m - [0.0, 0.0, np.percentile(feet, 5) - SOLE_M]
        figures.append(Figure(name, root_m, directions, lengths_m, partner))
    return figures


def _partner(name: str, known: dict) -> str:
    if not name.startswith("cmu_salsa_"):
        return ""
    number = int(name.rsplit("_", 1)[1])
    other = f"cmu_salsa_{number + 15 if number <= 15 else number - 15:02d}"
    return other if other in known and len(known[other][0]) == len(known[name][0]) else ""


def _joints(path: Path) -> tuple[np.ndarray, float]:
    """(F, J, 3) joints and the length of a leg, in the recording's unit."""
    recording = _read(path)
    joints = np.full((len(recording.positions), JOINT_COUNT, 3), np.nan)
    for joint, names in MOCAP_NAMES.items():
        joints[:, J[joint]] = recording.positions[:, recording.index(_first(recording, names))]
    joints[:, J["pelvis"]] = (joints[:, J["left_hip"]] + joints[:, J["right_hip"]]) / 2
    # Some skeletons put the collarbones' ends, not the neck, between the shoulders.
    joints[:, J["neck"]] = (joints[:, J["neck"]] + joints[:, J["left_shoulder"]] + joints[:, J["right_shoulder"]]) / 3
    spine = joints[:, J["neck"]] - joints[:, J["pelvis"]]
    joints[:, J["spine"]] = joints[:, J["pelvis"]] + spine / 3
    joints[:, J["chest"]] = joints[:, J["pelvis"]] + spine * 2 / 3
    leg = float(
        np.median(
            np.linalg.norm(joints[:, J["left_knee"]] - joints[:, J["left_hip"]], axis=-1)
            + np.linalg.norm(joints[:, J["left_ankle"]] - joints[:, J["left_knee"]], axis=-1)
        )
    )
    unit = leg / _ADULT_LEG_M
    _head(joints, recording, unit)
    for side in ("left", "right"):
        _foot(joints, recording, side, unit)
        _hand(joints, recording, side, unit)
    return joints, leg


@dataclass(frozen=True, eq=False)
class Recording:
    """All joints of a file, Blender's axes, the file's own unit: positions (F, N, 3), world rotations (F, N, 3, 3)."""

    names: tuple[str, ...]
    positions: np.ndarray
    rotations: np.ndarray

    def index(self, name: str) -> int:
        return self.names.index(name)


def _read(path: Path) -> Recording:
    # Unlike `scenes.mocap`, which lays bodies over two of the skeletons, this needs places only, and reads all three.
    with np.load(path, allow_pickle=False) as data:
        names = tuple(str(name) for name in data["joint_names"])
        parents, offsets = data["parents"], data["offsets"].astype(np.float64)
        # Stored as float16, so never of unit length.
        local, root = quaternions.normalize(data["rotations"].astype(np.float64)), data["root"].astype(np.float64)
    rotation, position = local.copy(), np.zeros((*local.shape[:2], 3))
    position[:, 0] = root
    for joint, parent in enumerate(parents):
        if parent >= 0:
            rotation[:, joint] = quaternions.multiply(rotation[:, parent], local[:, joint])
            position[:, joint] = position[:, parent] + quaternions.rotate(rotation[:, parent], offsets[joint])
    return Recording(names, position @ TO_Z_UP.T, TO_Z_UP @ quaternions.to_matrix(rotation) @ TO_Z_UP.T)


def _first(recording: Recording, names: tuple[str, ...]) -> str:
    return next(name for name in names if name in recording.names)


def _at(recording: Recording, *names: str) -> np.ndarray:
    return recording.positions[:, recording.index(_first(recording, names))]


def _frame(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(F, 3, 3) columns: y made square to x between them."""
    x = x / np.linalg.norm(x, axis=-1, keepdims=True)
    y = y - np.sum(x * y, axis=-1, keepdims=True) * x
    y = y / np.linalg.norm(y, axis=-1, keepdims=True)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def _carry(joints: np.ndarray, moving: np.ndarray, rest: np.ndarray, origin: str, names: list[str], unit: float):
    """Set joints to where the rest pose has them, carried by a frame (F, 3, 3) that is `rest` (3, 3) at rest."""
    turn = moving @ rest.T
    for name in names:
        joints[:, J[name]] = joints[:, J[origin]] + unit * (turn @ (REST_JOINTS_M[J[name]] - REST_JOINTS_M[J[origin]]))


def _head(joints: np.ndarray, recording: Recording, unit: float) -> None:
    if "head" in recording.names and "leftEye" not in recording.names:
        # Its rest pose is ours, so the head's rotation is all there is to know.
        rotation = recording.rotations[:, recording.index("head")]
        moving, rest = rotation, np.eye(3)
    else:
        left, right = _at(recording, "leftEye", "CC_Base_L_Eye"), _at(recording, "rightEye", "CC_Base_R_Eye")
        head = _at(recording, "head", "CC_Base_Head")
        # In both skeletons the eyes lie as far in front of the head's joint as above it.
        forward_up = (left + right) / 2 - head
        moving = _frame(left - right, forward_up)
        rest = _frame(np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, -1.0, 1.0]]))[0]
    _carry(joints, moving, rest, "neck", ["head_top", "nose", "left_ear", "right_ear"], unit)


def _foot(joints: np.ndarray, recording: Recording, side: str, unit: float) -> None:
    i = side[0]
    ball = _at(recording, f"{i}toes", f"End_{i}Foot", f"CC_Base_{i.upper()}_ToeBase")
    knee, ankle = joints[:, J[f"{side}_knee"]], joints[:, J[f"{side}_ankle"]]
    moving = _frame(ball - ankle, knee - ankle)
    rest_knee, rest_ankle, rest_toe = (REST_JOINTS_M[J[f"{side}_{name}"]] for name in ("knee", "ankle", "toe"))
    # The ball lies over three quarters of the way to the toe's tip, on the same sole.
    ball_of_rest = 0.75 * rest_toe + 0.25 * np.array([rest_ankle[0], rest_ankle[1], rest_toe[2]]) - rest_ankle
    rest = _frame(ball_of_rest[None], (rest_knee - rest_ankle)[None])[0]
    _carry(joints, moving, rest, f"{side}_ankle", [f"{side}_heel", f"{side}_toe"], unit)


def _hand(joints: np.ndarray, recording: Recording, side: str, unit: float) -> None:
    i = side[0]
    if f"{i}fingers" in recording.names:
        wrist = joints[:, J[f"{side}_wrist"]]
        moving = _frame(_at(recording, f"{i}fingers") - wrist, _at(recording, f"End_{i}thumb") - wrist)
        sign = 1.0 if side == "left" else -1.0
        rest = _frame(np.array([[sign, 0.0, 0.0]]), np.array([[0.0, -1.0, 0.0]]))[0]
        _carry(joints, moving, rest, f"{side}_wrist", [f"{side}_index_knuckle", f"{side}_pinky_knuckle"], unit)
        return
    joints[:, J[f"{side}_index_knuckle"]] = _at(recording, f"{i}Index1", f"CC_Base_{i.upper()}_Index1")
    joints[:, J[f"{side}_pinky_knuckle"]] = _at(recording, f"{i}Pinky1", f"CC_Base_{i.upper()}_Pinky1")
