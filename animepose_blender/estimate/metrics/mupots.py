"""The protocol of MuPoTS-3D: who is compared with whom, and which part of the joints is right.

Joints in the order of `skeleton.MUPOTS_17`. Everything is batched over people and frames; NaN = unknown.

Reference: Mehta et al., Single-shot multi-person 3D pose estimation from monocular RGB (2018), and the MATLAB evaluator
that comes with the data set; `ap_root` after Moon et al., Camera distance-aware top-down approach (2019), and their
evaluator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...skeleton import MUPOTS_17

ROOT = MUPOTS_17.index("pelvis")
MATCHING = slice(1, 14)
"""Joints 2 to 14 of the paper, neck to left ankle, say who is compared with whom."""
MATCH_PX = 40.0
SCORED = slice(0, 14)
"""Head top to left ankle: the evaluator's groups of joints leave out pelvis, spine and head."""
PCK_MM = 150.0
AUC_THRESHOLDS_MM = np.arange(0.0, 151.0, 5.0)
AP_ROOT_MM = 250.0

# (joint, its parent) in the order in which bones are rescaled, so that a parent always comes first.
_BONES = [(15, 14), (1, 15), (0, 1), (16, 1), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5), (7, 6)]
_BONES += [(8, 14), (9, 8), (10, 9), (11, 14), (12, 11), (13, 12)]


@dataclass(frozen=True)
class Comparison:
    """Errors of the N true person-frames that count."""

    errors_mm: np.ndarray
    """(N, 17); infinite where nothing was estimated, NaN where the truth is unknown."""
    matched: np.ndarray
    """(N,) bool"""


