"""Motion-capture recordings: reading, and where their joints are.

The files are the CMU recordings as `joint_names`, `parents`, `offsets`, `rotations` (wxyz, local), `root` and `fps`,
Y up. Here they are turned into Blender's axes, (x, y, z) -> (x, -z, y), and stay in their own unit.

Two of the data's three skeletons are read: the one that begins with `hip` and the one that begins with `root`; joints
of the latter get the former's names. The third, `CC_Base_...`, rests in no pose that a body could be laid over.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from animepose_blender.core import quaternions
from animepose_blender.errors import AnimePoseError

from .rotations import swing

SIDES = ("l", "r")

PLAIN_NAMES = {
    "root": "hip", "lowerback": "abdomen", "thorax": "chest", "lowerneck": "neck", "head": "head",
    **{
        f"{s}{theirs}": f"{s}{ours}"
        for s in "lr"
        for theirs, ours in {
            "clavicle": "Collar", "humerus": "Shldr", "radius": "ForeArm", "hand": "Hand", "fingers": "Mid1",
            "femur": "Thigh", "tibia": "Shin", "foot": "Foot", "toes": "Toes",
        }.items()
    },
}  # fmt: skip
"""The names that joints of the second skeleton go by here."""
PLAIN_HINGE = np.array([0.0, -0.5, -0.866])
"""Its arms rest straight, so the hinge of the left elbow was measured: the axis about which it bends when it does. The
right one's is the opposite."""

TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class Recording:
    """Some frames of one person.

    Attributes:
        names: joints.
        rest: (J, 3) joint positions of the rest pose (a T-pose that looks along -Y), in the recording's unit.
        positions: (F, J, 3) joint positions, same unit.
        rotations: (F, J, 3, 3) world rotation of each joint, identity at rest.
        elbow_hinge: for l and r the axis of the elbow at rest, where the rest pose does not show it.
        foot_align: for l and r what turns a level foot into the recording's foot at rest.
    """

    names: tuple[str, ...]
    rest: np.ndarray
    positions: np.ndarray
    rotations: np.ndarray
    elbow_hinge: dict[str, np.ndarray] = field(default_factory=dict)
    foot_align: dict[str, np.ndarray] = field(default_factory=dict)

    def index(self, name: str) -> int:
        return self.names.index(name)

    def leg_length(self) -> float:
        """Length of thigh and shin together."""
        hip, knee, ankle = (self.rest[self.index(name)] for name in ("lThigh", "lShin", "lFoot"))
        return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))


def load_recording(path: Path, start: int, count: int, step: int = 1) -> Recording:
    """Read `count` frames from `start`, each `step`-th one.

    Raises:
        AnimePoseError: if the file is not there, too short or of a skeleton that is not known.
    """
    return _read(path, start + step * np.arange(count))


def sample_recording(path: Path, start_s: float, count: int, rate: float, speed: float = 1.0) -> Recording:
    """Read `count` moments from `start_s` on, `rate` of them a second, between the file's frames where needed.

    Args:
        speed: how many seconds of the recording are shown in one.
    Raises:
        AnimePoseError: as `load_recording`.
    """
    with np.load(_present(path), allow_pickle=False) as data:
        fps = float(data["fps"])
    return _read(path, (start_s + speed * np.arange(count) / rate) * fps)


def _present(path: Path) -> Path:
    if not path.is_file():
        raise AnimePoseError(
            f"The recording {path} is missing.", "Name the folder that holds `humans` and `mocap` with --data."
        )
    return path


def _read(path: Path, at: np.ndarray) -> Recording:
    """Joints at moments counted in frames (F,), mixed from the two frames next to each."""
    with np.load(_present(path), allow_pickle=False) as data:
        names = tuple(str(name) for name in data["joint_names"])
        parents, offsets = data["parents"], data["offsets"].astype(np.float64)
        rotations, root = data["rotations"], data["root"]
    last = len(rotations) - 1
    if at[-1] > last + 1e-6:
        raise AnimePoseError(f"{path.name} has {last + 1} frames, one up to {at[-1]:.1f} was asked for.")
    if names[0] not in ("hip", "root"):
        raise AnimePoseError(f"{path.name} has a skeleton that is not read here: it begins with {names[0]!r}.")
    before = np.clip(np.floor(at).astype(int), 0, last)
    after, mix = np.minimum(before + 1, last), (at - before)[:, None]
    # Stored as float16, so never of unit length; the shorter way round between two frames.
    a, b = rotations[before].astype(np.float64), rotations[after].astype(np.float64)
    b = np.where(np.sum(a * b, axis=-1, keepdims=True) < 0, -b, b)
    local = quaternions.normalize((1.0 - mix[..., None]) * a + mix[..., None] * b)
    place = (1.0 - mix) * root[before].astype(np.float64) + mix * root[after].astype(np.float64)

    rotation = np.zeros_like(local)
    position = np.zeros((len(at), len(names), 3))
    rest = np.zeros((len(names), 3))
    for joint, parent in enumerate(parents):
        if parent < 0:
            rotation[:, joint], position[:, joint] = local[:, joint], place
            continue
        rotation[:, joint] = quaternions.multiply(rotation[:, parent], local[:, joint])
        position[:, joint] = position[:, parent] + quaternions.rotate(rotation[:, parent], offsets[joint])
        rest[joint] = rest[parent] + offsets[joint]
    recording = Recording(
        names=names,
        rest=rest @ TO_Z_UP.T,
        positions=position @ TO_Z_UP.T,
        rotations=TO_Z_UP @ quaternions.to_matrix(rotation) @ TO_Z_UP.T,
    )
    return recording if names[0] == "hip" else _as_first_skeleton(recording)


def _as_first_skeleton(recording: Recording) -> Recording:
    """The second skeleton under the first one's names, with the knuckles and hinges that it lacks."""
    names = [PLAIN_NAMES.get(name, name) for name in recording.names]
    rest, knuckles, align = [recording.rest], [], {}
    for s in SIDES:
        middle = recording.rest[names.index(f"{s}Mid1")]
        # The thumb is in front at rest: so is the index finger.
        rest.append(middle + np.array([[0.0, -3.0, 0.0], [0.0, 3.0, 0.0]]))
        knuckles += [f"{s}Index1", f"{s}Pinky1"]
        # Legs rest spread, and the feet are rolled with them.
        leg = recording.rest[names.index(f"{s}Foot")] - recording.rest[names.index(f"{s}Thigh")]
        align[s] = swing(np.array([0.0, 0.0, -1.0]), leg)
    hands = [names.index(f"{s}Hand") for s in SIDES for _ in range(2)]
    return replace(
        recording,
        names=(*names, *knuckles),
        rest=np.concatenate(rest),
        positions=np.concatenate([recording.positions, recording.positions[:, hands]], axis=1),
        rotations=np.concatenate([recording.rotations, recording.rotations[:, hands]], axis=1),
        elbow_hinge={"l": PLAIN_HINGE, "r": -PLAIN_HINGE},
        foot_align=align,
    )
