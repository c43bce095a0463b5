"""What the readers of data sets need of takes and of tables of figures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...core import cameras
from ...errors import AnimePoseError
from ...take import Take
from ..metrics.pairing import present_joints


def stem(path: str | os.PathLike[str]) -> str:
    """Name of a file without its suffixes .npz, .take.npz or .json."""
    return Path(path).name.removesuffix(".npz").removesuffix(".json").removesuffix(".take")


def joints_camera_m(take: Take) -> np.ndarray:
    """(P, F, J, 3) joints in the camera axes of each frame; NaN where the person is absent."""
    return cameras.transform(cameras.invert(take.camera_to_world), present_joints(take))


def check_length(take: Take, frames: int, name: str) -> None:
    """Frames of take and annotation are paired by number, so there must be as many.

    Raises:
        AnimePoseError: if not.
    """
    if take.frame_count != frames:
        raise AnimePoseError(
            f"{name} has {frames} annotated frames, its take has {take.frame_count}.",
            "Estimate a clip made of all the pictures of the sequence, none twice, without --start and --end.",
        )


def average(tables: Iterable[Mapping[str, Any]]) -> dict[str, float | None]:
    """Mean of every figure that is a number, over the tables that have it; what is no single figure is left out."""
    tables = list(tables)
    names = [name for name, value in (tables[0] if tables else {}).items() if not isinstance(value, (dict, list, str))]
    means: dict[str, float | None] = {}
    for name in names:
        known = [float(table[name]) for table in tables if table.get(name) is not None]
        means[name] = sum(known) / len(known) if known else None
    return means
