"""The photographs of Leeds Sports Pose Extended, as the 2D half of a batch.

Reference: Johnson and Everingham, "Learning effective human pose estimation from inaccurate annotation" (CVPR 2011).
Their terms are not those of a commercially safe set: weights that saw them say so. Of the 4,000 the last 500 (3501 to
4000) are held out.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from animepose_blender.errors import AnimePoseError
from animepose_blender.skeleton import JOINT_COUNT, J

TRAINING, VALIDATION, HELD_OUT = slice(0, 3300), slice(3300, 3500), slice(3500, 4000)


@dataclass(frozen=True, eq=False)
class Photographs:
    """P photographs of one person each.

    Attributes:
        colour: P of (H, W, 3) uint8 RGB.
        joints_px: (P, 28, 2) float32, pixel centres at +0.5; 0 where not known.
        known: (P, 28) bool.
    """

    colour: list[np.ndarray]
    joints_px: np.ndarray
    known: np.ndarray


def load_photographs(folder: Path, which: slice) -> Photographs:
    """Photographs of the folder `lspet` of the data, with our 28 joints as far as its 14 tell them.

    The pelvis is the middle of the hips, spine and chest lie a third and two thirds of the way to the neck: so the
    skeleton defines them.

    Raises:
        AnimePoseError: if they are not there.
    """
    if not (folder / "joints.npz").is_file():
        raise AnimePoseError(f"There are no photographs in {folder}.", "Name the folder `lspet` of the data.")
    with np.load(folder / "joints.npz", allow_pickle=False) as data:
        names = [str(name) for name in data["joint_names"]]
        joints, visible = data["joints_px"][which], data["visible"][which]
        images = [str(name) for name in data["image"][which]]
    px = np.zeros((len(images), JOINT_COUNT, 2), np.float32)
    known = np.zeros((len(images), JOINT_COUNT), bool)
    for k, name in enumerate(names):
        px[:, J[name]], known[:, J[name]] = joints[:, k] + 0.5, visible[:, k]
    px[:, J["pelvis"]] = (px[:, J["left_hip"]] + px[:, J["right_hip"]]) / 2
    known[:, J["pelvis"]] = known[:, J["left_hip"]] & known[:, J["right_hip"]]
    for name, share in (("spine", 1 / 3), ("chest", 2 / 3)):
        px[:, J[name]] = (1 - share) * px[:, J["pelvis"]] + share * px[:, J["neck"]]
        known[:, J[name]] = known[:, J["pelvis"]] & known[:, J["neck"]]
    colour = []
    with tarfile.open(next(folder.glob("images_*.tar"))) as archive:
        members = {Path(m.name).name: m for m in archive.getmembers() if m.isfile()}
        for image in images:
            file = archive.extractfile(members[image])
            assert file is not None
            picture = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_COLOR)
            colour.append(np.ascontiguousarray(picture[..., ::-1]))
    px[~known] = 0.0
    return Photographs(colour, px, known)