def match(true_px: np.ndarray, predicted_px: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Who stands for whom, frame by frame: each true person in its turn takes the one that shares most joints with it.

    A joint is shared if it is less than `MATCH_PX` off along both axes; one is enough, and nobody is taken twice.

    Args:
        true_px: (T, F, 17, 2).
        predicted_px: (P, F, 17, 2), NaN where absent.
        counted: (T, F) bool: true people that are asked for; the others take nobody.
    Returns:
        (F, T) index of the estimated person, -1 for none.
    """
    people, frames = counted.shape
    matches = np.full((frames, people), -1)
    if not len(predicted_px):
        return matches
    taken = np.zeros((frames, len(predicted_px)), dtype=bool)
    every = np.arange(frames)
    for person in range(people):
        apart = np.abs(true_px[person][None, :, MATCHING] - predicted_px[:, :, MATCHING])
        shared = (apart < MATCH_PX).all(-1).sum(-1).T
        shared = np.where(taken, 0, shared)
        best = shared.argmax(-1)
        found = counted[person] & (shared[every, best] > 0)
        matches[found, person] = best[found]
        taken[every[found], best[found]] = True
    return matches


def rescale_bones(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(..., 17, 3) the estimate with the directions of its bones and the lengths of the truth's, from the pelvis on."""
    scaled = predicted.copy()
    for joint, parent in _BONES:
        bone = predicted[..., joint, :] - predicted[..., parent, :]
        length = np.linalg.norm(bone, axis=-1, keepdims=True)
        true_length = np.linalg.norm(truth[..., joint, :] - truth[..., parent, :], axis=-1, keepdims=True)
        scaled[..., joint, :] = scaled[..., parent, :] + bone * (true_length / np.where(length > 0, length, np.nan))
    return scaled


def compare(
    predicted_mm: np.ndarray, true_mm: np.ndarray, matches: np.ndarray, counted: np.ndarray, *, relative: bool
) -> Comparison:
    """Joint errors of every true person-frame that counts, after `rescale_bones`.

    Args:
        predicted_mm: (P, F, 17, 3) camera axes.
        true_mm: (T, F, 17, 3) camera axes.
        matches: (F, T) of `match`.
        counted: (T, F) bool.
        relative: lay the pelvises on each other first.
    """
    people, frames = np.nonzero(counted)
    chosen = matches[frames, people]
    matched = chosen >= 0
    asked = true_mm[people, frames]
    # A joint that the truth cannot rescale its own bones to is not asked for.
    errors = np.where(np.isfinite(rescale_bones(asked, asked)).all(-1), np.inf, np.nan)
    if matched.any():
        truth = asked[matched]
        estimate = predicted_mm[chosen[matched], frames[matched]]
        if relative:
            truth = truth - truth[:, ROOT : ROOT + 1]
            estimate = estimate - estimate[:, ROOT : ROOT + 1]
        distance = np.linalg.norm(rescale_bones(estimate, truth) - truth, axis=-1)
        errors[matched] = np.where(np.isfinite(distance), distance, errors[matched])
    return Comparison(errors, matched)


def pck_figures(
    predicted_mm: np.ndarray, true_mm: np.ndarray, matches: np.ndarray, counted: np.ndarray
) -> dict[str, float | None]:
    """`pck150_rel`, `pck150_abs`, `auc_rel`, `auc_abs` in percent over all people that count, a missed one counting as
    wrong; with `_matched` at the end over those that were matched."""
    figures: dict[str, float | None] = {}
    for kind in ("rel", "abs"):
        result = compare(predicted_mm, true_mm, matches, counted, relative=kind == "rel")
        found = result.errors_mm[result.matched]
        figures |= {
            f"pck150_{kind}": pck(result.errors_mm),
            f"auc_{kind}": auc(result.errors_mm),
            f"pck150_{kind}_matched": pck(found),
            f"auc_{kind}_matched": auc(found),
        }
    return figures


def pck(errors_mm: np.ndarray, mask: np.ndarray | None = None) -> float | None:
    """Percent of the scored joints less than 150 mm off; `mask` (N, 17) bool names those that count."""
    return _below(errors_mm, np.array([PCK_MM]), mask)


def auc(errors_mm: np.ndarray) -> float | None:
    """Mean of that percentage over the thresholds 0, 5 ... 150 mm."""
    return _below(errors_mm, AUC_THRESHOLDS_MM, None)


def ap_root(
    predicted_mm: np.ndarray, true_mm: np.ndarray, scores: np.ndarray, present: np.ndarray, counted: np.ndarray
) -> float | None:
    """AP_root25: average precision of finding the roots within 250 mm, in percent.

    The estimates are taken by falling score; each stands for the true root nearest to it, and is right if that is
    within 250 mm and nobody did before. Frames that ask for nobody are left out.

    Args:
        predicted_mm: (P, F, 3) camera axes.
        true_mm: (T, F, 3) camera axes.
        scores: (P, F) how sure the estimator is.
        present: (P, F) bool; counted: (T, F) bool.
    Returns:
        None if nobody is asked for. 3DMPPE's evaluator leaves the first estimate out of its sum, which at the size of
        MuPoTS is 0.005 percent; here it counts.
    """
    asked = int(counted.sum())
    if not asked:
        return None
    people, frames = np.nonzero(present & counted.any(0))
    if not len(people):
        return 0.0
    distance = np.linalg.norm(predicted_mm[people, frames][:, None] - np.swapaxes(true_mm, 0, 1)[frames], axis=-1)
    distance = np.where(counted.T[frames] & np.isfinite(distance), distance, np.inf)
    nearest = distance.argmin(-1)
    near = distance[np.arange(len(people)), nearest] < AP_ROOT_MM
    order = np.lexsort((people, frames, -scores[people, frames]))
    claim = np.where(near, frames * len(true_mm) + nearest, -1)[order]
    right = np.zeros(len(order), dtype=bool)
    first = np.unique(claim, return_index=True)[1]
    right[first] = claim[first] >= 0
    precision = right.cumsum() / np.arange(1, len(order) + 1)
    return float(100.0 * (precision * right).sum() / asked)


def _below(errors_mm: np.ndarray, thresholds_mm: np.ndarray, mask: np.ndarray | None) -> float | None:
    scored = errors_mm[:, SCORED]
    values = scored.ravel() if mask is None else scored[mask[:, SCORED]]
    values = values[~np.isnan(values)]
    if not values.size:
        return None
    # Each threshold's share is the same as the place of the threshold among the sorted errors.
    return float(100.0 * np.searchsorted(np.sort(values), thresholds_mm, side="left").mean() / values.size)
