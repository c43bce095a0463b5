#!/usr/bin/env python3
"""Everybody in one scene, against exact truth: the rendered benchmark, `dev` and `test` apart, beside three baselines.

    .venv/bin/python scripts/bench_scene.py [--split dev|test] [--clip NAME ...] [--stages] [--write docs/benchmarks.md]

Each clip is run as a user would, without a word about it. `--stages` also replaces one stage after the other by the
truth, which shows where the error comes from. `--write` puts the tables between the marks in the file.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from bench_demo import Silent
from scene_bench import baselines
from scene_bench.marks import put_between
from scene_bench.oracle import LeavesAlone, Oracle
from scene_bench.shares import stage_shares

from animepose_blender.core import cameras
from animepose_blender.estimate.assemble import assemble
from animepose_blender.estimate.camera import Focal, focal_of
from animepose_blender.estimate.detections import gather
from animepose_blender.estimate.evaluate import evaluate
from animepose_blender.estimate.metrics.truth import Truth
from animepose_blender.estimate.observe import Observed, observe
from animepose_blender.estimate.reconstruct import Given, Reconstruction, reconstruct
from animepose_blender.estimate.video import Clip, open_clip
from animepose_blender.protocol import JobRequest
from animepose_blender.take import Take

BENCHMARK = Path(__file__).resolve().parent / "benchmark"
OURS, BOXES, SIZE, RAW = "ours", "2D IoU + constant velocity", "distance from box height", "raw MediaPipe"
FIGURES = {
    "id_switches": "id sw", "idf1": "idf1 %", "hota": "hota %", "mrpe_mm": "mrpe mm", "pck150_abs": "pck abs %",
    "pck150_rel": "pck rel %", "mpjpe_mm": "mpjpe mm", "coverage": "cover %", "floor_tilt_deg": "tilt °",
    "floor_gap_p95_mm": "off floor mm", "camera_rotation_deg": "camera °", "focal_error_percent": "focal %",
}  # fmt: skip
SHARES = ("idf1", "hota", "coverage")
SUMS = ("id_switches",)


@dataclass(frozen=True, eq=False)
class Case:
    """One clip of the benchmark, decoded and seen once."""

    name: str
    split: str
    clip: Clip
    job: JobRequest
    truth: Truth
    observed: Observed
    oracle: Oracle
    focal: Focal


def load(path: Path, observed: Observed | None = None) -> Case:
    """Decode a clip and find everybody in it, unless that has been done."""
    clip, job = open_clip(str(path)), JobRequest(clip=str(path), take=str(path.with_suffix(".npz")))
    truth_path = path.with_name(f"{path.stem}_truth.npz")
    observed = observed or observe(job, clip, Silent())
    oracle = Oracle(truth_path, observed)
    return Case(path.stem, path.parent.name, clip, job, oracle.truth, observed, oracle, focal_of(job, clip))


def take_of(case: Case, solved: Reconstruction) -> Take:
    """The take that a run would write."""
    rate = case.clip.frame_rate
    source = {
        "clip": case.clip.path.name,
        "size": list(case.observed.size_px),
        "frame_rate": [rate.numerator, rate.denominator],
    }
    return assemble(solved.people, solved.view, source)


def compare(case: Case) -> dict[str, dict[str, Any]]:
    """Figures of ours and of the baselines."""
    solved = reconstruct(case.observed, case.focal, case.job, Silent())
    if solved is None:
        return {}
    ours = take_of(case, solved)
    seen = gather(case.observed.tracklets)
    intrinsics = np.tile(
        cameras.intrinsics_of(case.focal.focal_px, *case.observed.size_px), (len(case.observed.time_s), 1, 1)
    )
    boxes = baselines.boxes_2d(seen, case.observed.time_s)
    plain = replace(ours, intrinsics=intrinsics)
    takes = {
        OURS: ours,
        BOXES: baselines.take_of(seen, boxes, plain, intrinsics, size_root=False),
        SIZE: baselines.take_of(seen, boxes, plain, intrinsics, size_root=True),
        RAW: baselines.take_of(seen, seen.tracklet, plain, intrinsics, size_root=False),
    }
    return {name: evaluate(take, case.truth) for name, take in takes.items()}


def stages(case: Case) -> dict[str, dict[str, Any]]:
    """Figures with one stage after the other replaced by the truth, and with all of them."""
    oracle, observed = case.oracle, case.observed
    focal = Focal(oracle.focal_px, "user")
    found = reconstruct(observed, case.focal, case.job, Silent())
    results: dict[str, Reconstruction | None] = {"as it is": found}
    results["true focal length"] = reconstruct(observed, focal, case.job, Silent())
    results["true focal length and camera path"] = reconstruct(
        observed, focal, case.job, Silent(), Given(motion=oracle.motion())
    )
    person = oracle.people_of(gather(observed.tracklets))
    results["true identities"] = reconstruct(observed, case.focal, case.job, Silent(), Given(person=person))
    camera = reconstruct(observed, focal, case.job, Silent(), Given(motion=oracle.motion(), person=person))
    if camera is not None:
        given = Given(motion=oracle.motion(), person=person, scene=oracle.scene(camera.scene))
        results["true camera, floor and identities"] = reconstruct(observed, focal, case.job, Silent(), given)
    exact_2d = oracle.perfect(observed, metric=False)
    results["true keypoints"] = reconstruct(exact_2d, case.focal, case.job, Silent())
    exact = oracle.perfect(observed, metric=True)
    # Joints in true metres leave no doubt about anybody's size.
    as_large = Given(sizes=np.ones(len(exact.tracklets)), lifter=LeavesAlone())
    results["true keypoints and relative joints"] = reconstruct(exact, case.focal, case.job, Silent(), as_large)
    results["these and the true focal length"] = reconstruct(exact, focal, case.job, Silent(), as_large)
    return {name: evaluate(take_of(case, r), case.truth) for name, r in results.items() if r is not None}


def mean(results: list[dict[str, Any]], key: str) -> float | None:
    """Mean over clips, or the sum of what is counted."""
    values = [r[key] for r in results if r.get(key) is not None]
    if not values:
        return None
    return float(np.sum(values) if key in SUMS else np.mean(values))


def cell(key: str, value: float | None) -> str:
    """A figure as text."""
    if value is None:
        return "-"
    value = value * 100 if key in SHARES else value
    return f"{value:.0f}" if key in SUMS or abs(value) >= 100 else f"{value:.1f}"


def table(title: str, rows: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """A Markdown table."""
    lines = ["| " + " | ".join([title, *FIGURES.values()]) + " |", "|---" * (len(FIGURES) + 1) + "|"]
    for name, figures in rows:
        lines.append("| " + " | ".join([name, *(cell(key, figures.get(key)) for key in FIGURES)]) + " |")
    return lines


def averaged(results: list[dict[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """One row for each kind of run, over all clips."""
    names = list(dict.fromkeys(name for r in results for name in r))
    return [(name, {key: mean([r[name] for r in results if name in r], key) for key in FIGURES}) for name in names]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--split", choices=("dev", "test"), action="append")
    parser.add_argument("--clip", action="append", help="only clips of this name")
    parser.add_argument("--benchmark", type=Path, default=BENCHMARK, help="another folder with dev and test")
    parser.add_argument("--stages", action="store_true", help="also replace stages by the truth")
    parser.add_argument("--time", metavar="NAME", help="also the share of each stage, on this clip at 1080 lines")
    parser.add_argument("--write", type=Path, help="file to put the tables into")
    arguments = parser.parse_args()
    lines: list[str] = []
    for split in arguments.split or ("dev", "test"):
        paths = sorted((arguments.benchmark / split).glob("*.mp4"))
        paths = [path for path in paths if not arguments.clip or path.stem in arguments.clip]
        runs, replaced = {}, []
        for path in paths:
            case = load(path)
            runs[case.name] = compare(case)
            print("\n".join(table(case.name, list(runs[case.name].items()))), flush=True)
            if arguments.stages:
                replaced.append(stages(case))
                print("\n".join(table(case.name, list(replaced[-1].items()))), flush=True)
        if not runs:
            continue
        lines += ["", f"### {split}", *table(f"{split}, mean of {len(runs)} clips", averaged(list(runs.values()))), ""]
        lines += table(f"{split}, ours", [(name, r.get(OURS, {})) for name, r in runs.items()])
        if replaced:
            lines += ["", *table(f"{split}, a stage replaced by the truth", averaged(replaced))]
    if arguments.time:
        path = next(arguments.benchmark.glob(f"*/{arguments.time}.mp4"))
        shares = stage_shares(path)
        lines += ["", f"Shares of a run of `{path.stem}` at 1080 lines:", ""]
        lines += ["| " + " | ".join(shares) + " |", "|---" * len(shares) + "|"]
        lines.append("| " + " | ".join(f"{100 * share:.1f} %" for share in shares.values()) + " |")
    print("\n".join(lines))
    if arguments.write:
        put_between(arguments.write, "scene", lines)


if __name__ == "__main__":
    main()
