#!/usr/bin/env python3
"""How fast the preset quality is: the whole run, each stage, and the networks alone; with random weights at full size.

    .venv/bin/python scripts/bench_quality.py [--device cuda] [--compile] [--json FILE]
    .venv/bin/python scripts/bench_quality.py --device cpu --frames 16 --sizes 720 --people 3

Weights need not be fetched: speed does not depend on their values. The clips show people of the bundled clip, whose
boxes, keypoints and depth are given once the networks have looked, since random weights find nobody. The networks
alone are called as often, with the same inputs, as the run called them, one after the other: the limit that a run could
reach if nothing else took time. On a CPU what is left of the run is its overhead; it is counted in processor time,
which other programs disturb less. MediaPipe's networks run on the CPU and count as overhead here.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench_quality_parts.clips import GivenPeople, make_clip
from bench_quality_parts.measure import alone, compiled, whole_run
from bench_quality_parts.networks import NETWORKS, put_into_store

from animepose_blender.estimate.hub.device import choose_device
from animepose_blender.estimate.hub.stage_times import table
from animepose_blender.protocol import DEVICES, JobRequest
from animepose_blender.store.folder import choose_store_folder

PEAK_TFLOPS = {"NVIDIA T4": 65, "GeForce RTX 3060": 25, "GeForce RTX 4090": 165}
"""Half precision with sums in float32, dense, as their makers state."""
SHARE_OF_PEAK = 0.3
"""That networks of this size are assumed to reach."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--frames", type=int, default=160, help="of each clip, up to 180")
    parser.add_argument("--sizes", type=int, nargs="+", default=[720, 1080], help="heights of the clips")
    parser.add_argument("--people", type=int, nargs="+", default=[1, 3, 6])
    parser.add_argument("--repeats", type=int, default=3, help="of each network's call when it is timed alone")
    parser.add_argument("--detector", default="", help="instead of the preset's; so with the next three")
    parser.add_argument("--masks", default="")
    parser.add_argument("--pose", default="")
    parser.add_argument("--depth", default="")
    parser.add_argument("--compile", action="store_true", help="time the networks compiled, too")
    parser.add_argument("--store", type=Path, help="keep the random weights here (1.1 GB); default: a temporary folder")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    print(f"device: {device.name}", *([device.note] if device.note else []), sep="\n")
    results: dict[str, Any] = {"device": device.name, "note": device.note, "runs": []}
    with tempfile.TemporaryDirectory() as folder:
        store = arguments.store or Path(folder) / "store"
        choose_store_folder(store)
        wanted = {name: getattr(arguments, name) for name in ("detector", "masks", "pose", "depth")}
        job = JobRequest(
            clip="-", take="-", preset="quality", device=arguments.device, **{k: v for k, v in wanted.items() if v}
        )
        _fill(store, job)
        for height in arguments.sizes:
            for people in arguments.people:
                figures = _measure(Path(folder), job, height, people, arguments)
                results["runs"].append(figures)
                _show(figures)
    if arguments.json:
        partial = arguments.json.with_suffix(".part")
        partial.write_text(json.dumps(results, indent=1), encoding="utf-8")
        partial.replace(arguments.json)


def _fill(store: Path, job: JobRequest) -> None:
    """Put the networks of a job into the store."""
    by_id = {network.id: network for network in NETWORKS}
    for name in job.parts.networks():
        if name not in by_id:
            raise SystemExit(f"{name} is not known here; choose of {', '.join(by_id)}")
        count = put_into_store(by_id[name], store)
        print(f"{name}: {count / 1e6:.1f} million parameters, published {by_id[name].published_millions:.1f}")


def _measure(folder: Path, job: JobRequest, height: int, people: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Figures of one clip."""
    width = height * 16 // 9
    clip = folder / f"{height}_{people}.mp4"
    known = make_clip(clip, width, height, people, arguments.frames)
    own = replace(job, clip=str(clip), take=str(folder / "take.npz"))
    figures, calls = whole_run(own, GivenPeople(known))
    device = next(iter(calls.loaded.values())).device
    networks = alone(calls, device, arguments.repeats)
    limit_s = sum(one["seconds"] for one in networks.values())
    frames = figures["frames"]
    figures |= {
        "width": width, "height": height, "people": people, "networks": networks,
        "networks_s": limit_s, "frames_per_s": frames / figures["seconds"], "limit_frames_per_s": frames / limit_s,
        "share_of_limit": limit_s / figures["seconds"],
        "tflop_per_frame": sum(one["tflop"] for one in networks.values()) / frames,
        "overhead_share_of_cpu": 1.0 - sum(one["cpu_seconds"] for one in networks.values()) / figures["cpu_seconds"],
    }  # fmt: skip
    if arguments.compile:
        figures["compiled"] = compiled(calls, device, arguments.repeats)
    return figures


def _show(figures: dict[str, Any]) -> None:
    """A run's figures as text."""
    frames, seconds = figures["frames"], figures["seconds"]
    print(f"\n{figures['width']} x {figures['height']}, {figures['people']} people, {frames} frames")
    print(
        f"  {figures['frames_per_s']:.2f} frames a second; the networks alone {figures['limit_frames_per_s']:.2f}: "
        f"{figures['share_of_limit']:.0%} of the limit; loading took {figures['loading_s']:.1f} s"
    )
    if figures["profile"] and "gpu_seconds" not in figures["profile"]:
        print(f"  everything but the networks takes {figures['overhead_share_of_cpu']:.1%} of the processors' time")
    for name, one in figures["networks"].items():
        print(
            f"  {name:<40} {1000 * one['seconds'] / frames:9.1f} ms a frame, {one['calls']:4} calls, "
            f"{1000 * one['tflop'] / frames:8.1f} GFLOP a frame"
        )
    print("  stages:", ", ".join(f"{stage} {one:.1f} s ({one / seconds:.0%})" for stage, one in
                                 figures["stages_s"].items()))  # fmt: skip
    if figures["profile"]:
        print("  " + table(figures["profile"]).replace("\n", "\n  "))
    for name, one in figures.get("compiled", {}).items():
        print(
            f"  {name} compiled: {1000 * one['compiled_s']:.1f} ms instead of {1000 * one['plain_s']:.1f}, first call "
            f"{one['first_s']:.1f} s; pays after {one['pays_after_calls']:.0f} calls"
        )
    guesses = ", ".join(f"{name} {SHARE_OF_PEAK * peak / figures['tflop_per_frame']:.0f}" for name, peak in
                        PEAK_TFLOPS.items())  # fmt: skip
    print(f"  on paper, not measured, at {SHARE_OF_PEAK:.0%} of a GPU's stated speed, frames a second: {guesses}")
    for warning in figures["warnings"]:
        print(f"  warning: {warning}")


if __name__ == "__main__":
    main()
