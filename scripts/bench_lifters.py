#!/usr/bin/env python3
"""Compare lifters, inputs and receptive fields with each other and with MediaPipe's own 3D; writes docs/lifters.md.

    .venv/bin/python scripts/bench_lifters.py --data ../shared/data --clips ../shared/clips [--cells out/lifter/cells]

MediaPipe looks at the rendered clips and the four views, which takes some minutes. The cells of one table are trained,
each for about the same short time (a quarter of an hour on one core in all; they are kept in --cells and not trained
again).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

# Many small products: more threads than one only wait for each other. To be set before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import torch
from bench_demo import Silent
from lifter_bench import report
from lifter_bench.cases import Case, rendered, views
from lifter_bench.cells import Column, table
from lifter_bench.default import figures
from training.bodies import load
from training.estimator_errors import Bank, ErrorModel

from animepose_blender.estimate.observe import Observed, observe
from animepose_blender.estimate.video import open_clip
from animepose_blender.protocol import JobRequest

ROOT = Path(__file__).resolve().parent.parent
BENCHMARK = ROOT / "scripts" / "benchmark"
BANK = ROOT / "scripts" / "training" / "estimator_errors.npz"
COLUMNS = (
    Column("1", 300), Column("27", 220), Column("81", 190), Column("243", 160), Column("residual", 90),
    Column("attention", 70),
)  # fmt: skip
"""Steps so that each takes about the same time, some 20 s of one core."""


def look(clip: Path) -> Observed:
    """What MediaPipe finds in a clip."""
    job = JobRequest(clip=str(clip), take=str(clip.with_suffix(".npz")))
    return observe(job, open_clip(job.clip), Silent())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder with `mocap` and `humans`")
    parser.add_argument("--clips", type=Path, required=True, help="the folder with `pose2sim_single`")
    parser.add_argument("--bank", type=Path, default=BANK, help="the estimator's measured errors")
    parser.add_argument("--cache", type=Path, default=ROOT / "out" / "lifter", help="recordings on bodies")
    parser.add_argument("--cells", type=Path, default=ROOT / "out" / "lifter" / "cells", help="trained cells")
    parser.add_argument("--curve", type=Path, default=ROOT / "out" / "lifter" / "default" / "curve.csv")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    errors = ErrorModel(Bank.load(arguments.bank))
    clips: dict[str, list[Case]] = {split: rendered(BENCHMARK / split, look) for split in ("dev", "test")}
    clips["views"] = views(arguments.clips / "pose2sim_single", look)
    train = load(arguments.data, "train", 4, arguments.cache)
    test = load(arguments.data, "test", 2, arguments.cache)
    cells = table(train, test, errors, clips["test"], clips["views"], arguments.cells, COLUMNS)
    found = figures(clips, test, errors)
    report.write(ROOT / "docs", cells, COLUMNS, found, arguments.curve)


if __name__ == "__main__":
    main()
