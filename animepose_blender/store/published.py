"""Weights that others have published as checkpoints: a user who has such a file converts it; none of it is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .record import ModelRecord

CARD = Path(__file__).resolve().parents[2] / "models" / "cards" / "3dmppe.md"
SOURCE = "3DMPPE public release"
LICENCE = "MIT, data non-commercial"
CAUTION = "trained on Human3.6M or MuCo-3DHP, whose terms allow research only, and on COCO or MPII"
CONVERT_FIRST = "Convert its public checkpoint with `animepose models convert FILE.pth.tar --as {id}`."


def _record(id_: str, title: str, role: str, architecture: str) -> ModelRecord:
    return ModelRecord(id_, title, role, architecture, (), LICENCE, False, SOURCE, caution=CAUTION)


PUBLISHED: Mapping[str, ModelRecord] = {
    "posenet-3dmppe": _record("posenet-3dmppe", "PoseNet of 3DMPPE", "pose", "pose_net"),
    "rootnet-3dmppe": _record("rootnet-3dmppe", "RootNet of 3DMPPE", "root", "root_net"),
}
"""By id, without files; the skeleton of a pose network is known from its checkpoint."""
SKELETONS: Mapping[int, str] = {18: "human36m_18", 21: "muco_21"}
"""By the number of joints, keys of `skeleton.KEYPOINT_MAPS`."""
