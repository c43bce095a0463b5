"""Motion-capture recordings: reading, and where their joints are.

The files are the CMU recordings as `joint_names`, `parents`, `offsets`, `rotations` (wxyz, local), `root` and `fps`,
Y up. Here they are turned into Blender's axes, (x, y, z) -> (x, -z, y), and stay in their own unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animepose_blender.core import quaternions
from animepose_blender.errors import AnimePoseError

TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class Recording:
    """Some frames of one person.

    Attributes:
        names: joints.
        rest: (J, 3) joint positions of the rest pose (a T-pose that looks along -Y), in the recording's unit.
        positions: (F, J, 3) joint positions, same unit.
        rotations: (F, J, 3, 3) world rotation of each joint, identity at rest.
    """

    names: tuple[str, ...]
    rest: np.ndarray
    positions: np.ndarray
    rotations: np.ndarray

    def index(self, name: str) -> int:
        return self.names.index(name)

    def leg_length(self) -> float:
        """Length of thigh and shin together."""
        hip, knee, ankle = (self.rest[self.index(name)] for name in ("lThigh", "lShin", "lFoot"))
        return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))


def load_recording(path: Path, start: int, count: int, step: int = 1) -> Recording:
    """Read `count` frames from `start`, each `step`-th one.

    Raises:
        AnimePoseError: if the file is not there or too short.
    """
    if not path.is_file():
        raise AnimePoseError(
            f"The recording {path} is missing.", "Name the folder that holds `humans` and `mocap` with --data."
        )
    with np.load(path, allow_pickle=False) as data:
        names = tuple(str(name) for name in data["joint_names"])
        parents, offsets = data["parents"], data["offsets"].astype(np.float64)
        wanted = slice(start, start + count * step, step)
        local = data["rotations"][wanted].astype(np.float64)
        root = data["root"][wanted].astype(np.float64)
    if len(local) < count:
        raise AnimePoseError(f"{path.name} gives {len(local)} frames from {start} on, {count} were asked for.")
    # Stored as float16, so never of unit length.
    local = quaternions.normalize(local)

    rotation = np.zeros_like(local)
    position = np.zeros((count, len(names), 3))
    rest = np.zeros((len(names), 3))
    for joint, parent in enumerate(parents):
        if parent < 0:
            rotation[:, joint], position[:, joint] = local[:, joint], root
            continue
        rotation[:, joint] = quaternions.multiply(rotation[:, parent], local[:, joint])
        position[:, joint] = position[:, parent] + quaternions.rotate(rotation[:, parent], offsets[joint])
        rest[joint] = rest[parent] + offsets[joint]
    return Recording(
        names=names,
        rest=rest @ TO_Z_UP.T,
        positions=position @ TO_Z_UP.T,
        rotations=TO_Z_UP @ quaternions.to_matrix(rotation) @ TO_Z_UP.T,
    )
