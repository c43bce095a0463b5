"""Where people are in the world over a longer time: drift of position, heading and size."""

from __future__ import annotations

import numpy as np

from .alignment import fit_similarity
from .motion import mean_of
from .pose import ROOT, errors_m

CHUNK_FRAMES = 100

MIN_PATH_M = 1.0
"""A person who walks less is left out of the path error, which is told as a part of the path."""


def world_figures(predicted_world_m: np.ndarray, true_world_m: np.ndarray) -> dict[str, float | None]:
    """World metrics, person by person.

    The clip is cut into chunks of `CHUNK_FRAMES`; what is left at the end belongs to the last one, and a shorter clip
    is one chunk.

    Args:
        predicted_world_m: (T, N, J, 3) what stands for each true person, in the take's world; NaN where nobody does.
        true_world_m: (T, N, J, 3) in the truth's world.
    Returns:
        - `w_mpjpe_mm`: mean joint distance after turning, shifting and scaling the joints of a chunk's first two
          frames onto the true ones. Where these are not known the next two are taken.
        - `wa_mpjpe_mm`: the same with all frames of the chunk in the fit.
        - `rte_percent`: mean distance of the root from the true one after a rigid fit of the whole path, as a part of
          the length of the true path; over people who walk `MIN_PATH_M` or more.
        None where nothing can be compared.
    Reference: Shin et al., WHAM (2024), section 4.1, and its evaluator, which drops the last frame of a clip and clips
    under 100 frames.
    """
    frames = true_world_m.shape[1]
    starts = [chunk * CHUNK_FRAMES for chunk in range(max(frames // CHUNK_FRAMES, 1))]
    first, whole, path = [], [], []
    for predicted, truth in zip(predicted_world_m, true_world_m):
        for start, end in zip(starts, [*starts[1:], frames]):
            first.append(_after_fit(predicted[start:end], truth[start:end], 2))
            whole.append(_after_fit(predicted[start:end], truth[start:end], None))
        path.append(_path_error(predicted[:, ROOT], truth[:, ROOT]))
    return {
        "w_mpjpe_mm": _mean(first, 1000.0),
        "wa_mpjpe_mm": _mean(whole, 1000.0),
        "rte_percent": _mean(path, 100.0),
    }


def _after_fit(predicted: np.ndarray, truth: np.ndarray, frames: int | None) -> np.ndarray:
    """(F, J) errors after fitting the first `frames` that are known in both; of all without a number."""
    known = np.flatnonzero((np.isfinite(predicted) & np.isfinite(truth)).all(-1).any(-1))
    if len(known) < 2:
        return np.full(truth.shape[:2], np.nan)
    fitted = known[:frames]
    fit = fit_similarity(predicted[fitted].reshape(-1, 3), truth[fitted].reshape(-1, 3), scale=True)
    return errors_m(fit.apply(predicted.reshape(-1, 3)).reshape(predicted.shape), truth)


def _path_error(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(F,) distance of the root after a rigid fit, over the length of the true path between first and last frame."""
    known = np.flatnonzero((np.isfinite(predicted) & np.isfinite(truth)).all(-1))
    if len(known) < 3:
        return np.full(len(truth), np.nan)
    walked = truth[known[0] : known[-1] + 1]
    walked = walked[np.isfinite(walked).all(-1)]
    length_m = float(np.linalg.norm(np.diff(walked, axis=0), axis=-1).sum())
    if length_m < MIN_PATH_M:
        return np.full(len(truth), np.nan)
    return errors_m(fit_similarity(predicted, truth, scale=False).apply(predicted), truth) / length_m


def _mean(parts: list[np.ndarray], unit: float) -> float | None:
    mean = mean_of(np.concatenate([part.ravel() for part in parts])) if parts else None
    return None if mean is None else mean * unit
