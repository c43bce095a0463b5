"""MuPoTS-3D: takes of its sequences against its annotations.

A sequence is a folder TS1 ... TS20 with `annot.mat` and `occlusion.mat`. The first holds the cell array `annotations`
(frames x people) of structures with `annot2` (2 x 17, pixels), `annot3` (3 x 17, millimetres in camera axes),
`univ_annot3` (the same at the height of one universal skeleton) and `isValidFrame`; the second the cell array
`occlusion_labels` (frames x people) of 1 x 17 flags.

Reference: Mehta et al., Single-shot multi-person 3D pose estimation from monocular RGB (2018).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from ...core import cameras
from ...errors import AnimePoseError
from ...take import Take
from ..metrics import mupots
from ..metrics.accuracy import millimetres
from ..metrics.conventions import to_convention
from ..metrics.hota import hota_scores, picture_iou
from ..metrics.identity import identity_scores
from .takes import average, check_length, joints_camera_m, stem

_REMEDY = "Give the folder MultiPersonTestSet of MuPoTS-3D, which holds TS1 to TS20, or one of these."
SAME_PERSON_IOU = 0.5
"""Overlap in the picture from which on a person counts as found, for `idf1` and `id_switches`."""


@dataclass(frozen=True)
class Sequence3D:
    """The annotations of a sequence; T people, F frames."""

    points_px: np.ndarray
    """(T, F, 17, 2)"""
    metric_mm: np.ndarray
    """(T, F, 17, 3) camera axes, `annot3`."""
    universal_mm: np.ndarray
    """(T, F, 17, 3) camera axes, `univ_annot3`."""
    valid: np.ndarray
    """(T, F) bool"""
    occluded: np.ndarray
    """(T, F, 17) bool"""


def evaluate_takes(takes: Sequence[str], truth: str) -> dict[str, Any]:
    """Figures of each sequence that a take is given for, and their mean.

    Args:
        takes: files whose names tell the sequence, such as TS1.take.npz.
        truth: folder of all sequences, or of one.
    Raises:
        AnimePoseError: if a name tells no sequence, or a file cannot be used.
    """
    named = {sequence_name(path): path for path in takes}
    if len(named) < len(takes):
        raise AnimePoseError(f"Two takes are of the same sequence; they are of {sorted(named)}.", "Give one for each.")
    order = sorted(named, key=lambda name: int(name[2:]))
    sequences = {name: evaluate_sequence(Take.load(named[name]), _folder(Path(truth), name)) for name in order}
    return {"format": "mupots", "sequences": sequences, "average": average(sequences.values())}


def sequence_name(path: str) -> str:
    """TS1 ... TS20, as the file's name tells."""
    found = re.search(r"(?<![A-Za-z])TS0*(\d+)(?!\d)", stem(path), re.IGNORECASE)
    if not found or not 1 <= int(found[1]) <= 20:
        raise AnimePoseError(
            f"The name of {path} does not tell a sequence of MuPoTS-3D.", "Name the take after it: TS1.take.npz."
        )
    return f"TS{int(found[1])}"


def evaluate_sequence(take: Take, folder: Path) -> dict[str, Any]:
    """Figures of one sequence.

    Returns:
        - those of `metrics.mupots.pck_figures` against `univ_annot3`, as the data set's evaluator has it;
          `pck150_rel_visible` and `pck150_rel_occluded` over the joints so labelled.
        - `pck150_abs_metric`, `auc_abs_metric`: the absolute ones against `annot3`, where people have their own size.
        - `ap_root25`, `mrpe_mm` against `annot3`; `coverage`: part of the annotated people that are matched.
        - `idf1`, `id_switches`, `hota`, `det_a`, `ass_a` on the overlap of the boxes around the joints in the picture.
    """
    truth = read_sequence(folder)
    check_length(take, truth.valid.shape[1], folder.name)
    camera_m = joints_camera_m(take)
    predicted_mm = to_convention("mupots_17", camera_m * 1000)
    predicted_px = to_convention("mupots_17", cameras.project(camera_m, take.intrinsics))
    present = np.isfinite(predicted_mm[:, :, mupots.ROOT]).all(-1)
    matches = mupots.match(truth.points_px, predicted_px, truth.valid)
    metric = mupots.pck_figures(predicted_mm, truth.metric_mm, matches, truth.valid)
    relative = mupots.compare(predicted_mm, truth.universal_mm, matches, truth.valid, relative=True)
    occluded = truth.occluded[truth.valid]

    frames, people = np.nonzero(matches >= 0)
    root, true_root = predicted_mm[:, :, mupots.ROOT], truth.metric_mm[:, :, mupots.ROOT]
    off_mm = np.linalg.norm(root[matches[frames, people], frames] - true_root[people, frames], axis=-1)
    overlap = picture_iou(predicted_px, truth.points_px)
    identity = identity_scores(np.where(overlap >= SAME_PERSON_IOU, 1 - overlap, np.inf), truth.valid.T, present.T)
    hota = hota_scores(overlap, truth.valid.T, present.T)
    return {
        **mupots.pck_figures(predicted_mm, truth.universal_mm, matches, truth.valid),
        "pck150_rel_visible": mupots.pck(relative.errors_mm, ~occluded),
        "pck150_rel_occluded": mupots.pck(relative.errors_mm, occluded),
        "pck150_abs_metric": metric["pck150_abs"],
        "auc_abs_metric": metric["auc_abs"],
        "ap_root25": mupots.ap_root(root, true_root, take.joint_confidence.mean(-1), present, truth.valid),
        "mrpe_mm": millimetres(off_mm / 1000),
        "coverage": float(relative.matched.mean()) if relative.matched.size else None,
        "idf1": identity.idf1,
        "id_switches": identity.id_switches,
        **{name: getattr(hota, name, None) for name in ("hota", "det_a", "ass_a")},
        "frames": truth.valid.shape[1],
        "person_frames": int(truth.valid.sum()),
    }


