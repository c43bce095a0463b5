"""Everything that is measured on one rendered clip."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from bench_demo import Silent
from bench_scene import Case, load, take_of

from animepose_blender.estimate.evaluate import evaluate
from animepose_blender.estimate.metrics.truth import Truth
from animepose_blender.estimate.reconstruct import reconstruct
from animepose_blender.protocol import JobRequest
from animepose_blender.take import State, Take

from . import parts, trips
from .figures import SHARES, TRUTH, truth_row
from .methods import BASELINES, BEFORE, OURS, baselines, only
from .store import observed_of

WITH_GAPS, GAPS, UNSMOOTHED = "ours, filled gaps too", "ours, filled gaps alone", "ours, smoothness 0"
METHODS = (OURS, WITH_GAPS, UNSMOOTHED, BEFORE, *BASELINES, TRUTH)
"""Rows of the tables."""


@dataclass(frozen=True, eq=False)
class Folders:
    """Where runs keep what they need again; None = nowhere."""

    cache: Path | None = None
    """What was observed."""
    takes: Path | None = None
    """Our takes are written into it."""
    before: Path | None = None
    """Takes of an earlier run."""


@dataclass(frozen=True, eq=False)
class Measured:
    """One clip."""

    figures: dict[str, dict[str, Any]]
    """Method → figures of `animepose evaluate`."""
    with_truth: dict[str, dict[str, Any]]
    """Part that is true → figures."""
    round_trip: dict[str, float | None]
    """See `trips`."""
    takes: dict[str, Take]
    truth: Truth


def load_case(clip: Path, folders: Folders) -> Case:
    """Observe a clip, or read what was observed of it."""
    job = JobRequest(clip=str(clip), take=str(clip.with_suffix(".npz")))
    return load(clip, observed_of(clip, job, Silent(), folders.cache))


def measure(clip: Path, folders: Folders, *, with_parts: bool = True) -> Measured | None:
    """All figures of a clip; None if nobody was found."""
    case = load_case(clip, folders)
    solved = reconstruct(case.observed, case.focal, case.job, Silent())
    if solved is None:
        return None
    ours = take_of(case, solved)
    name = f"{case.split}_{case.name}.take.npz"
    if folders.takes is not None:
        ours.save(folders.takes / name)
    takes = {OURS: only(ours, State.OBSERVED), WITH_GAPS: ours, **baselines(ours, solved, case.observed)}
    if folders.before is not None and (folders.before / name).exists():
        takes[BEFORE] = only(Take.load(folders.before / name), State.OBSERVED)
    if "smoothness_s" in {f.name for f in fields(JobRequest)}:
        unsmoothed = reconstruct(case.observed, case.focal, replace(case.job, smoothness_s=0.0), Silent())
        if unsmoothed is not None:
            takes[UNSMOOTHED] = only(take_of(case, unsmoothed), State.OBSERVED)
    figures = {method: evaluate(take, case.truth) for method, take in takes.items()}
    for method in BASELINES:
        # They say nothing about contacts.
        figures[method] |= dict.fromkeys(SHARES)
    if (ours.state == State.PREDICTED).any():
        # Hidden people count here, as long as they stand in the picture.
        figures[GAPS] = evaluate(only(ours, State.PREDICTED), replace(case.truth, visible=None))
    figures[TRUTH] = truth_row(figures[WITH_GAPS])
    with_truth = parts.figures_with_truth(case) if with_parts else {}
    round_trip = (
        {"kinematics_mm": trips.kinematics_error_mm(ours), **trips.truth_figures(case.truth)} if with_parts else {}
    )
    return Measured(figures, with_truth, round_trip, takes, case.truth)
