"""How long the solve takes, and how time and memory grow with the length of a clip."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from bench_demo import Silent
from bench_scene import Case

from animepose_blender.estimate.floor import SOLE_M
from animepose_blender.estimate.fuse import Ground
from animepose_blender.estimate.person import Evidence, solve_person
from animepose_blender.estimate.predict import default_predictor
from animepose_blender.estimate.reconstruct import Reconstruction, reconstruct
from animepose_blender.estimate.view import View

TIMES = (1, 2, 4, 8, 16)
CORES = 2
REPEATS = 3
"""Of these runs the fastest counts: others only tell what else the machine was doing."""


@dataclass(frozen=True)
class Length:
    """One length of a clip."""

    person_frames: int
    seconds: float
    processor_seconds: float
    """Of all cores together; on a busy machine it tells more than the clock."""
    peak_mib: float
    """Of memory that Python and numpy asked for while the solve ran."""

    @property
    def rate(self) -> float:
        """Person-frames a second by the clock."""
        return self.person_frames / self.seconds

    @property
    def processor_rate(self) -> float:
        """Person-frames a second of work."""
        return self.person_frames / self.processor_seconds


def measure_speed(case: Case) -> list[Length]:
    """The solve of everybody in a clip that is lengthened by what was observed, there and back, on two cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    found = reconstruct(case.observed, case.focal, case.job, Silent())
    if found is None:
        return []
    lengths = []
    for times in TIMES:
        solve, person_frames = lengthened(found, times)
        runs = [_timed(solve) for _ in range(REPEATS if times < TIMES[-1] else 1)]
        seconds, processor_seconds = (min(values) for values in zip(*runs, strict=True))
        tracemalloc.start()
        solve()
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        lengths.append(Length(person_frames, seconds, processor_seconds, peak))
        print(f"x{times}: {person_frames} person-frames, {seconds:.2f} s, {peak:.0f} MiB", flush=True)
    return lengths


def _timed(solve: Callable[[], None]) -> tuple[float, float]:
    """Seconds by the clock and of the processor."""
    begin, work = time.perf_counter(), time.process_time()
    solve()
    return time.perf_counter() - begin, time.process_time() - work


def lengthened(found: Reconstruction, times: int) -> tuple[Callable[[], None], int]:
    """What solves everybody in a clip so many times as long, and its person-frames. Every other time the clip runs
    backwards, so that nobody jumps."""
    view, count = found.view, len(found.view.time_s)
    order = np.concatenate([np.arange(count)[:: 1 if k % 2 == 0 else -1] for k in range(times)])
    step_s = float(np.median(np.diff(view.time_s)))
    longer = View(view.time_s[0] + step_s * np.arange(len(order)), view.intrinsics[order], view.camera_to_world[order])
    evidence = {person.number: _lengthened(person.evidence, order, count) for person in found.people}
    roots_m = {person.number: person.solved.root_world_m[order] for person in found.people}
    scene, predictor = found.scene, default_predictor()

    def solve() -> None:
        for number, own in evidence.items():
            others_m = np.array([roots_m[n] for n in roots_m if n != number]).reshape(-1, len(order), 3)
            ground = Ground(scene.level_m[number] + SOLE_M * scene.size[number], scene.tilt_sigma_rad)
            solve_person(own, longer, ground, others_m, predictor)

    return solve, sum(len(own.frames) for own in evidence.values())


def _lengthened(evidence: Evidence, order: np.ndarray, count: int) -> Evidence:
    place = np.full(count, -1)
    place[evidence.frames] = np.arange(len(evidence.frames))
    frames = np.flatnonzero(place[order] >= 0)
    return replace(evidence.where(place[order[frames]]), frames=frames)