def read_sequence(folder: Path) -> Sequence3D:
    """Read `annot.mat` and `occlusion.mat`.

    Raises:
        AnimePoseError: if either is missing or not as described at the top.
    """
    cells = _load(folder / "annot.mat", "annotations")
    labels = _load(folder / "occlusion.mat", "occlusion_labels")
    if labels.shape != cells.shape:
        raise AnimePoseError(f"{folder}: annotations are {cells.shape}, occlusion_labels {labels.shape}.", _REMEDY)
    return Sequence3D(
        points_px=_field(folder, cells, "annot2", 2),
        metric_mm=_field(folder, cells, "annot3", 3),
        universal_mm=_field(folder, cells, "univ_annot3", 3),
        valid=_field(folder, cells, "isValidFrame", 0) > 0,
        occluded=_stack(folder, "occlusion_labels", labels, (17,)) > 0,
    )


def _folder(truth: Path, name: str) -> Path:
    for folder in (truth / name, truth / "MultiPersonTestSet" / name, truth):
        if folder.name.upper() == name and (folder / "annot.mat").is_file():
            return folder
    raise AnimePoseError(f"There is no {name}/annot.mat in {truth}.", _REMEDY)


def _load(path: Path, name: str) -> np.ndarray:
    try:
        cells = loadmat(path, variable_names=[name])[name]
    except FileNotFoundError as error:
        raise AnimePoseError(f"There is no file {path}.", _REMEDY) from error
    except NotImplementedError as error:
        raise AnimePoseError(f"{path} is of MATLAB 7.3.", "Save it again in MATLAB, with save(..., '-v7').") from error
    except (OSError, ValueError, TypeError, KeyError, MatReadError) as error:
        raise AnimePoseError(f"{path} holds no {name}: {error}.", _REMEDY) from error
    if cells.dtype != object or cells.ndim != 2:
        raise AnimePoseError(f"{path}: {name} is no cell array of frames and people.", _REMEDY)
    return cells


def _field(folder: Path, cells: np.ndarray, name: str, rows: int) -> np.ndarray:
    """(T, F, 17, rows) of a field of the structures; (T, F) for 0 rows."""
    try:
        values = np.empty(cells.shape, dtype=object)
        for place in np.ndindex(cells.shape):
            values[place] = cells[place].flat[0][name]
    except (IndexError, ValueError, KeyError, AttributeError) as error:
        raise AnimePoseError(f"{folder / 'annot.mat'}: annotations lack {name}.", _REMEDY) from error
    stacked = _stack(folder, name, values, (rows, 17) if rows else ())
    return np.swapaxes(stacked, -1, -2) if rows else stacked


def _stack(folder: Path, name: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(T, F, *shape) of a cell array (F, T) of arrays of this size."""
    frames, people = values.shape
    unknown = np.full(shape, np.nan)
    try:
        arrays = [np.asarray(value, dtype=np.float64) for value in values.T.ravel()]
        flat = [array.reshape(shape) if array.size else unknown for array in arrays]
    except (ValueError, TypeError) as error:
        raise AnimePoseError(f"{folder}: {name} is not of size {shape}.", _REMEDY) from error
    return np.array(flat).reshape(people, frames, *shape)
