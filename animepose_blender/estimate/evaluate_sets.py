"""What `animepose evaluate` does for each form of truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import AnimePoseError
from .datasets import human36m, mupots, posetrack18
from .datasets.takes import average, stem
from .evaluate import evaluate_files


def evaluate_set(takes: Sequence[str], truth: str, form: str) -> dict[str, Any]:
    """Figures as JSON can hold them.

    Args:
        takes: takes, or estimates in the form of the data set.
        truth: a truth.npz, a folder of them, or the annotations of a data set.
        form: `truth`, `mupots`, `human36m` or `posetrack18`.
    Returns:
        For one take and one truth.npz the figures of `evaluate.evaluate`; else `sequences`, the figures of each, and
        `average`.
    Raises:
        AnimePoseError: if a file cannot be used, or it is not clear what belongs to what.
    """
    if form == "mupots":
        return mupots.evaluate_takes(takes, truth)
    if form == "human36m":
        return human36m.evaluate_predictions(takes, truth)
    if form == "posetrack18":
        return posetrack18.evaluate_predictions(takes, truth)
    if not Path(truth).is_dir():
        if len(takes) > 1:
            raise AnimePoseError(
                f"{truth} is the truth of one clip, but there are {len(takes)} takes.",
                "Give one take, or a folder of truths as --truth.",
            )
        return evaluate_files(takes[0], truth)
    names = [stem(take) for take in takes]
    if len(set(names)) < len(names):
        raise AnimePoseError(f"Two takes have the same name: {sorted(names)}.", "Give one for each clip.")
    sequences = {name: evaluate_files(take, _truth_of(name, Path(truth))) for name, take in zip(names, takes)}
    return {"format": "truth", "sequences": sequences, "average": average(sequences.values())}


def _truth_of(name: str, folder: Path) -> Path:
    choices = [folder / name / "truth.npz", folder / f"{name}_truth.npz", folder / f"{name}.truth.npz"]
    found = next((path for path in choices if path.is_file()), None)
    if found is None:
        raise AnimePoseError(
            f"There is no truth of {name} in {folder}.", f"Expected {' or '.join(str(path) for path in choices)}."
        )
    return found
